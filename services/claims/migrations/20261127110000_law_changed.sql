-- Deciding again when the law changed: what a second person approves, and what became of each claim. Appeals. It only
-- adds.
-- migrate:up

-- One change of the law, for all claims. `number` counts its moves and is the etag; the cursor is the last claim looked
-- at, and moves in the transaction of what became of it.
CREATE TABLE redetermination (
    id uuid PRIMARY KEY,
    law_digest text NOT NULL,
    state text NOT NULL CHECK (state IN ('PLANNING', 'PLANNED', 'APPROVED', 'DONE', 'CANCELLED')),
    number bigint NOT NULL DEFAULT 1,
    cursor_person uuid NOT NULL,
    cursor_claim uuid NOT NULL,
    plan_hash bytea NOT NULL,  -- of every claim planned so far, chained
    planned_by text NOT NULL CHECK (planned_by <> ''),
    approved_by text NOT NULL DEFAULT '',
    cancelled_by text NOT NULL DEFAULT '',
    begun_at timestamptz NOT NULL,
    planned_at timestamptz,
    approved_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT second_person_is_another CHECK (approved_by <> planned_by),
    CONSTRAINT second_person_is_there CHECK (state <> 'APPROVED' OR approved_by <> '')
);
-- One at a time: two would decide by one another's plans.
CREATE UNIQUE INDEX redetermination_open ON redetermination ((true)) WHERE state IN ('PLANNING', 'PLANNED', 'APPROVED');

-- What was found, by county.
CREATE TABLE redetermination_sum (
    redetermination_id uuid NOT NULL,
    county text NOT NULL,
    finding text NOT NULL CHECK (finding IN ('UP', 'WAITED', 'DOWN', 'SAME')),
    claims bigint NOT NULL,
    up_fen bigint NOT NULL,
    down_fen bigint NOT NULL,
    PRIMARY KEY (redetermination_id, county, finding)
);

-- Append-only: each claim that the new law decides otherwise, as it was planned.
CREATE TABLE redetermination_item (
    redetermination_id uuid NOT NULL,
    person uuid NOT NULL,
    claim_id uuid NOT NULL,
    determined_version bigint NOT NULL,  -- the determination that was compared
    county text NOT NULL,
    finding text NOT NULL CHECK (finding IN ('UP', 'WAITED', 'DOWN')),
    before_outcome text NOT NULL,
    after_outcome text NOT NULL,
    before_fen bigint NOT NULL,
    after_fen bigint NOT NULL,
    lines text NOT NULL,  -- canonical JSON: each line that differs, before and after
    digest bytea NOT NULL,  -- of what it comes to
    PRIMARY KEY (redetermination_id, person, claim_id)
);
CREATE INDEX redetermination_item_claim ON redetermination_item (claim_id);

-- Append-only: what became of it; once a claim.
CREATE TABLE redetermination_done (
    redetermination_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    result text NOT NULL CHECK (result IN ('DECIDED', 'ASKED', 'SETTLED', 'FAILED')),
    done_at timestamptz NOT NULL,
    PRIMARY KEY (redetermination_id, claim_id)
);

CREATE TRIGGER redetermination_item_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON redetermination_item
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER redetermination_done_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON redetermination_done
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An appeal against what was determined. It stands beside the state of its claim; its review is where it is decided.
CREATE TABLE appeal (
    id uuid PRIMARY KEY,
    claim_id uuid NOT NULL,
    determined_version bigint NOT NULL,  -- the determination it is against
    revision integer NOT NULL,
    review_id uuid NOT NULL,
    lines text[] NOT NULL,  -- as ALLOWANCE/1; none: all of it
    appellant text NOT NULL CHECK (appellant IN ('PERSON', 'EMPLOYER', 'PROVIDER')),
    ground text NOT NULL,
    late_because text NOT NULL DEFAULT '',
    notified_on date NOT NULL,
    filed_on date NOT NULL,
    filed_by text NOT NULL CHECK (filed_by <> ''),
    filed_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'FILED' CHECK (state IN ('FILED', 'UPHELD', 'REDETERMINED', 'WITHDRAWN', 'LAPSED')),
    number bigint NOT NULL DEFAULT 1,  -- of its moves; the etag
    deciders text[] NOT NULL DEFAULT '{}',  -- all who ever decided about the claim, when the appeal is decided
    decided_by text NOT NULL DEFAULT '',  -- or withdrew it
    second_by text NOT NULL DEFAULT '',
    decided_at timestamptz,
    reason text NOT NULL DEFAULT '',
    CHECK (state IN ('FILED', 'LAPSED') OR decided_by <> ''),
    CONSTRAINT decided_by_another CHECK (state NOT IN ('UPHELD', 'REDETERMINED')
        OR (decided_by <> ALL (deciders || filed_by) AND second_by <> ALL (deciders || filed_by)))
);
-- One is open for a claim, and a determination is appealed once, unless that was withdrawn.
CREATE UNIQUE INDEX appeal_open ON appeal (claim_id) WHERE state = 'FILED';
CREATE UNIQUE INDEX appeal_once ON appeal (claim_id, determined_version) WHERE state <> 'WITHDRAWN';
CREATE INDEX appeal_review ON appeal (review_id);

-- migrate:down
DROP TABLE appeal;
DROP TABLE redetermination_done;
DROP TABLE redetermination_item;
DROP TABLE redetermination_sum;
DROP TABLE redetermination;
