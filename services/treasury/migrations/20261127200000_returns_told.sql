-- migrate:up
-- Each return that an advice told is missing by itself: one that was none by the bank's word may be told again.
UPDATE unmatched AS u
SET key = sha256(convert_to(concat('missing/', p.id, '/', u.effect_fen, '/', p.return_advice), 'UTF8'))
FROM payment AS p
WHERE p.id = u.payment_id AND u.kind = 'MISSING' AND u.is_credit AND u.effect_fen < 0 AND p.return_advice IS NOT NULL;

-- migrate:down
UPDATE unmatched AS u
SET key = sha256(convert_to(concat('missing/', u.payment_id, '/', u.effect_fen), 'UTF8'))
WHERE u.kind = 'MISSING' AND u.is_credit AND u.effect_fen < 0 AND u.way IS DISTINCT FROM 'NOT_PAID';
