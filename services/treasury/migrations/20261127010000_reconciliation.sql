-- Reconciliation: breaks between banks' statements and the ledger, and how each ends; pages of statements, and days.
-- migrate:up

-- What fits nothing is a break. `effect_fen` is what the statement has more than the ledger, on `account` and
-- `value_on`; `counter_fen` what the ledger has for it, where it ended as a payment, on `counter_account` and
-- `counter_on`. So a day's statement = its ledger + effects + counters.
ALTER TABLE unmatched
    ADD COLUMN number bigint NOT NULL DEFAULT 1,  -- of its moves: the etag
    ADD COLUMN kind text NOT NULL DEFAULT 'ANSWER'
        CHECK (kind IN ('FILE', 'ANSWER', 'AMOUNT', 'DATE', 'ACCOUNT', 'DUPLICATE', 'UNKNOWN_CREDIT', 'UNKNOWN_DEBIT',
                        'MISSING', 'BALANCE')),
    ADD COLUMN account text NOT NULL DEFAULT '',
    ADD COLUMN entry_id bigint,
    ADD COLUMN effect_fen bigint NOT NULL DEFAULT 0,
    ADD COLUMN counter_account text NOT NULL DEFAULT '',
    ADD COLUMN counter_fen bigint NOT NULL DEFAULT 0,
    ADD COLUMN counter_on date,
    ADD COLUMN way text CHECK (way IN ('MATCHED', 'CANCELLED_OUT', 'EXPLAINED', 'NOT_PAID', 'HEALED', 'REPAID')),
    ADD COLUMN why text NOT NULL DEFAULT '',
    ADD COLUMN note text NOT NULL DEFAULT '',
    ADD COLUMN ends_with bigint[] NOT NULL DEFAULT '{}',  -- the other breaks that end with it
    ADD COLUMN ends_payment uuid,
    ADD COLUMN proposed_by text CHECK (proposed_by <> ''),
    ADD COLUMN proposed_at timestamptz,
    ADD COLUMN ended_by text CHECK (ended_by <> ''),
    ADD COLUMN ended_at timestamptz,
    -- Whatever changes money, or lets an order be paid again, is agreed to by another person than who proposed it.
    ADD CONSTRAINT second_person_is_another CHECK (
        is_open OR way IN ('HEALED', 'REPAID') OR (order_id IS NULL AND source IN ('FILE', 'ANSWER')) OR ended_by <> proposed_by),
    ADD CONSTRAINT ends_in_a_way CHECK (
        is_open OR (way IS NOT NULL AND (way IN ('HEALED', 'REPAID') OR (ended_by IS NOT NULL AND proposed_by IS NOT NULL)))),
    DROP CONSTRAINT unmatched_source_check,
    ADD CONSTRAINT unmatched_source_check
        CHECK (source IN ('FILE', 'ANSWER', 'ENTRY', 'RETURN', 'STATEMENT', 'LEDGER'));
CREATE INDEX unmatched_day ON unmatched (account, value_on) WHERE effect_fen <> 0;
CREATE INDEX unmatched_counter_day ON unmatched (counter_account, counter_on) WHERE counter_fen <> 0;
CREATE INDEX unmatched_ended ON unmatched (id) WHERE NOT is_open;

UPDATE unmatched SET kind = 'FILE' WHERE source = 'FILE';
UPDATE unmatched AS u
SET entry_id = e.id, account = e.account,
    effect_fen = CASE WHEN NOT e.is_statement THEN 0 WHEN e.is_credit THEN e.amount_fen ELSE -e.amount_fen END,
    kind = CASE u.reasons::jsonb -> 0 ->> 0 WHEN 'ENTRY_AMOUNT_DIFFERS' THEN 'AMOUNT'
                WHEN 'ENTRY_ACCOUNT_DIFFERS' THEN 'ACCOUNT' WHEN 'ENTRY_TWICE' THEN 'DUPLICATE'
                ELSE CASE WHEN e.is_credit THEN 'UNKNOWN_CREDIT' ELSE 'UNKNOWN_DEBIT' END END
