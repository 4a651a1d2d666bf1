-- The whole life of a claim: every kind of claim, voids, control totals, caps and counts, late coverage. It only adds:
-- code of the release before goes on working, and `delivery` is dropped one release later.
-- migrate:up

-- What a claim is for, the employer it names (by the registry's reference), and the void that was carried out.
ALTER TABLE claim
    ADD COLUMN kind text NOT NULL DEFAULT 'ALLOWANCE',
    ADD COLUMN employer text NOT NULL DEFAULT '',
    ADD COLUMN void_hash bytea NOT NULL DEFAULT '';
ALTER TABLE claim DROP CONSTRAINT claim_state_check;
ALTER TABLE claim ADD CONSTRAINT claim_state_check CHECK (state IN
    ('PENDED', 'APPROVED', 'PARTIALLY_APPROVED', 'DENIED', 'DUPLICATE', 'RETURNED', 'WITHDRAWN', 'VOIDED'));
-- When her coverage is known otherwise, her claims are decided again.
CREATE INDEX claim_person ON claim (person);

-- The last change of coverage that was heard of: who looked before it must look again.
ALTER TABLE person
    ADD COLUMN coverage_version bigint NOT NULL DEFAULT 0,
    ADD COLUMN coverage_recorded_at timestamptz;
CREATE INDEX person_coverage ON person (coverage_recorded_at);

-- A benefit of an event is approved once, whichever source sends it.
CREATE TABLE benefit_hold (
    person uuid NOT NULL,
    event_date date NOT NULL,
    event_type text NOT NULL CHECK (event_type IN ('DELIVERY', 'MISCARRIAGE', 'FAMILY_PLANNING_SURGERY')),
    benefit text NOT NULL CHECK (benefit IN ('ALLOWANCE', 'MEDICAL')),
    claim_id uuid NOT NULL,  -- written with its claim in one transaction; a reference would be checked row by row
    kind text NOT NULL,  -- what it is to a later claim
    hospital text NOT NULL,
    paid_fen bigint NOT NULL CHECK (paid_fen >= 0),
    PRIMARY KEY (person, event_date, event_type, benefit)
);
CREATE INDEX benefit_hold_claim ON benefit_hold (claim_id);
INSERT INTO benefit_hold
    SELECT person, event_date, 'DELIVERY', 'ALLOWANCE', claim_id, 'ALLOWANCE_APPROVED', '', 0 FROM delivery;

-- A worker of the release before may still run while this one starts: what it approves must hold here too.
CREATE FUNCTION copy_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'INSERT' THEN
        INSERT INTO benefit_hold
            VALUES (new.person, new.event_date, 'DELIVERY', 'ALLOWANCE', new.claim_id, 'ALLOWANCE_APPROVED', '', 0);
    ELSE
        DELETE FROM benefit_hold WHERE person = old.person AND event_date = old.event_date
            AND event_type = 'DELIVERY' AND benefit = 'ALLOWANCE' AND claim_id = old.claim_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_is_copied AFTER INSERT OR DELETE ON delivery FOR EACH ROW EXECUTE FUNCTION copy_delivery();

-- What each claim that stands takes from caps and counts: it is given back as exactly that.
CREATE TABLE taken (
    claim_id uuid NOT NULL,
    account text NOT NULL CHECK (account IN ('ANTENATAL', 'FUND', 'OWN', 'CATASTROPHIC', 'ITEM')),
    key text NOT NULL,
    person uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    PRIMARY KEY (claim_id, account, key)
);
CREATE INDEX taken_person ON taken (person);

-- The sums of it. `cap` is the highest under which something was taken, so that a cap lowered later stops nobody.
CREATE TABLE accumulator (
    person uuid NOT NULL,
    account text NOT NULL,
    key text NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    cap bigint,
    PRIMARY KEY (person, account, key),
    CHECK (cap IS NULL OR amount <= cap)
);

-- A revision may be decided again in her favour: one determination for each number in its sequence. What is taken in
-- is always number 1, so no revision is determined twice by accident.
ALTER TABLE determination ADD COLUMN sequence integer NOT NULL DEFAULT 1;
DROP INDEX determination_once;
CREATE UNIQUE INDEX determination_once ON determination (claim_id, revision, sequence) WHERE outcome <> 'PENDED';

-- Claims that wait before they can be decided. `facts` as far as stated, without what the registry knows of her.
CREATE TABLE waiting (
    claim_id uuid PRIMARY KEY,
    revision integer NOT NULL,
    person uuid,
    due_on date,  -- the last day of waiting; none: a reviewer's
    reasons text[] NOT NULL,
    facts text NOT NULL,
    known_at timestamptz NOT NULL
);
CREATE INDEX waiting_person ON waiting (person);
CREATE INDEX waiting_due ON waiting (due_on);

-- What a person must look at.
CREATE TABLE review_task (
    id uuid PRIMARY KEY,
    claim_id uuid NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    due_on date,
    opened_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'OPEN',
    UNIQUE (claim_id, version, kind)
);

-- What a record held, the civil day it belongs to, and what it asks for: what control totals are compared with.
ALTER TABLE submission
    ADD COLUMN sent text,
    ADD COLUMN submit_date date,
    ADD COLUMN claimed_fen bigint;
ALTER TABLE submission DROP CONSTRAINT submission_status_check;
ALTER TABLE submission ADD CONSTRAINT submission_status_check CHECK (status IN
    ('DETERMINED', 'PENDED', 'RETURNED', 'DUPLICATE', 'VOIDED', 'TOTALS_AGREE', 'TOTALS_DIFFER'));
-- Days come in order: an index by ranges of pages is enough, and costs a writer next to nothing.
CREATE INDEX submission_submit_date ON submission USING brin (submit_date) WITH (pages_per_range = 16, autosummarize = on);

-- A source's word on one of its days, the latest, and what was taken in when it was last compared.
CREATE TABLE control_total (
    source text NOT NULL,
    day date NOT NULL,
    submitted bigint NOT NULL,
    replaced bigint NOT NULL,
    voided bigint NOT NULL,
    claimed_fen bigint NOT NULL,
    taken_submitted bigint NOT NULL,
    taken_replaced bigint NOT NULL,
    taken_voided bigint NOT NULL,
    taken_claimed_fen numeric NOT NULL,
    submitted_at timestamptz NOT NULL,
    compared_at timestamptz NOT NULL,
    differs boolean NOT NULL GENERATED ALWAYS AS
        ((submitted, replaced, voided, claimed_fen) <> (taken_submitted, taken_replaced, taken_voided, taken_claimed_fen))
        STORED,
    PRIMARY KEY (source, day)
);

-- migrate:down
DROP TABLE control_total;
DROP INDEX submission_submit_date;
ALTER TABLE submission DROP COLUMN sent, DROP COLUMN submit_date, DROP COLUMN claimed_fen;
DROP TABLE review_task;
DROP TABLE waiting;
DROP INDEX determination_once;
CREATE UNIQUE INDEX determination_once ON determination (claim_id, revision) WHERE outcome <> 'PENDED';
ALTER TABLE determination DROP COLUMN sequence;
DROP TABLE accumulator;
DROP TABLE taken;
DROP TRIGGER delivery_is_copied ON delivery;
DROP FUNCTION copy_delivery();
DROP TABLE benefit_hold;
ALTER TABLE person DROP COLUMN coverage_version, DROP COLUMN coverage_recorded_at;
DROP INDEX claim_person;
ALTER TABLE claim DROP COLUMN kind, DROP COLUMN employer, DROP COLUMN void_hash;
