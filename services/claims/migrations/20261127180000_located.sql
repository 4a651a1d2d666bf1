-- What was returned is told with the field that each of its reasons is about. Rows that came before have codes only.
-- migrate:up

ALTER TABLE submission ADD COLUMN fields text[];  -- one a reason, names of the schema; of what was accepted none

-- migrate:down
ALTER TABLE submission DROP COLUMN fields;
