-- Evidence of applications: what was handed in, and what lies in the store of objects.
-- migrate:up

-- An object by its content. The row stands before the first byte is stored, and goes after the last one is gone.
CREATE TABLE evidence_content (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    state text NOT NULL CHECK (state IN ('STORING', 'STORED', 'LEAVING')),
    touched_at timestamptz NOT NULL  -- when it was last meant to be used
);

-- A file shows one criterion once. Its name may tell of a person, so it is sealed.
CREATE TABLE evidence (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES application (id),
    criterion text NOT NULL,
    kind text NOT NULL,
    sealed_name bytea NOT NULL,
    media_type text NOT NULL,
    sha256 bytea NOT NULL REFERENCES evidence_content (sha256),
    uploaded_by text NOT NULL CHECK (uploaded_by <> ''),
    uploaded_at timestamptz NOT NULL,
    UNIQUE (application_id, criterion, sha256)
);
CREATE INDEX evidence_of_content ON evidence (sha256);

-- migrate:down
DROP TABLE evidence;
DROP TABLE evidence_content;
