-- Who was erased in the registry is erased here: what can be opened of her goes, what was decided stays.
-- migrate:up

-- Since when nothing that can be opened is kept of her; looked at under her lock by whoever keeps anything.
ALTER TABLE person ADD COLUMN erased_at timestamptz;
CREATE INDEX person_erased ON person (id) WHERE erased_at IS NOT NULL;

-- Whom a record names, by reference, as the registry knew it then: a claim may name another person later, and what was
-- returned has no claim. `kept_at`: what names nobody we know of is kept for a while only.
ALTER TABLE submission
    ALTER COLUMN sealed DROP NOT NULL,
    ADD COLUMN person uuid,
    ADD COLUMN husband uuid,
    ADD COLUMN kept_at timestamptz NOT NULL DEFAULT now();

-- Append-only but for this: what was sealed may be taken away, by column, and never put back.
DROP TRIGGER submission_is_append_only ON submission;
DROP TRIGGER review_entry_is_append_only ON review_entry;
UPDATE submission SET person = claim.person, husband = claim.husband FROM claim WHERE claim.id = submission.claim_id;
CREATE TRIGGER submission_is_append_only
    BEFORE UPDATE OF id, receipt_id, source, claim_number, revision, status, reasons, claim_id, position, content_hash,
        received_at, sent, submit_date, claimed_fen, person, husband, kept_at OR DELETE OR TRUNCATE ON submission
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER submission_is_only_erased BEFORE UPDATE ON submission
    FOR EACH ROW WHEN (new.sealed IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_entry_is_append_only
    BEFORE UPDATE OF review_id, number, at, actor, move, reason, content OR DELETE OR TRUNCATE ON review_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_entry_is_only_erased BEFORE UPDATE ON review_entry
    FOR EACH ROW WHEN (new.note_sealed IS NOT NULL) EXECUTE FUNCTION refuse_change();

CREATE INDEX submission_person ON submission (person) WHERE person IS NOT NULL;
CREATE INDEX submission_husband ON submission (husband) WHERE husband IS NOT NULL;
CREATE INDEX submission_unnamed ON submission (kept_at) WHERE person IS NULL AND sealed IS NOT NULL;

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
DROP INDEX submission_unnamed;
DROP INDEX submission_husband;
DROP INDEX submission_person;
DROP TRIGGER review_entry_is_only_erased ON review_entry;
DROP TRIGGER review_entry_is_append_only ON review_entry;
DROP TRIGGER submission_is_only_erased ON submission;
DROP TRIGGER submission_is_append_only ON submission;
UPDATE submission SET sealed = '' WHERE sealed IS NULL;
ALTER TABLE submission ALTER COLUMN sealed SET NOT NULL, DROP COLUMN person, DROP COLUMN husband, DROP COLUMN kept_at;
CREATE TRIGGER submission_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON submission
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DROP INDEX person_erased;
ALTER TABLE person DROP COLUMN erased_at;