FROM statement_entry AS e
WHERE u.source IN ('ENTRY', 'RETURN') AND e.end_to_end_id = u.end_to_end_id AND e.amount_fen = u.amount_fen
  AND u.key = sha256(convert_to('entry/' || e.id || '/' || (u.reasons::jsonb -> 0 ->> 0), 'UTF8'));

-- Append-only: every step of a break.
CREATE TABLE unmatched_step (
    break_id bigint NOT NULL,
    number bigint NOT NULL,
    step text NOT NULL CHECK (step IN ('PROPOSED', 'REFUSED', 'NOTED', 'ENDED', 'HEALED', 'OPENED')),
    way text NOT NULL,
    why text NOT NULL,
    note text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (break_id, number)
);
CREATE TRIGGER unmatched_step_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON unmatched_step
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Append-only: pages of statements as they came. What comes in several messages covers its day when all are here.
CREATE TABLE statement_page (
    message_id bigint NOT NULL,
    number bigint NOT NULL,  -- within its message
    account text NOT NULL,
    report_id text NOT NULL,
    sequence text NOT NULL,
    page bigint NOT NULL,
    is_last boolean NOT NULL,
    day date,
    opening_fen bigint,
    closing_fen bigint,
    booked_fen bigint NOT NULL,
    PRIMARY KEY (message_id, number)
);
CREATE INDEX statement_page_report ON statement_page (account, report_id, sequence);
CREATE INDEX statement_page_day ON statement_page (account, day);
CREATE TRIGGER statement_page_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_page
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON unmatched_step, statement_page FROM CURRENT_USER;

ALTER TABLE bank_message ADD COLUMN is_reconciled boolean NOT NULL DEFAULT false;
CREATE INDEX bank_message_unreconciled ON bank_message (id) WHERE NOT is_reconciled;

-- The second debit of a payment whose first one came back: it stands.
ALTER TABLE payment ADD COLUMN debit_again bigint;
CREATE INDEX payment_unproven ON payment (id)
    WHERE state IN ('SETTLED', 'RETURNED') AND (debit_statement IS NULL OR return_statement IS NULL);

CREATE INDEX statement_entry_day ON statement_entry (account, value_on) WHERE is_statement;
CREATE INDEX transfer_paid ON transfer (effective_on) WHERE kind IN ('SPEND', 'RETURN');

-- migrate:down
DROP INDEX transfer_paid;
DROP INDEX statement_entry_day;
DROP INDEX payment_unproven;
ALTER TABLE payment DROP COLUMN debit_again;
DROP INDEX bank_message_unreconciled;
ALTER TABLE bank_message DROP COLUMN is_reconciled;
DROP TABLE statement_page;
DROP TABLE unmatched_step;
DELETE FROM unmatched WHERE source IN ('STATEMENT', 'LEDGER');
ALTER TABLE unmatched
    DROP CONSTRAINT unmatched_source_check,
    DROP CONSTRAINT second_person_is_another,
    DROP CONSTRAINT ends_in_a_way,
    DROP COLUMN number,
    DROP COLUMN kind,
    DROP COLUMN account,
    DROP COLUMN entry_id,
    DROP COLUMN effect_fen,
    DROP COLUMN counter_account,
    DROP COLUMN counter_fen,
    DROP COLUMN counter_on,
    DROP COLUMN way,
    DROP COLUMN why,
    DROP COLUMN note,
    DROP COLUMN ends_with,
    DROP COLUMN ends_payment,
    DROP COLUMN proposed_by,
    DROP COLUMN proposed_at,
    DROP COLUMN ended_by,
    DROP COLUMN ended_at;
ALTER TABLE unmatched ADD CONSTRAINT unmatched_source_check CHECK (source IN ('FILE', 'ANSWER', 'ENTRY', 'RETURN'));
