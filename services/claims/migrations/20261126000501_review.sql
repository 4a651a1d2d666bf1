-- Review: what waits for a person, every move made about it, and who decided; a row only for a claim that waits.
-- migrate:up

ALTER TABLE claim DROP CONSTRAINT claim_state_check;
ALTER TABLE claim ADD CONSTRAINT claim_state_check CHECK (
    state IN ('PENDED', 'APPROVED', 'PARTIALLY_APPROVED', 'DENIED', 'DUPLICATE', 'RETURNED', 'WITHDRAWN'));

CREATE TABLE review_task (
    id uuid PRIMARY KEY,
    claim_id uuid NOT NULL,
    version bigint NOT NULL,  -- of the claim, when it was opened
    kind text NOT NULL,
    reason text NOT NULL,
    due_on date,  -- null: it lies in a year whose holidays are not announced yet
    opened_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'PENDED', 'PROPOSED', 'CLOSED')),
    risk smallint NOT NULL DEFAULT 0 CHECK (risk BETWEEN 0 AND 100),
    outcome text,
    pend_reason text,
    assignee text NOT NULL DEFAULT '',
    number integer NOT NULL DEFAULT 1,  -- of the last move; the etag
    proposer text NOT NULL DEFAULT '',
    proposal text NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'CLOSED') = (outcome IS NOT NULL)),
    CHECK ((state = 'PENDED') = (pend_reason IS NOT NULL)),
    CHECK ((state = 'PROPOSED') = (proposer <> '')),
    CHECK (assignee = '' OR assignee <> proposer)  -- who proposed is not the second person
);
-- The queue, and what is counted: open reviews are few beside all there ever were.
CREATE INDEX review_task_queue ON review_task ((coalesce(due_on, 'infinity'::date)), (-risk), id) WHERE state <> 'CLOSED';
CREATE INDEX review_task_claim ON review_task (claim_id);
-- One open question about a claim for each reason; a claim as it stands is sampled once.
CREATE UNIQUE INDEX review_task_once ON review_task (claim_id, reason) WHERE state <> 'CLOSED';
CREATE UNIQUE INDEX review_task_sampled ON review_task (claim_id, version) WHERE reason = 'QUALITY_SAMPLE';

-- Append-only: who moved what, when, and why. A reviewer's own words are sealed.
CREATE TABLE review_entry (
    review_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    move text NOT NULL,
    reason text NOT NULL DEFAULT '',
    note_sealed bytea,
    content text NOT NULL DEFAULT '',
    PRIMARY KEY (review_id, number)
);

-- Append-only: who decided. The second person is another than the first, and is there where the law asks for one.
CREATE TABLE review_decision (
    review_id uuid PRIMARY KEY,
    claim_id uuid NOT NULL,
    version bigint NOT NULL,
    first_person text NOT NULL CHECK (first_person <> ''),
    second_person text,
    second_needed boolean NOT NULL,
    decided_at timestamptz NOT NULL,
    UNIQUE (claim_id, version),
    CONSTRAINT second_person_is_another CHECK (second_person <> first_person),
    CONSTRAINT second_person_is_there CHECK (NOT second_needed OR second_person IS NOT NULL)
);

-- Append-only: a request that is sent again is answered with its first answer.
CREATE TABLE review_request (
    actor text NOT NULL,
    request_id text NOT NULL,
    digest bytea NOT NULL,
    answer bytea NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (actor, request_id)
);

-- What was sent about a claim that waits is read again when it is decided.
CREATE INDEX submission_waiting ON submission (claim_id) WHERE status = 'PENDED';

CREATE TRIGGER review_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_decision_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_request_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_request
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP INDEX submission_waiting;
DROP TABLE review_request;
DROP TABLE review_decision;
DROP TABLE review_entry;
DROP TABLE review_task;
