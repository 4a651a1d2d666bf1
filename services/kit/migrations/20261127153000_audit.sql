-- Who read what of persons, one row a call, and which calls were refused. The registry has had `audit` from its start.
-- migrate:up
CREATE TABLE IF NOT EXISTS audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    method text NOT NULL,
    subjects uuid[] NOT NULL,  -- persons, by their references
    principal text NOT NULL DEFAULT '',
    purpose text NOT NULL DEFAULT ''
);
ALTER TABLE audit ADD COLUMN records uuid[] NOT NULL DEFAULT '{}';  -- claims, where what was read is on a claim
CREATE OR REPLACE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Append-only: one row for each caller, method and reason, and at most one a minute of each process; so many calls.
CREATE TABLE refused_call (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    principal text NOT NULL,
    method text NOT NULL,
    code text NOT NULL,
    calls bigint NOT NULL CHECK (calls > 0)
);
CREATE TRIGGER refused_call_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refused_call
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON audit, refused_call FROM CURRENT_USER;

-- migrate:down
DROP TABLE refused_call;
ALTER TABLE audit DROP COLUMN records;  -- the table itself is the registry's, and elsewhere does no harm
