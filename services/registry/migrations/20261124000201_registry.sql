-- Registry: identity found by keyed index, personal data sealed; coverage and wages by what was known when.
-- migrate:up
CREATE TABLE person (
    id uuid PRIMARY KEY,
    blind_index bytea NOT NULL UNIQUE,
    sealed bytea NOT NULL
);

CREATE TABLE employer (
    id uuid PRIMARY KEY,
    uscc text NOT NULL UNIQUE,
    name text NOT NULL,
    county text NOT NULL
);

-- One row per record; the latest not after `known_at` is what was known then. Contributions are spans with
-- exceptions, one row a person: month rows cost twenty times as much to read.
CREATE TABLE coverage (
    person_id uuid NOT NULL REFERENCES person (id),
    recorded_at timestamptz NOT NULL,
    category text NOT NULL,
    employer_id uuid REFERENCES employer (id),
    first_months integer[] NOT NULL,
    last_months integer[] NOT NULL,
    late_months integer[] NOT NULL,
    late_paid_on date[] NOT NULL,
    PRIMARY KEY (person_id, recorded_at)
);

CREATE TABLE employer_wage (
    employer_id uuid NOT NULL REFERENCES employer (id),
    recorded_at timestamptz NOT NULL,
    years integer[] NOT NULL,
    monthly_fen bigint[] NOT NULL,
    PRIMARY KEY (employer_id, recorded_at)
);

-- Append-only: one row for each call that read personal coverage.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    method text NOT NULL,
    subjects uuid[] NOT NULL
);

CREATE TRIGGER coverage_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON coverage
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER employer_wage_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON employer_wage
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TABLE audit;
DROP TABLE employer_wage;
DROP TABLE coverage;
DROP TABLE employer;
DROP TABLE person;
