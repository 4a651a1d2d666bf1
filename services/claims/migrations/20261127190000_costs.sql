-- A cost is paid under one claim: what was done where and when is taken once, as caps and counts are.
-- migrate:up

ALTER TABLE taken DROP CONSTRAINT taken_account_check;
ALTER TABLE taken ADD CONSTRAINT taken_account_check
    CHECK (account IN ('ANTENATAL', 'FUND', 'OWN', 'CATASTROPHIC', 'ITEM', 'COST'));
CREATE UNIQUE INDEX cost_once ON taken (person, key) WHERE account = 'COST';

-- migrate:down
DROP INDEX cost_once;
DELETE FROM taken WHERE account = 'COST';
ALTER TABLE taken DROP CONSTRAINT taken_account_check;
ALTER TABLE taken ADD CONSTRAINT taken_account_check
    CHECK (account IN ('ANTENATAL', 'FUND', 'OWN', 'CATASTROPHIC', 'ITEM'));
