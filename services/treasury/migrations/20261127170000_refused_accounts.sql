-- Accounts of payees that a bank has refused: nothing is paid to one again, whichever order it is for.
-- migrate:up

-- Version and keyed digest are those of the payment by which the bank said so; no account stands here.
CREATE TABLE refused_account (
    payee_kind text NOT NULL,
    payee text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    account_hash bytea NOT NULL,
    payment_id uuid NOT NULL,
    reasons text[] NOT NULL CHECK (reasons <> '{}'),  -- the bank's codes
    refused_at timestamptz NOT NULL,
    replaced_at timestamptz,  -- since when payments to another account of the payee are planned
    PRIMARY KEY (payee_kind, payee, version, account_hash)
);
CREATE INDEX refused_account_standing ON refused_account (payee_kind, payee) WHERE replaced_at IS NULL;
-- What waits for another account of its payee.
CREATE INDEX payment_order_payee ON payment_order (payee_kind, payee) WHERE reserved_fen > 0;

-- What banks had refused before there was this table; the codes are those of `rules.refusing`.
INSERT INTO refused_account (payee_kind, payee, version, account_hash, payment_id, reasons, refused_at, replaced_at)
SELECT DISTINCT ON (p.payee_kind, p.payee, p.payee_version, p.account_hash)
       p.payee_kind, p.payee, p.payee_version, p.account_hash, p.id, told.codes, p.updated_at,
       (SELECT min(n.updated_at) FROM payment AS n
        WHERE n.payee_kind = p.payee_kind AND n.payee = p.payee AND n.payee_version > p.payee_version
          AND n.state <> 'CANCELLED')
FROM payment AS p CROSS JOIN LATERAL (
         SELECT array_agg(code) AS codes FROM unnest(string_to_array(p.reason, ',')) AS code
         WHERE code IN ('AC01', 'AC03', 'AC04', 'AC06', 'AC07', 'AC14', 'BE01', 'MD07', 'RC01', 'RC04')) AS told
WHERE p.state IN ('REJECTED', 'RETURNED') AND p.payee_version > 0 AND told.codes IS NOT NULL
ORDER BY p.payee_kind, p.payee, p.payee_version, p.account_hash, p.id;

-- migrate:down
DROP INDEX payment_order_payee;
DROP TABLE refused_account;
