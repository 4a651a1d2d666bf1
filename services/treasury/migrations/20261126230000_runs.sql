-- Payment runs: what is planned, approved by a second person, sent once, and what the bank said of it.
-- migrate:up

CREATE TABLE payment_run (
    id uuid PRIMARY KEY,
    ordinal bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    state text NOT NULL
        CHECK (state IN ('PLANNING', 'PLANNED', 'APPROVED', 'SENT', 'SETTLED', 'CLOSED', 'CANCELLED')),
    number bigint NOT NULL DEFAULT 1,  -- of its moves: the etag
    fund text NOT NULL,  -- of what may be paid; empty is any
    county text NOT NULL,
    programme text NOT NULL,
    payable_to date NOT NULL,
    payment_max_fen bigint NOT NULL,  -- 0: no limit
    total_max_fen bigint NOT NULL,
    execute_on date NOT NULL,
    after_budget bigint NOT NULL DEFAULT 0,  -- how far it is planned
    after_day date NOT NULL DEFAULT '-infinity',
    after_order bigint NOT NULL DEFAULT 0,
    planned_count bigint NOT NULL DEFAULT 0,  -- declared by the plan; with the hash they are what is approved
    planned_fen bigint NOT NULL DEFAULT 0,
    plan_hash bytea NOT NULL,
    exceptions bigint NOT NULL DEFAULT 0,
    dropped bigint NOT NULL DEFAULT 0,
    planned_by text NOT NULL CHECK (planned_by <> ''),
    planned_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz,
    is_ready boolean NOT NULL DEFAULT false,  -- the money of every line is committed
    sent_by text,
    sent_at timestamptz,
    closed_by text,
    closed_at timestamptz,
    CONSTRAINT second_person_is_another CHECK (approved_by <> planned_by),
    CONSTRAINT second_person_is_there
        CHECK (state IN ('PLANNING', 'PLANNED', 'CANCELLED') OR approved_by IS NOT NULL),
    CONSTRAINT sent_after_approval CHECK (sent_by IS NULL OR (approved_by IS NOT NULL AND is_ready))
);
-- What still moves: few beside all there ever were.
CREATE INDEX payment_run_open ON payment_run (id) WHERE state IN ('PLANNING', 'APPROVED', 'SENT', 'CANCELLED');

-- One attempt to pay an order. Its payee's account is as the second person approved it: by version and keyed digest, the
-- account itself sealed. What the bank said is kept as facts; the state follows from them.
CREATE TABLE payment (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    number bigint NOT NULL,  -- of the line
    order_id bigint NOT NULL,
    order_revision bigint NOT NULL,
    budget_id bigint NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    state text NOT NULL CHECK (state IN ('CREATED', 'RESERVED', 'QUEUED', 'SENT', 'ACCEPTED', 'SETTLED', 'RECONCILED',
                                         'REJECTED', 'RETURNED', 'CANCELLED', 'UNKNOWN')),
    fund text NOT NULL,
    county text NOT NULL,
    payee_kind text NOT NULL,
    payee text NOT NULL,
    payee_version bigint NOT NULL,
    account_hash bytea NOT NULL,
    account_sealed bytea NOT NULL,
    paying_account text NOT NULL,
    end_to_end_id text NOT NULL UNIQUE,
    reissue_of uuid,
    file_id uuid,
    reason text NOT NULL DEFAULT '',
    decided_at timestamptz,  -- the bank's own instant of the answer that counts
    debited_on date,
    returned_on date,
    debit_advice bigint,  -- entries
    debit_statement bigint,
    return_advice bigint,
    return_statement bigint,
    updated_at timestamptz NOT NULL,
    UNIQUE (run_id, number)
) WITH (fillfactor = 70);
-- Whatever crashes: one order has one payment that may still be paid, and a failed payment one successor.
CREATE UNIQUE INDEX payment_live ON payment (order_id)
    WHERE state IN ('CREATED', 'RESERVED', 'QUEUED', 'SENT', 'ACCEPTED', 'UNKNOWN');
CREATE UNIQUE INDEX payment_reissue ON payment (reissue_of) WHERE reissue_of IS NOT NULL AND state <> 'CANCELLED';
CREATE INDEX payment_order_id ON payment (order_id, id);
CREATE INDEX payment_unsent ON payment (run_id, number) WHERE state IN ('CREATED', 'RESERVED', 'QUEUED');
CREATE INDEX payment_unanswered ON payment (run_id, paying_account, number) WHERE state IN ('SENT', 'ACCEPTED', 'UNKNOWN');

