-- What was not accepted is listed, newest first, also what the platform sent and could not be mapped; and what waits is
-- found among all that ever came. Rows that came before know no county, and are listed to whoever sees all.
-- migrate:up

ALTER TABLE submission ADD COLUMN county text;  -- of what was not accepted; of what was, the claim has it
ALTER TABLE submission DROP CONSTRAINT submission_status_check;
ALTER TABLE submission ADD CONSTRAINT submission_status_check CHECK (status IN
    ('DETERMINED', 'PENDED', 'RETURNED', 'DUPLICATE', 'VOIDED', 'TOTALS_AGREE', 'TOTALS_DIFFER', 'NOT_MAPPED'));
CREATE INDEX submission_not_accepted ON submission (received_at, id)
WHERE status IN ('RETURNED', 'DUPLICATE', 'TOTALS_DIFFER', 'NOT_MAPPED');
CREATE INDEX claim_pended ON claim (id) WHERE state = 'PENDED';

-- migrate:down
DROP INDEX claim_pended;
DROP INDEX submission_not_accepted;
ALTER TABLE submission DROP COLUMN county;
