-- A return that only an advice has told is looked for on statements, also where a second debit was taken for the payment.
-- migrate:up

CREATE INDEX payment_debited_again ON payment (id) WHERE debit_again IS NOT NULL;

-- migrate:down
DROP INDEX payment_debited_again;
