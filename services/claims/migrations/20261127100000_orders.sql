-- Paying: what was ordered from the treasury for each line of a claim, what it told of that, and how far a claim is
-- paid. It only adds: claims that were approved before are ordered when they are next decided.
-- migrate:up

ALTER TABLE claim
    ADD COLUMN payment text NOT NULL DEFAULT ''
        CHECK (payment IN ('', 'PAYABLE', 'IN_PAYMENT', 'PAID', 'OVERPAID')),
    ADD COLUMN providers text NOT NULL DEFAULT '';  -- references of the institutions of its costs, in their order
ALTER TABLE claim DROP CONSTRAINT claim_state_check;
ALTER TABLE claim ADD CONSTRAINT claim_state_check CHECK (state IN
    ('PENDED', 'APPROVED', 'PARTIALLY_APPROVED', 'DENIED', 'DUPLICATE', 'RETURNED', 'WITHDRAWN', 'VOIDED', 'REVERSED'));

-- The last order of each line, written in the transaction of what it rests on, under the lock of its claim.
CREATE TABLE ordered (
    claim_id uuid NOT NULL,
    line text NOT NULL,
    revision bigint NOT NULL CHECK (revision > 0),
    owed_fen bigint NOT NULL CHECK (owed_fen >= 0),
    payee text NOT NULL CHECK (payee IN ('PERSON', 'EMPLOYER', 'PROVIDER')),
    reference text NOT NULL CHECK (reference <> ''),
    fund text NOT NULL CHECK (fund IN ('EMPLOYEE_INSURANCE', 'RESIDENT_INSURANCE')),
    county text NOT NULL,
    payable_on date NOT NULL,
    -- What the treasury told of the order as a whole, last.
    told_version bigint NOT NULL DEFAULT 0,
    told text NOT NULL DEFAULT '',
    reasons text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (claim_id, line)
);

-- What it told of each attempt to pay, last.
CREATE TABLE transfer (
    claim_id uuid NOT NULL,
    line text NOT NULL,
    payment_id text NOT NULL,
    version bigint NOT NULL,
    progress text NOT NULL CHECK (progress IN ('SENT', 'SETTLED', 'FAILED', 'RETURNED')),
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (claim_id, line, payment_id)
);

-- migrate:down
DROP TABLE transfer;
DROP TABLE ordered;
ALTER TABLE claim DROP CONSTRAINT claim_state_check;
ALTER TABLE claim ADD CONSTRAINT claim_state_check CHECK (state IN
    ('PENDED', 'APPROVED', 'PARTIALLY_APPROVED', 'DENIED', 'DUPLICATE', 'RETURNED', 'WITHDRAWN', 'VOIDED'));
ALTER TABLE claim DROP COLUMN providers, DROP COLUMN payment;
