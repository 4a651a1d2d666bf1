-- Who was erased in the registry is erased here: accounts and names go once they are needed no more, every fen stays.
-- migrate:up

ALTER TABLE payment ALTER COLUMN account_sealed DROP NOT NULL;
CREATE INDEX payment_person ON payment (payee) WHERE payee_kind = 'PERSON';
CREATE INDEX recovery_person ON recovery (payee) WHERE payee_kind = 'PERSON';

-- Append-only but for this: what was sealed may be taken away, by column, and never put back.
DROP TRIGGER statement_entry_is_append_only ON statement_entry;
CREATE TRIGGER statement_entry_is_append_only
    BEFORE UPDATE OF id, message_id, number, is_statement, key, account, end_to_end_id, amount_fen, is_credit,
        is_reversal, value_on, reference, return_reason OR DELETE OR TRUNCATE ON statement_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_entry_is_only_erased BEFORE UPDATE ON statement_entry
    FOR EACH ROW WHEN (new.detail_sealed IS NOT NULL) EXECUTE FUNCTION refuse_change();
GRANT UPDATE (detail_sealed) ON statement_entry TO CURRENT_USER;

-- Append-only: whom we heard to be erased (number 0), and each time that something of theirs was taken away.
CREATE TABLE erasure (
    person uuid NOT NULL,
    number bigint NOT NULL,
    erased_at timestamptz NOT NULL,  -- by the registry
    at timestamptz NOT NULL,
    accounts bigint NOT NULL,
    details bigint NOT NULL,
    PRIMARY KEY (person, number)
);
CREATE TRIGGER erasure_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erasure
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON erasure FROM CURRENT_USER;

-- migrate:down
DROP TABLE erasure;
DROP TRIGGER statement_entry_is_only_erased ON statement_entry;
DROP TRIGGER statement_entry_is_append_only ON statement_entry;
CREATE TRIGGER statement_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE (detail_sealed) ON statement_entry FROM CURRENT_USER;
DROP INDEX recovery_person;
DROP INDEX payment_person;
UPDATE payment SET account_sealed = '' WHERE account_sealed IS NULL;
ALTER TABLE payment ALTER COLUMN account_sealed SET NOT NULL;
