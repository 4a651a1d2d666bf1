-- What fills the texts of reasons is kept with them. Rows that came before have none.
-- migrate:up
ALTER TABLE statement ADD COLUMN reason_values jsonb;  -- an object each; limits and codes, nobody's data

-- migrate:down
ALTER TABLE statement DROP COLUMN reason_values;
