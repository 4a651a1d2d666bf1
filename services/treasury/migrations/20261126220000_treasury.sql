-- The treasury: budgets, orders, and a ledger in which a row is a transfer from one account to another.
-- migrate:up

-- One row is one pot of money. Its figures are the balances of its accounts, kept so that a reservation is one update;
-- what is available never falls below nothing, under any concurrency. Rows are always locked in order of id. An order
-- for which nobody has appropriated anything makes a row that is not open, so that it waits in the same queue.
CREATE TABLE budget (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fund text NOT NULL
        CHECK (fund IN ('EMPLOYEE_INSURANCE', 'RESIDENT_INSURANCE', 'UNEMPLOYMENT', 'FISCAL')),
    county text NOT NULL,
    programme text NOT NULL CHECK (programme IN ('MATERNITY', 'NURSERY')),
    fiscal_year integer NOT NULL,
    pooling_area text,  -- known once it is open; an order does not say it
    opened_at timestamptz,
    available_fen bigint NOT NULL DEFAULT 0 CHECK (available_fen >= 0),
    reserved_fen bigint NOT NULL DEFAULT 0 CHECK (reserved_fen >= 0),
    committed_fen bigint NOT NULL DEFAULT 0 CHECK (committed_fen >= 0),
    spent_fen bigint NOT NULL DEFAULT 0 CHECK (spent_fen >= 0),
    waiting_orders bigint NOT NULL DEFAULT 0 CHECK (waiting_orders >= 0),  -- those that wait for money, and their sum
    waiting_fen bigint NOT NULL DEFAULT 0 CHECK (waiting_fen >= 0),
    UNIQUE (fund, county, programme, fiscal_year),
    CHECK (opened_at IS NOT NULL OR (available_fen = 0 AND reserved_fen = 0 AND committed_fen = 0 AND spent_fen = 0)),
    CHECK ((opened_at IS NULL) = (pooling_area IS NULL))
) WITH (fillfactor = 50);

-- Accounts of the ledger. Those of a budget: APPROPRIATED (what was given, a credit balance), AVAILABLE, RESERVED,
-- COMMITTED, SPENT. Debit is what was given and where it is, so their balances are debit balances.
CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    budget_id bigint NOT NULL REFERENCES budget (id),
    kind text NOT NULL,
    UNIQUE (budget_id, kind)
);

-- Append-only: money from the credit account to the debit account, balanced by construction. A correction is another.
CREATE TABLE transfer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    debit bigint NOT NULL,  -- accounts; written by us alone, a reference would be checked row by row
    credit bigint NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    kind text NOT NULL,
    order_id bigint,
    payment_id uuid,
    effective_on date NOT NULL,
    booked_on date NOT NULL,
    booked_at timestamptz NOT NULL,
    CHECK (debit <> credit)
);
CREATE INDEX transfer_order ON transfer (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX transfer_debit ON transfer (debit, booked_on, id);
CREATE INDEX transfer_credit ON transfer (credit, booked_on, id);

-- Sums of transfers by account and days: a balance as of any day costs days, not transfers.
CREATE TABLE account_day (
    account_id bigint NOT NULL,
    booked_on date NOT NULL,
    effective_on date NOT NULL,
    debit_fen bigint NOT NULL DEFAULT 0,
    credit_fen bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, booked_on, effective_on)
) WITH (fillfactor = 50);

-- Transfers sealed in blocks, each chained to the one before.
CREATE TABLE ledger_block (
    number bigint PRIMARY KEY,
    first_transfer bigint NOT NULL,
    last_transfer bigint NOT NULL,
    transfers bigint NOT NULL,
    previous bytea NOT NULL,
    digest bytea NOT NULL,
    sealed_at timestamptz NOT NULL
);

