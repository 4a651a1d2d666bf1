-- Registry: violations of employers, premium they did not pay in time, when they closed, and who is insured by whom.
-- migrate:up

-- A case of one authority, by its own number; it never goes over to another employer.
CREATE TABLE violation (
    id uuid PRIMARY KEY,
    authority text NOT NULL,
    number text NOT NULL,
    employer_id uuid NOT NULL REFERENCES employer (id),
    UNIQUE (authority, number)
);
CREATE INDEX violation_employer ON violation (employer_id);

-- One row is all that was known of a violation at that instant: how far it is follows from its dates.
CREATE TABLE violation_known (
    violation_id uuid NOT NULL REFERENCES violation (id),
    recorded_at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('LABOUR_PROTECTION', 'DISCRIMINATION', 'UNION_OPINION', 'PREGNANCY_DISMISSAL',
        'INSURANCE_FRAUD', 'NURSERY_ABUSE', 'HARASSMENT_CONCEALED', 'GRAVE_ACCIDENT', 'OCCUPATIONAL_HARM')),
    opened_on date NOT NULL,
    talked_on date,
    due_on date,
    upheld_on date,
    closed_on date,
    decision text NOT NULL,
    PRIMARY KEY (violation_id, recorded_at),
    CONSTRAINT a_talk_has_a_deadline CHECK (talked_on IS NULL OR due_on IS NOT NULL),
    CONSTRAINT what_is_upheld_has_a_decision CHECK ((upheld_on IS NULL) = (decision = ''))
);

-- One row is all that was known at that instant of an employer's premium that was not paid in time.
CREATE TABLE employer_arrears (
    employer_id uuid NOT NULL REFERENCES employer (id),
    recorded_at timestamptz NOT NULL,
    months integer[] NOT NULL,
    due_on date[] NOT NULL,
    amount_fen bigint[] NOT NULL,
    deferred_until date[] NOT NULL,
    paid_on date[] NOT NULL,
    PRIMARY KEY (employer_id, recorded_at)
);

-- Append-only: the day an employer closed, as it was known from that instant on. No row: it never was said to have closed.
CREATE TABLE employer_closing (
    employer_id uuid NOT NULL REFERENCES employer (id),
    recorded_at timestamptz NOT NULL,
    closed_on date,
    PRIMARY KEY (employer_id, recorded_at)
);

-- Everybody who was ever insured through an employer, for counting its staff of a day.
CREATE INDEX coverage_employers ON coverage USING gin ((coalesce(employer_ids, ARRAY[employer_id])));

CREATE TRIGGER violation_known_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON violation_known
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER employer_arrears_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON employer_arrears
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER employer_closing_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON employer_closing
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP INDEX coverage_employers;
DROP TABLE employer_closing;
DROP TABLE employer_arrears;
DROP TABLE violation_known;
DROP TABLE violation;
