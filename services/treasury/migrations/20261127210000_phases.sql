-- A payment moves five times, and each time every index of it was written anew, for PostgreSQL leaves indexes alone only
-- where nothing that they speak of has changed: and they spoke of the state. They speak of the phase now, which changes
-- once or twice; with room on its page, a move within a phase touches no index (a heap-only update). So it is with orders.
-- migrate:up

DROP INDEX payment_live, payment_reissue, payment_unsent, payment_unanswered, payment_unproven;
ALTER TABLE payment SET (fillfactor = 50);
ALTER TABLE payment
    ADD COLUMN phase text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN state IN ('CREATED', 'RESERVED', 'QUEUED', 'SENT', 'ACCEPTED', 'UNKNOWN') THEN 'LIVE'
             WHEN state IN ('SETTLED', 'RETURNED') THEN 'MOVED'  -- money has; statements may not have it yet
             WHEN state = 'CANCELLED' THEN 'CANCELLED'
             ELSE 'ENDED' END) STORED,
    ADD COLUMN is_unknown boolean NOT NULL GENERATED ALWAYS AS (state = 'UNKNOWN') STORED;
CREATE UNIQUE INDEX payment_live ON payment (order_id) WHERE phase = 'LIVE';
CREATE UNIQUE INDEX payment_reissue ON payment (reissue_of) WHERE reissue_of IS NOT NULL AND phase <> 'CANCELLED';
CREATE INDEX payment_open ON payment (run_id, number) WHERE phase = 'LIVE';
CREATE INDEX payment_unknown ON payment (run_id, paying_account) WHERE is_unknown;
CREATE INDEX payment_kept_whole ON payment (run_id, number) WHERE phase = 'LIVE' AND amount_fen = offset_fen;
CREATE INDEX payment_unproven ON payment (id)
    WHERE phase = 'MOVED' AND (debit_statement IS NULL OR return_statement IS NULL);

DROP INDEX payment_order_held, payment_order_overpaid;
ALTER TABLE payment_order SET (fillfactor = 60);
ALTER TABLE payment_order
    ADD COLUMN is_held boolean NOT NULL GENERATED ALWAYS AS (state = 'HELD') STORED,
    ADD COLUMN is_overpaid boolean NOT NULL GENERATED ALWAYS AS (state = 'OVERPAID') STORED;
CREATE INDEX payment_order_held ON payment_order (id) WHERE is_held;
CREATE INDEX payment_order_overpaid ON payment_order (id) WHERE is_overpaid;

-- migrate:down
DROP INDEX payment_order_overpaid, payment_order_held;
ALTER TABLE payment_order SET (fillfactor = 80);
ALTER TABLE payment_order DROP COLUMN is_overpaid, DROP COLUMN is_held;
CREATE INDEX payment_order_held ON payment_order (id) WHERE state = 'HELD';
CREATE INDEX payment_order_overpaid ON payment_order (id) WHERE state = 'OVERPAID';
DROP INDEX payment_unproven, payment_kept_whole, payment_unknown, payment_open, payment_reissue, payment_live;
ALTER TABLE payment SET (fillfactor = 70);
ALTER TABLE payment DROP COLUMN is_unknown, DROP COLUMN phase;
CREATE UNIQUE INDEX payment_live ON payment (order_id)
    WHERE state IN ('CREATED', 'RESERVED', 'QUEUED', 'SENT', 'ACCEPTED', 'UNKNOWN');
CREATE UNIQUE INDEX payment_reissue ON payment (reissue_of) WHERE reissue_of IS NOT NULL AND state <> 'CANCELLED';
CREATE INDEX payment_unsent ON payment (run_id, number) WHERE state IN ('CREATED', 'RESERVED', 'QUEUED');
CREATE INDEX payment_unanswered ON payment (run_id, paying_account, number) WHERE state IN ('SENT', 'ACCEPTED', 'UNKNOWN');
CREATE INDEX payment_unproven ON payment (id)
    WHERE state IN ('SETTLED', 'RETURNED') AND (debit_statement IS NULL OR return_statement IS NULL);
