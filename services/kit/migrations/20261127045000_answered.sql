-- What persons and systems asked for once: the same request again is answered with its first answer.
-- migrate:up
CREATE TABLE answered (
    actor text NOT NULL,
    request_id text NOT NULL,
    digest bytea NOT NULL,  -- of what was asked: another request of the same id is told
    answer bytea NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (actor, request_id)
);
CREATE INDEX answered_at ON answered (answered_at);

-- migrate:down
DROP TABLE answered;
