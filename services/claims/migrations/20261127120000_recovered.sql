-- What the treasury asks back of what was paid for a line, as it told last.
-- migrate:up

CREATE TABLE recovered (
    claim_id uuid NOT NULL,
    line text NOT NULL,
    recovery_id text NOT NULL,
    version bigint NOT NULL,
    outstanding_fen bigint NOT NULL CHECK (outstanding_fen >= 0),
    recovered_fen bigint NOT NULL CHECK (recovered_fen >= 0),
    written_off_fen bigint NOT NULL CHECK (written_off_fen >= 0),
    PRIMARY KEY (claim_id, line, recovery_id)
);

-- migrate:down
DROP TABLE recovered;
