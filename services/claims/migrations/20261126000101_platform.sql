-- The national platform's messages: what is kept of them, so that an undo finds its settlement and a message sent twice
-- is once. Numbers and digests; the key of her claims is sealed, for whoever holds her number can compute it.
-- migrate:up

CREATE TABLE platform_settlement (
    source text NOT NULL,
    number text NOT NULL,  -- setl_id, which is the claim's number
    hospital text NOT NULL,
    hospital_number bytea NOT NULL,  -- a digest of medins_setl_id; empty where there was none
    person bytea NOT NULL,  -- a digest of psn_no
    sealed_key bytea NOT NULL,
    PRIMARY KEY (source, number)
);
CREATE INDEX platform_settlement_hospital ON platform_settlement (source, hospital, hospital_number);

-- An undo that came before its settlement, and when it was matched.
CREATE TABLE platform_undo (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    number text NOT NULL,  -- empty where it names the hospital's own number only
    hospital text NOT NULL,
    hospital_number bytea NOT NULL,
    person bytea NOT NULL,
    void bytea NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now(),
    matched_at timestamptz
);
CREATE INDEX platform_undo_waiting ON platform_undo (source, number, hospital, hospital_number)
WHERE matched_at IS NULL;

-- By what a message is known again.
CREATE TABLE platform_message (
    source text NOT NULL,
    hospital text NOT NULL,
    msgid text NOT NULL,
    content_hash bytea NOT NULL,
    PRIMARY KEY (source, hospital, msgid, content_hash)
);

-- migrate:down
DROP TABLE platform_message;
DROP TABLE platform_undo;
DROP TABLE platform_settlement;
