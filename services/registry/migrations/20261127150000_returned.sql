-- What was returned to offices is listed, newest first.
-- migrate:up
CREATE INDEX statement_returned ON statement (received_at, receipt_id) WHERE outcome = 'RETURNED';

-- migrate:down
DROP INDEX statement_returned;
