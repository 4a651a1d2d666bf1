-- Claims: narrow tables hold the business keys, wide ones are only ever appended to.
-- migrate:up

-- One row per claim number of a source. `content_hashes` holds one digest per revision.
CREATE TABLE claim (
    id uuid PRIMARY KEY,
    source text NOT NULL,
    number text NOT NULL,
    version bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('PENDED', 'APPROVED', 'PARTIALLY_APPROVED', 'DENIED', 'DUPLICATE')),
    county text NOT NULL,
    event_date date NOT NULL,
    person uuid,
    content_hashes bytea[] NOT NULL,
    received_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (source, number)
);

-- Rows to lock: whatever is decided about a person is decided by one worker at a time.
CREATE TABLE person (
    id uuid PRIMARY KEY
);

-- A delivery is approved once, whichever source sends it.
CREATE TABLE delivery (
    person uuid NOT NULL,
    event_date date NOT NULL,
    claim_id uuid NOT NULL,  -- written with its claim in one transaction; a reference would be checked row by row
    PRIMARY KEY (person, event_date)
);
CREATE INDEX delivery_claim ON delivery (claim_id);

-- The law as it was, by digest; what was decided under it can be decided again.
CREATE TABLE law (
    digest text PRIMARY KEY,
    content text NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now()
);

-- Append-only. Facts and result are canonical JSON, kept as text so that no byte changes.
CREATE TABLE determination (
    claim_id uuid NOT NULL,
    version bigint NOT NULL,
    revision integer NOT NULL,
    outcome text NOT NULL,
    decision_date date NOT NULL,
    known_at timestamptz NOT NULL,
    law_digest text NOT NULL,
    rules_revision text NOT NULL,
    facts text NOT NULL,
    result text NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (claim_id, version)
);
-- No revision is determined twice; one that waits may be looked at again.
CREATE UNIQUE INDEX determination_once ON determination (claim_id, revision) WHERE outcome <> 'PENDED';

-- Append-only. What came in, sealed, and what was answered; one row per record of the intake.
CREATE TABLE submission (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receipt_id uuid NOT NULL,
    source text NOT NULL,
    claim_number text NOT NULL,
    revision bigint NOT NULL,  -- as the sender wrote it, whatever that was
    status text NOT NULL CHECK (status IN ('DETERMINED', 'PENDED', 'RETURNED', 'DUPLICATE')),
    reasons text[] NOT NULL,
    claim_id uuid,
    position text NOT NULL,
    content_hash bytea NOT NULL,
    sealed bytea NOT NULL,
    received_at timestamptz NOT NULL
);

CREATE TRIGGER determination_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON determination
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER submission_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON submission
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER law_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON law
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TABLE submission;
DROP TABLE determination;
DROP TABLE law;
DROP TABLE delivery;
DROP TABLE person;
DROP TABLE claim;
