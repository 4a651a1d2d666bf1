-- Registry: what the offices' records became, contributions taken back, households, and who was erased.
-- migrate:up
ALTER TABLE coverage
    ADD COLUMN taken_back_months integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN taken_back_on date[] NOT NULL DEFAULT '{}';

-- Append-only: one row for each record of the intake and what became of it. Its bytes are not kept; the digest is
-- keyed.
CREATE TABLE statement (
    receipt_id uuid PRIMARY KEY,
    office text NOT NULL,
    record_number text NOT NULL,
    position text NOT NULL,
    digest bytea NOT NULL,
    received_at timestamptz NOT NULL,
    outcome text NOT NULL,
    reasons text[] NOT NULL
);

-- A household is a mother's. A child is a person, known by its birth certificate.
CREATE TABLE household (
    id uuid PRIMARY KEY,
    mother_id uuid NOT NULL UNIQUE REFERENCES person (id)
);

-- One row is all that was known of a household at that instant. The day of birth is sealed with the child.
CREATE TABLE household_members (
    household_id uuid NOT NULL REFERENCES household (id),
    recorded_at timestamptz NOT NULL,
    father_id uuid REFERENCES person (id),
    child_ids uuid[] NOT NULL,
    birth_orders integer[] NOT NULL,
    birth_months integer[] NOT NULL,
    PRIMARY KEY (household_id, recorded_at)
);

-- Append-only: who was erased, when, by whom and why.
CREATE TABLE erasure (
    person_id uuid PRIMARY KEY REFERENCES person (id),
    erased_at timestamptz NOT NULL,
    principal text NOT NULL,
    reason text NOT NULL
);

CREATE TRIGGER statement_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER household_members_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON household_members
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER erasure_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erasure
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TABLE erasure;
DROP TABLE household_members;
DROP TABLE household;
DROP TABLE statement;
ALTER TABLE coverage DROP COLUMN taken_back_months, DROP COLUMN taken_back_on;
