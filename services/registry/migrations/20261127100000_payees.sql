-- Registry: where persons, employers and institutions are paid. It only adds.
-- migrate:up

-- One row a payee, as it stands: sealed with a person's own key, with the master key for all others. The digest is keyed
-- in the same way; both are gone when the person is erased. `version` counts the changes.
CREATE TABLE payee_account (
    kind text NOT NULL CHECK (kind IN ('PERSON', 'EMPLOYER', 'PROVIDER')),
    reference uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    sealed bytea,
    content_hash bytea,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (kind, reference),
    CHECK ((sealed IS NULL) = (content_hash IS NULL))
);

-- migrate:down
DROP TABLE payee_account;
