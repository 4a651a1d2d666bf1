-- Review: what waits for a person, every move made about it, and who decided; a row only for a claim that waits. It only
-- adds: `kind` of a task is what is asked, `reason` the code that says why.
-- migrate:up

ALTER TABLE review_task
    ADD COLUMN risk smallint NOT NULL DEFAULT 60 CHECK (risk BETWEEN 0 AND 100),  -- of a row that does not say
    ADD COLUMN outcome text,
    ADD COLUMN pend_reason text,
    ADD COLUMN assignee text NOT NULL DEFAULT '',
    ADD COLUMN number integer NOT NULL DEFAULT 1,  -- of the last move; the etag
    ADD COLUMN proposer text NOT NULL DEFAULT '',
    ADD COLUMN proposal text NOT NULL DEFAULT '',
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD CHECK (state IN ('OPEN', 'PENDED', 'PROPOSED', 'CLOSED')),
    ADD CHECK ((state = 'CLOSED') = (outcome IS NOT NULL)),
    ADD CHECK ((state = 'PENDED') = (pend_reason IS NOT NULL)),
    ADD CHECK ((state = 'PROPOSED') = (proposer <> '')),
    ADD CONSTRAINT assignee_is_another CHECK (assignee = '' OR assignee <> proposer);  -- who proposed is no second
-- The queue, and what is counted: open reviews are few beside all there ever were.
CREATE INDEX review_task_queue ON review_task ((coalesce(due_on, 'infinity'::date)), (-risk), id) WHERE state <> 'CLOSED';
CREATE INDEX review_task_open ON review_task (claim_id) WHERE state <> 'CLOSED';

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

CREATE TRIGGER review_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_decision_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_request_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_request
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TABLE review_request;
DROP TABLE review_decision;
DROP TABLE review_entry;
DROP INDEX review_task_open;
DROP INDEX review_task_queue;
ALTER TABLE review_task DROP COLUMN risk, DROP COLUMN outcome, DROP COLUMN pend_reason, DROP COLUMN assignee,
    DROP COLUMN number, DROP COLUMN proposer, DROP COLUMN proposal, DROP COLUMN updated_at,
    DROP CONSTRAINT review_task_state_check;
