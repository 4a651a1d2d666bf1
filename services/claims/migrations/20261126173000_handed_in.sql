-- Claims over gRPC: which record of the intake an id of the caller's became, so that it is appended once.
-- migrate:up

-- One row a submission, written before it is sent. A single call is a stream of its own with the number 0. The digest
-- is keyed, and nothing here tells who anybody is. Rows are deleted once they have expired.
CREATE TABLE handed_in (
    source text NOT NULL,
    stream uuid NOT NULL,
    number bigint NOT NULL,
    body_digest bytea NOT NULL,
    sending_until timestamptz NOT NULL,  -- while it has no place, nobody else sends it before this instant
    partition integer,
    record_offset bigint,
    appended_at timestamptz,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (source, stream, number)
);
CREATE INDEX handed_in_expiry ON handed_in (expires_at);

-- migrate:down
DROP TABLE handed_in;
