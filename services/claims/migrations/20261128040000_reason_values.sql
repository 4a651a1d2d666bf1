-- What fills the texts of reasons is kept with them, so that a clerk reads the limit or the form that was not met. Rows that
-- came before have none. What was said of a record never changes: the fields were left out of that.
-- migrate:up
ALTER TABLE submission ADD COLUMN reason_values jsonb;  -- an object each, of what was not accepted; limits and codes, nobody's data

DROP TRIGGER submission_is_append_only ON submission;
CREATE TRIGGER submission_is_append_only
    BEFORE UPDATE OF id, receipt_id, source, claim_number, revision, status, reasons, claim_id, position, content_hash,
        received_at, sent, submit_date, claimed_fen, county, person, husband, is_apart, kept_at, fields, reason_values
        OR DELETE OR TRUNCATE ON submission
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TRIGGER submission_is_append_only ON submission;
CREATE TRIGGER submission_is_append_only
    BEFORE UPDATE OF id, receipt_id, source, claim_number, revision, status, reasons, claim_id, position, content_hash,
        received_at, sent, submit_date, claimed_fen, county, person, husband, is_apart, kept_at OR DELETE OR TRUNCATE ON submission
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE submission DROP COLUMN reason_values;
