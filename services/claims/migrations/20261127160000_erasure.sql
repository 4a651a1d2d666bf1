-- Who was erased in the registry is erased here: what can be opened of her goes, what was decided stays.
-- migrate:up

-- Since when nothing that can be opened is kept of her; looked at under her lock by whoever keeps anything.
ALTER TABLE person ADD COLUMN erased_at timestamptz;
CREATE INDEX person_erased ON person (id) WHERE erased_at IS NOT NULL;

-- Whom a record names, by reference, as the registry knew it then. Records are found by their claim, whose ids come in
-- order, so that the index costs a writer little; `is_apart`: the claim does not lead to them, or there is none.
-- `kept_at`: what names nobody we know of is kept for a while only.
ALTER TABLE submission
    ALTER COLUMN sealed DROP NOT NULL,
    ADD COLUMN person uuid,
    ADD COLUMN husband uuid,
    ADD COLUMN is_apart boolean NOT NULL DEFAULT false,
    ADD COLUMN kept_at timestamptz NOT NULL DEFAULT now();

-- Append-only but for this: what was sealed may be taken away, by column, and never put back.
DROP TRIGGER submission_is_append_only ON submission;
DROP TRIGGER review_entry_is_append_only ON review_entry;
UPDATE submission SET person = claim.person, husband = claim.husband FROM claim WHERE claim.id = submission.claim_id;
CREATE TRIGGER submission_is_append_only
    BEFORE UPDATE OF id, receipt_id, source, claim_number, revision, status, reasons, claim_id, position, content_hash,
        received_at, sent, submit_date, claimed_fen, county, person, husband, is_apart, kept_at OR DELETE OR TRUNCATE ON submission
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER submission_is_only_erased BEFORE UPDATE ON submission
    FOR EACH ROW WHEN (new.sealed IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_entry_is_append_only
    BEFORE UPDATE OF review_id, number, at, actor, move, reason, content OR DELETE OR TRUNCATE ON review_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_entry_is_only_erased BEFORE UPDATE ON review_entry
    FOR EACH ROW WHEN (new.note_sealed IS NOT NULL) EXECUTE FUNCTION refuse_change();

CREATE INDEX submission_claim ON submission (claim_id) WHERE claim_id IS NOT NULL;
CREATE INDEX submission_person ON submission (person) WHERE is_apart;
CREATE INDEX submission_husband ON submission (husband) WHERE is_apart AND husband IS NOT NULL;
CREATE INDEX submission_unnamed ON submission (kept_at) WHERE person IS NULL AND sealed IS NOT NULL;

-- Whom a claim named before a correction named others: its records of then are theirs.
CREATE TABLE claim_named_before (
    person uuid NOT NULL,
    claim_id uuid NOT NULL,
    PRIMARY KEY (person, claim_id)
);
CREATE FUNCTION remember_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO claim_named_before (person, claim_id)
        SELECT one, old.id FROM unnest(ARRAY[old.person, old.husband]) AS one WHERE one IS NOT NULL
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER claim_names_are_remembered AFTER UPDATE ON claim FOR EACH ROW
    WHEN (old.person IS DISTINCT FROM new.person OR old.husband IS DISTINCT FROM new.husband)
    EXECUTE FUNCTION remember_named();

-- A key that was taken away: an undo of that settlement leaves under one made of its number.
ALTER TABLE platform_settlement ALTER COLUMN sealed_key DROP NOT NULL;

-- Append-only: whom we heard to be erased, and how much was taken away.
CREATE TABLE erasure (
    person uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL,  -- by the registry
    heard_at timestamptz NOT NULL,
    submissions bigint NOT NULL,
    notes bigint NOT NULL,
    keys bigint NOT NULL
);
CREATE TRIGGER erasure_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erasure
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TABLE erasure;
UPDATE platform_settlement SET sealed_key = '' WHERE sealed_key IS NULL;
ALTER TABLE platform_settlement ALTER COLUMN sealed_key SET NOT NULL;
DROP TRIGGER claim_names_are_remembered ON claim;
DROP FUNCTION remember_named();
DROP TABLE claim_named_before;
DROP INDEX submission_unnamed;
DROP INDEX submission_husband;
DROP INDEX submission_person;
DROP INDEX submission_claim;
DROP TRIGGER review_entry_is_only_erased ON review_entry;
DROP TRIGGER review_entry_is_append_only ON review_entry;
DROP TRIGGER submission_is_only_erased ON submission;
DROP TRIGGER submission_is_append_only ON submission;
UPDATE submission SET sealed = '' WHERE sealed IS NULL;
ALTER TABLE submission ALTER COLUMN sealed SET NOT NULL, DROP COLUMN person, DROP COLUMN husband, DROP COLUMN is_apart,
    DROP COLUMN kept_at;
CREATE TRIGGER submission_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON submission
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DROP INDEX person_erased;
ALTER TABLE person DROP COLUMN erased_at;
