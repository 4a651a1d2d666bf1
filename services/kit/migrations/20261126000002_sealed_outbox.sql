-- An event that carries personal data waits sealed in the outbox; the relay opens it just before it is sent.
-- migrate:up
ALTER TABLE outbox ADD COLUMN sealed boolean NOT NULL DEFAULT false;

-- migrate:down
ALTER TABLE outbox DROP COLUMN sealed;
