-- What the kit needs in every service's database: offsets, parked records, the outbox.
-- migrate:up

-- The offset lives beside the effect, so the two commit together. `next_offset` is the fence.
CREATE TABLE consumed (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);

-- Records that raised, and those that wait behind them. Bytes are sealed.
CREATE TABLE parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key bytea,  -- a digest: the key itself is sealed with the value
    timestamp_ms bigint NOT NULL,
    sealed bytea NOT NULL,
    size_bytes integer NOT NULL,
    state text NOT NULL CHECK (state IN ('FAILED', 'HELD', 'REQUESTED', 'REPLAYED')),
    error text NOT NULL,
    traceback text NOT NULL,
    attempts integer NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (consumer, topic, partition, record_offset)
);
CREATE INDEX parked_open_key ON parked (consumer, topic, key, id) WHERE state <> 'REPLAYED';

-- Debezium's column names, so that its outbox router could take over from the relay.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    version bigint NOT NULL,
    type text NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    occurred_at timestamptz NOT NULL,
    causationid text NOT NULL,
    payload bytea NOT NULL
);

-- Every service makes its append-only tables refuse a change with this trigger.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;

-- migrate:down
DROP FUNCTION refuse_change();
DROP TABLE outbox;
DROP TABLE parked;
DROP TABLE consumed;
