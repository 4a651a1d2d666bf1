-- Claims are looked at again when an employer's figures are known otherwise, by and by. It only adds.
-- migrate:up

-- Employers whose average wage or contribution base was told to have changed: who looked up before must look again.
CREATE TABLE employer (
    id text PRIMARY KEY,  -- the registry's reference
    version bigint NOT NULL,
    wages_recorded_at timestamptz NOT NULL,
    years integer[] NOT NULL  -- those that changed and whose claims are not queued yet
);
CREATE INDEX employer_wages ON employer (wages_recorded_at);
CREATE INDEX employer_years ON employer (id) WHERE years <> '{}';
CREATE INDEX claim_employer ON claim (employer) WHERE kind = 'ALLOWANCE' AND employer <> '';

-- Claims to be looked at again: a row goes in the transaction of what became of its claim.
CREATE TABLE look_again (
    claim_id uuid PRIMARY KEY,
    queued_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
DROP TABLE look_again;
DROP INDEX claim_employer;
DROP TABLE employer;
