-- Lists of one employer by its code, the queue of tasks, and counts by state are read from an index, however much lies
-- on file.
-- migrate:up
CREATE INDEX application_uscc ON application (uscc, ordinal);
CREATE INDEX certificate_uscc ON certificate (uscc, serial);
CREATE INDEX certificate_state ON certificate (state);
DROP INDEX application_task;
CREATE INDEX application_task ON application (coalesce(due_on, '9999-12-31'), (-risk), ordinal)
    WHERE state IN ('SUBMITTED', 'SCREENING', 'ASSESSMENT', 'VERIFICATION', 'REVIEW', 'PUBLIC_NOTICE',
                    'DECISION_REVIEW');

-- migrate:down
DROP INDEX application_task;
CREATE INDEX application_task ON application (due_on, risk DESC, ordinal)
    WHERE state IN ('SUBMITTED', 'SCREENING', 'ASSESSMENT', 'VERIFICATION', 'REVIEW', 'PUBLIC_NOTICE',
                    'DECISION_REVIEW');
DROP INDEX certificate_state;
DROP INDEX certificate_uscc;
DROP INDEX application_uscc;
