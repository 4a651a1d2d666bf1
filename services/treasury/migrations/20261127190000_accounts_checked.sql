-- migrate:up
-- When the payees of what is committed were last asked about; until it is sent they are asked about again.
ALTER TABLE payment_run ADD COLUMN checked_at timestamptz;

-- migrate:down
ALTER TABLE payment_run DROP COLUMN checked_at;
