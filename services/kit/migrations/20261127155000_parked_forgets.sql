-- What was parked is needed until it is taken up again: then its effect holds what is to be kept, and the bytes go.
-- migrate:up
ALTER TABLE parked ALTER COLUMN sealed DROP NOT NULL;
UPDATE parked SET sealed = NULL WHERE state = 'REPLAYED';
ALTER TABLE parked ADD CONSTRAINT sealed_until_replayed CHECK (sealed IS NOT NULL OR state = 'REPLAYED');

-- migrate:down
ALTER TABLE parked DROP CONSTRAINT sealed_until_replayed;
UPDATE parked SET sealed = '' WHERE sealed IS NULL;
ALTER TABLE parked ALTER COLUMN sealed SET NOT NULL;
