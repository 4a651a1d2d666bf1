-- HOLD: after a restore nothing leaves until the statements since are matched and two persons lift it.
-- migrate:up

-- One row each time; at most one is open. `mark` is what stood outside the database when the bank role looked ('' is
-- nothing): once lifted, the same mark begins no other.
CREATE TABLE treasury_hold (
    id uuid PRIMARY KEY,
    cause text NOT NULL CHECK (cause IN ('PERSON', 'MARK_AHEAD', 'MARK_MISSING', 'UNKNOWN_PAYMENT')),
    begun_by text NOT NULL CHECK (begun_by <> ''),
    begun_at timestamptz NOT NULL,
    since_at timestamptz NOT NULL,  -- the last that the database knew of banks
    since_on date NOT NULL,  -- statements are needed from this day on
    sent_to date NOT NULL,  -- the last day on which what may have left could be paid
    mark text,
    document text NOT NULL DEFAULT '',
    proposed_by text,
    proposed_at timestamptz,
    lifted_by text,
    lifted_at timestamptz,
    CONSTRAINT second_person_is_another CHECK (lifted_by <> proposed_by),
    CONSTRAINT lifted_after_proposal
        CHECK (lifted_at IS NULL OR (lifted_by IS NOT NULL AND proposed_by IS NOT NULL AND document <> ''))
);
CREATE UNIQUE INDEX treasury_hold_open ON treasury_hold ((true)) WHERE lifted_at IS NULL;

-- migrate:down
DROP TABLE treasury_hold;
