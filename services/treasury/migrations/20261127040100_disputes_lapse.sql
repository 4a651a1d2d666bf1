-- A dispute lapses when what is asked back moves on without it: nothing stays frozen, and another may be opened.
-- migrate:up

ALTER TABLE recovery_dispute
    DROP CONSTRAINT recovery_dispute_outcome_check,
    ADD CONSTRAINT recovery_dispute_outcome_check CHECK (outcome IN ('UPHELD', 'REJECTED', 'LAPSED'));
UPDATE recovery_dispute AS d SET outcome = 'LAPSED', resolved_by = 'service/treasury', resolved_at = r.updated_at
FROM recovery AS r WHERE r.id = d.recovery_id AND d.outcome IS NULL AND r.state <> 'DISPUTED';
UPDATE recovery SET disputed_fen = 0 WHERE state <> 'DISPUTED' AND disputed_fen <> 0;
ALTER TABLE recovery ADD CONSTRAINT frozen_while_disputed CHECK (state = 'DISPUTED' OR disputed_fen = 0);

-- migrate:down
ALTER TABLE recovery DROP CONSTRAINT frozen_while_disputed;
DELETE FROM recovery_dispute WHERE outcome = 'LAPSED';
ALTER TABLE recovery_dispute
    DROP CONSTRAINT recovery_dispute_outcome_check,
    ADD CONSTRAINT recovery_dispute_outcome_check CHECK (outcome IN ('UPHELD', 'REJECTED'));
