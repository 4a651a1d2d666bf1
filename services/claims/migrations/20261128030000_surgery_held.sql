-- Each surgery of a day is an event of its own, and is held by its code; an induction (4) as the abortion (3) of its day.
-- Of one stay each is a cost of its own, where a hospital is paid its rate.
-- migrate:up

-- A worker of the release before leaves it empty, and reads all surgeries of a day as one: an empty one stands for all.
ALTER TABLE benefit_hold ADD COLUMN surgery text NOT NULL DEFAULT '';
ALTER TABLE benefit_hold DROP CONSTRAINT benefit_hold_pkey,
    ADD PRIMARY KEY (person, event_date, event_type, surgery, benefit);

-- What is held and taken is that of the last approval: facts are canonical JSON, in the clear.
WITH operated AS (
    SELECT claim_id, facts, replace(facts #>> '{event,surgery}', '4', '3') AS surgery
    FROM (SELECT DISTINCT claim_id FROM benefit_hold WHERE event_type = 'FAMILY_PLANNING_SURGERY') AS held
    CROSS JOIN LATERAL (
        SELECT determination.facts::jsonb AS facts FROM determination
        WHERE determination.claim_id = held.claim_id AND outcome IN ('APPROVED', 'PARTIALLY_APPROVED')
        ORDER BY version DESC LIMIT 1
    ) AS last
    WHERE facts #>> '{event,surgery}' IS NOT NULL
), held AS (
    UPDATE benefit_hold SET surgery = operated.surgery FROM operated
    WHERE benefit_hold.claim_id = operated.claim_id AND event_type = 'FAMILY_PLANNING_SURGERY'
)
UPDATE taken SET key = key || '/' || surgery FROM operated
WHERE taken.claim_id = operated.claim_id AND account = 'COST' AND facts ->> 'kind' = 'PROVIDER_SETTLEMENT'
  AND facts #>> '{insured,category}' <> 'SPOUSE_OF_EMPLOYEE'
  AND key IN (
      SELECT concat_ws('/', 'STAY', stay ->> 'hospital', stay ->> 'admission')
      FROM jsonb_array_elements(facts -> 'stays') AS stay WHERE stay -> 'transfer_filed' IS NULL);

-- migrate:down
-- Of a day, and of a stay, one surgery is left.
DELETE FROM taken AS one USING taken AS other
    WHERE one.account = 'COST' AND other.account = 'COST' AND one.person = other.person AND one.key > other.key
      AND one.key ~ '^STAY/.*/.*/' AND left(one.key, -2) = left(other.key, -2);
UPDATE taken SET key = left(key, -2) WHERE account = 'COST' AND key ~ '^STAY/.*/.*/';
DELETE FROM benefit_hold AS one USING benefit_hold AS other
    WHERE (one.person, one.event_date, one.event_type, one.benefit)
        = (other.person, other.event_date, other.event_type, other.benefit) AND one.surgery > other.surgery;
ALTER TABLE benefit_hold DROP CONSTRAINT benefit_hold_pkey,
    ADD PRIMARY KEY (person, event_date, event_type, benefit);
ALTER TABLE benefit_hold DROP COLUMN surgery;