-- Appropriations as they were asked for: the same request is the same appropriation, and has the same answer.
CREATE TABLE appropriation (
    request_id uuid PRIMARY KEY,
    content_hash bytea NOT NULL,
    answer bytea NOT NULL,
    budget_id bigint NOT NULL REFERENCES budget (id),
    amount_fen bigint NOT NULL CHECK (amount_fen <> 0),
    document text NOT NULL,
    principal text NOT NULL,
    at timestamptz NOT NULL
);

-- One row for each (programme, case, period, line): the whole that is owed, and what became of it.
-- owed = settled + live + reserved + held, or it is overpaid.
CREATE TABLE payment_order (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme text NOT NULL,
    case_id uuid NOT NULL,
    period text NOT NULL,
    line text NOT NULL,
    revision bigint NOT NULL,
    version bigint NOT NULL,  -- of the events that were told of it
    content_hash bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('RESERVED', 'HELD', 'SETTLED', 'OVERPAID')),
    reasons text[] NOT NULL,
    owed_fen bigint NOT NULL CHECK (owed_fen >= 0),
    reserved_fen bigint NOT NULL CHECK (reserved_fen >= 0),
    live_fen bigint NOT NULL DEFAULT 0 CHECK (live_fen >= 0),
    settled_fen bigint NOT NULL DEFAULT 0 CHECK (settled_fen >= 0),
    fund text NOT NULL,
    county text NOT NULL,
    budget_id bigint NOT NULL,
    payable_on date NOT NULL,
    payee_kind text NOT NULL,
    payee text NOT NULL,
    paid_to text,  -- the payee, and fund and county, of what is live or settled, once a revision has named others
    paid_from text,
    waiting boolean NOT NULL,  -- held for money, and for nothing else
    law_digest text NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (case_id, line, period, programme),
    CHECK (reserved_fen = 0 OR reserved_fen + live_fen + settled_fen <= owed_fen),
    CHECK (reserved_fen = 0 OR state IN ('RESERVED', 'HELD')),
    CHECK (state = 'HELD' OR NOT waiting)
) WITH (fillfactor = 80);
-- What waits for money, in the order in which it is released; what is held; and what may be planned.
CREATE INDEX payment_order_waiting ON payment_order (budget_id, payable_on, id) WHERE waiting;
CREATE INDEX payment_order_held ON payment_order (id) WHERE state = 'HELD';
CREATE INDEX payment_order_reserved ON payment_order (budget_id, payable_on, id) WHERE reserved_fen > 0;

-- Append-only: every revision as it came.
CREATE TABLE order_revision (
    order_id bigint NOT NULL,
    revision bigint NOT NULL,
    content_hash bytea NOT NULL,
    owed_fen bigint NOT NULL,
    payable_on date NOT NULL,
    payee_kind text NOT NULL,
    payee text NOT NULL,
    law_digest text NOT NULL,
    position text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, revision)
);

-- Append-only: records of the order topic that were not taken, and why. Nobody knows what is in them, so they are sealed.
CREATE TABLE refusal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position text NOT NULL,
    programme text NOT NULL,  -- as far as it could be read
    case_id text NOT NULL,
    period text NOT NULL,
    line text NOT NULL,
    county text NOT NULL,
    revision bigint NOT NULL,
    version bigint NOT NULL,  -- of the event it was told by; 0 if nobody could be told
    reasons text NOT NULL,  -- JSON: code, field and values of each
    sealed bytea NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX refusal_case ON refusal (case_id);

CREATE TRIGGER transfer_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_block_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_block
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER appropriation_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON appropriation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER order_revision_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_revision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refusal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refusal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Not even the owner may, as long as he is no superuser; the triggers hold for everybody.
REVOKE UPDATE, DELETE, TRUNCATE ON transfer, ledger_block, appropriation, order_revision, refusal FROM CURRENT_USER;

-- migrate:down
DROP TABLE refusal;
DROP TABLE order_revision;
DROP TABLE payment_order;
DROP TABLE appropriation;
DROP TABLE ledger_block;
DROP TABLE account_day;
DROP TABLE transfer;
DROP TABLE account;
DROP TABLE budget;
