-- A code is one employer's for ever: processes keep whose it is once they have found it (DECISIONS 177).
-- migrate:up
CREATE TRIGGER employer_keeps_its_code BEFORE UPDATE OF id, uscc OR DELETE OR TRUNCATE ON employer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TRIGGER employer_keeps_its_code ON employer;