-- What a plan left out, and lines that fell out of it later. Codes.
CREATE TABLE run_exception (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id uuid NOT NULL,
    order_id bigint NOT NULL,
    payment_id uuid,
    amount_fen bigint NOT NULL,
    county text NOT NULL,
    reasons text[] NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX run_exception_run ON run_exception (run_id, id);

-- One file to one bank. Name and hash stand here before a payment is SENT, the intent before the first byte leaves; all
-- that is in the file is in this row and in its payments, so it can be written again to the same bytes.
CREATE TABLE bank_file (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    paying_account text NOT NULL,
    message_id text NOT NULL UNIQUE,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    execute_on date NOT NULL,
    debtor_name text NOT NULL,
    debtor_account text NOT NULL,
    debtor_bank_code text NOT NULL,
    debtor_known_as text NOT NULL,  -- in statements
    count bigint NOT NULL CHECK (count > 0),
    total_fen bigint NOT NULL CHECK (total_fen > 0),
    sha256 bytea,
    size_bytes bigint,
    signature bytea,
    intent_at timestamptz,
    handover text CHECK (handover IN ('TAKEN', 'BEFORE', 'NOT_SENT', 'REFUSED', 'UNKNOWN')),
    handed_at timestamptz,
    UNIQUE (run_id, paying_account),
    CONSTRAINT hash_before_intent CHECK (intent_at IS NULL OR sha256 IS NOT NULL),
    CONSTRAINT intent_before_handover CHECK (handover IS NULL OR intent_at IS NOT NULL)
);
CREATE INDEX bank_file_open ON bank_file (id) WHERE handover IS NULL OR handover = 'NOT_SENT';

-- What a bank sent, once by content. `applied` says how many of its records have been worked.
CREATE TABLE bank_message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE,
    name text NOT NULL,
    kind text NOT NULL,
    principal text NOT NULL,
    received_at timestamptz NOT NULL,
    records bigint NOT NULL,
    applied bigint NOT NULL DEFAULT 0
);
CREATE INDEX bank_message_open ON bank_message (id) WHERE applied < records;

-- Append-only: what answers say of payments, a row each.
CREATE TABLE bank_answer (
    message_id bigint NOT NULL,
    number bigint NOT NULL,
    end_to_end_id text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    amount_fen bigint,
    said_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, number)
);

-- Append-only: movements on our accounts. The same movement in another file is the same row, by the bank's reference.
CREATE TABLE statement_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL,
    number bigint NOT NULL,
    is_statement boolean NOT NULL,  -- else an advice
    key bytea NOT NULL UNIQUE,
    account text NOT NULL,
    end_to_end_id text NOT NULL,
    amount_fen bigint NOT NULL,
    is_credit boolean NOT NULL,
    is_reversal boolean NOT NULL,
    value_on date,
    reference text NOT NULL,
    return_reason text NOT NULL,
    detail_sealed bytea,
    UNIQUE (message_id, number)
);
CREATE INDEX statement_entry_payment ON statement_entry (end_to_end_id) WHERE end_to_end_id <> '';

-- Append-only: the days that statements cover whole, by account.
CREATE TABLE statement_day (
    account text NOT NULL,
    day date NOT NULL,
    message_id bigint NOT NULL,
    PRIMARY KEY (account, day)
);

-- What fits no payment and waits for a person. As long as one names an order's payment, that order is not paid.
CREATE TABLE unmatched (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_name text NOT NULL,
    source text NOT NULL CHECK (source IN ('FILE', 'ANSWER', 'ENTRY', 'RETURN')),
    key bytea NOT NULL UNIQUE,
    end_to_end_id text NOT NULL,
    payment_id uuid,
    order_id bigint,
    amount_fen bigint NOT NULL,
    is_credit boolean NOT NULL,
    value_on date,
    reasons text NOT NULL,  -- JSON: code, field and values of each
    detail_sealed bytea,
    is_open boolean NOT NULL DEFAULT true,
    received_at timestamptz NOT NULL
);
CREATE INDEX unmatched_open ON unmatched (id) WHERE is_open;
CREATE INDEX unmatched_order ON unmatched (order_id) WHERE is_open AND order_id IS NOT NULL;

-- How a payment of which nothing is known came to be REJECTED: by the bank's word, said by two persons.
CREATE TABLE unknown_resolution (
    payment_id uuid PRIMARY KEY,
    document text NOT NULL,
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    proposed_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    CONSTRAINT second_person_is_another CHECK (confirmed_by <> proposed_by)
);

-- Append-only: a request that is sent again is answered with its first answer.
CREATE TABLE run_request (
    actor text NOT NULL,
    request_id text NOT NULL,
    digest bytea NOT NULL,
    answer bytea NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (actor, request_id)
);

CREATE TRIGGER bank_answer_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bank_answer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_day_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_day
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER run_request_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_request
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON bank_answer, statement_entry, statement_day, run_request FROM CURRENT_USER;

-- migrate:down
DROP TABLE run_request;
DROP TABLE unknown_resolution;
DROP TABLE unmatched;
DROP TABLE statement_day;
DROP TABLE statement_entry;
DROP TABLE bank_answer;
DROP TABLE bank_message;
DROP TABLE bank_file;
DROP TABLE run_exception;
DROP TABLE payment;
DROP TABLE payment_run;
