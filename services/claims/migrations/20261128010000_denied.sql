-- Whose event a reviewer has denied a benefit of, kept apart from the claim: that may be voided, or corrected to be about
-- another woman or day.
-- migrate:up

ALTER TABLE review_decision ADD COLUMN denied_to uuid, ADD COLUMN denied_on date;
CREATE INDEX review_decision_denied ON review_decision (denied_to) WHERE denied_to IS NOT NULL;

ALTER TABLE review_decision DISABLE TRIGGER review_decision_is_append_only;
UPDATE review_decision SET denied_to = claim.person, denied_on = claim.event_date
    FROM claim, review_task WHERE claim.id = review_decision.claim_id AND review_task.id = review_id
                              AND review_task.outcome = 'DENIED';
ALTER TABLE review_decision ENABLE TRIGGER review_decision_is_append_only;

-- migrate:down
DROP INDEX review_decision_denied;
ALTER TABLE review_decision DROP COLUMN denied_to, DROP COLUMN denied_on;
