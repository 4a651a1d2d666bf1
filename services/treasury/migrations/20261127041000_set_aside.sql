-- A bank's message that a bug of ours is about is set aside, so that it stops no other; a person has it worked again.
-- migrate:up

ALTER TABLE bank_message ADD COLUMN set_aside_at timestamptz;  -- since when it waits for a person
ALTER TABLE unmatched_step
    DROP CONSTRAINT unmatched_step_step_check,
    ADD CONSTRAINT unmatched_step_step_check
        CHECK (step IN ('PROPOSED', 'REFUSED', 'NOTED', 'RETRIED', 'ENDED', 'HEALED', 'OPENED'));

-- migrate:down
ALTER TABLE bank_message DROP COLUMN set_aside_at;
