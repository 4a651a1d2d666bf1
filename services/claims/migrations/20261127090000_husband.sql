-- The husband a claim names, so that it is decided again when his coverage is known otherwise. It only adds.
-- migrate:up

ALTER TABLE claim ADD COLUMN husband uuid;
CREATE INDEX claim_husband ON claim (husband) WHERE husband IS NOT NULL;

-- migrate:down
DROP INDEX claim_husband;
ALTER TABLE claim DROP COLUMN husband;
