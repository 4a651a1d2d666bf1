-- What was paid beyond what is owed is asked back: by netting against later payments, by repayment, or it is given up.
-- Held orders are let through or refused by two persons.
-- migrate:up

-- RECEIVABLE is what payees owe back, RECOVERED what they have given back: the fund's, until it is appropriated anew.
ALTER TABLE budget
    ADD COLUMN receivable_fen bigint NOT NULL DEFAULT 0 CHECK (receivable_fen >= 0),
    ADD COLUMN recovered_fen bigint NOT NULL DEFAULT 0 CHECK (recovered_fen >= 0);
INSERT INTO account (budget_id, kind)
    SELECT budget.id, kind.name FROM budget CROSS JOIN (VALUES ('RECEIVABLE'), ('RECOVERED')) AS kind (name)
    ON CONFLICT DO NOTHING;

-- The revision of an order that two persons have let through, or refused; 0: none.
ALTER TABLE payment_order
    ADD COLUMN released_revision bigint NOT NULL DEFAULT 0,
    ADD COLUMN refused_revision bigint NOT NULL DEFAULT 0;

CREATE INDEX payment_order_overpaid ON payment_order (id) WHERE state = 'OVERPAID';

-- What of a payment is kept against what its payee owes back: the bank pays the rest.
ALTER TABLE payment
    ADD COLUMN offset_fen bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT payment_offset CHECK (offset_fen BETWEEN 0 AND amount_fen);

-- One row for each order and payee and the budget the money came from: usually one an order. It follows the order.
CREATE TABLE recovery (
    id uuid PRIMARY KEY,
    ordinal bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    order_id bigint NOT NULL,
    payee_kind text NOT NULL,
    payee text NOT NULL,
    budget_id bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('DETECTED', 'NOTIFIED', 'DISPUTED', 'OFFSETTING', 'INSTALMENTS', 'RECOVERED',
                                         'WITHDRAWN', 'WRITTEN_OFF')),
    number bigint NOT NULL,  -- of its moves: the etag
    outstanding_fen bigint NOT NULL CHECK (outstanding_fen >= 0),
    live_fen bigint NOT NULL DEFAULT 0 CHECK (live_fen >= 0),  -- offset by payments on their way
    offset_fen bigint NOT NULL DEFAULT 0 CHECK (offset_fen >= 0),
    repaid_fen bigint NOT NULL DEFAULT 0 CHECK (repaid_fen >= 0),
    written_off_fen bigint NOT NULL DEFAULT 0 CHECK (written_off_fen >= 0),
    disputed_fen bigint NOT NULL DEFAULT 0 CHECK (disputed_fen BETWEEN 0 AND outstanding_fen),
    reason text NOT NULL,
    article text NOT NULL DEFAULT '',
    notified_on date,
    due_on date,  -- the last day to answer
    schedule bigint NOT NULL DEFAULT 0,  -- of instalments; 0: none
    schedule_from_fen bigint NOT NULL DEFAULT 0,  -- what was repaid before it began
    county text NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (order_id, payee_kind, payee, budget_id),
    CONSTRAINT nothing_is_left CHECK
        (state NOT IN ('RECOVERED', 'WITHDRAWN', 'WRITTEN_OFF') OR (outstanding_fen = 0 AND live_fen = 0)),
    CONSTRAINT told_before_it_is_taken CHECK
        (state IN ('DETECTED', 'RECOVERED', 'WITHDRAWN', 'WRITTEN_OFF') OR due_on IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX recovery_payee ON recovery (payee_kind, payee) WHERE outstanding_fen > 0;
CREATE INDEX recovery_timed ON recovery (due_on) WHERE state IN ('NOTIFIED', 'INSTALMENTS');

-- Append-only: what a plan offsets. What becomes of it follows from its payment.
CREATE TABLE recovery_offset (
    payment_id uuid NOT NULL,
    recovery_id uuid NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (payment_id, recovery_id)
);
CREATE INDEX recovery_offset_recovery ON recovery_offset (recovery_id);

-- Append-only: money that came back, each credit of a statement once.
CREATE TABLE recovery_repayment (
    entry_id bigint PRIMARY KEY,
    recovery_id uuid NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    value_on date,
    actor text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX recovery_repayment_recovery ON recovery_repayment (recovery_id);

CREATE TABLE recovery_dispute (
    recovery_id uuid NOT NULL,
    number bigint NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    ground text NOT NULL,
    document text NOT NULL,
    opened_by text NOT NULL CHECK (opened_by <> ''),
    opened_at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('UPHELD', 'REJECTED')),
    resolved_by text,
    resolved_at timestamptz,
    PRIMARY KEY (recovery_id, number),
    CONSTRAINT second_person_is_another CHECK (resolved_by <> opened_by),
    CONSTRAINT resolved_by_somebody CHECK ((outcome IS NULL) = (resolved_by IS NULL))
);
CREATE UNIQUE INDEX recovery_dispute_open ON recovery_dispute (recovery_id) WHERE outcome IS NULL;

-- Append-only.
CREATE TABLE recovery_instalment (
    recovery_id uuid NOT NULL,
    schedule bigint NOT NULL,
    number bigint NOT NULL,
    due_on date NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (recovery_id, schedule, number)
);

CREATE TABLE recovery_write_off (
    recovery_id uuid NOT NULL,
    number bigint NOT NULL,  -- of the recovery's move it was proposed at
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    reason text NOT NULL CHECK (reason <> ''),
    document text NOT NULL,
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    proposed_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    PRIMARY KEY (recovery_id, number),
    CONSTRAINT second_person_is_another CHECK (confirmed_by <> proposed_by)
);

-- Append-only: every move, and why.
CREATE TABLE recovery_event (
    recovery_id uuid NOT NULL,
    number bigint NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    outstanding_fen bigint NOT NULL,
    live_fen bigint NOT NULL,
    offset_fen bigint NOT NULL,
    repaid_fen bigint NOT NULL,
    written_off_fen bigint NOT NULL,
    disputed_fen bigint NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (recovery_id, number)
);

-- An order that waits for a person, let through or refused by two.
CREATE TABLE order_decision (
    order_id bigint NOT NULL,
    revision bigint NOT NULL,
    is_release boolean NOT NULL,
    held text[] NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    prepared_by text NOT NULL CHECK (prepared_by <> ''),
    prepared_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz,
    PRIMARY KEY (order_id, revision),
    CONSTRAINT second_person_is_another CHECK (approved_by <> prepared_by)
);

CREATE TRIGGER recovery_offset_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON recovery_offset
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_repayment_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON recovery_repayment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_instalment_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON recovery_instalment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON recovery_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON recovery_offset, recovery_repayment, recovery_instalment, recovery_event
    FROM CURRENT_USER;

-- migrate:down
DROP TABLE order_decision;
DROP TABLE recovery_event;
DROP TABLE recovery_write_off;
DROP TABLE recovery_instalment;
DROP TABLE recovery_dispute;
DROP TABLE recovery_repayment;
DROP TABLE recovery_offset;
DROP TABLE recovery;
ALTER TABLE payment DROP COLUMN offset_fen;
DROP INDEX payment_order_overpaid;
ALTER TABLE payment_order DROP COLUMN released_revision, DROP COLUMN refused_revision;
DELETE FROM account WHERE kind IN ('RECEIVABLE', 'RECOVERED');
ALTER TABLE budget DROP COLUMN receivable_fen, DROP COLUMN recovered_fen;
