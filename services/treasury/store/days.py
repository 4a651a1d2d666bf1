"""Statements by day: their pages, what they cover, what they and the ledger come to, and what of both does not fit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from services.kit.db import Database, Tx
from services.treasury.model.breaks import Dated, Page, ReconciledDay, Unproven, Whole
from services.treasury.store.heard import FOLLOWS

PAGES_MAX: Final = 10_000  # of one statement
UNPROVEN_MAX: Final = 10_000  # of an account, looked at each time
_FEN_MAX: Final = 10**18  # what a sum is told as, if it is more: that is in no bigint


def _sum(column: str) -> str:
    return f"LEAST(GREATEST(sum({column}), {-_FEN_MAX}), {_FEN_MAX})::bigint"


async def add_pages(tx: Tx, pages: Sequence[Page]) -> None:
    await tx.copy("statement_page", Page._fields, pages)


async def cover(tx: Tx, message_id: int) -> None:
    """Days of statements whose last page is here, now that this message is: every page, and they add up.

    Pages of one statement share its account, id and sequence number, and its day: not every bank numbers. One that a
    bank sends again is the one that came last. Sums that do not add up mean that an entry is missing, or another
    statement's page: nothing is covered by them, and so nothing is proven not to have been paid.
    """
    await tx.execute(
        """WITH reports AS (
               SELECT DISTINCT account, report_id, sequence FROM statement_page WHERE message_id = $1),
           latest AS (
               SELECT DISTINCT ON (p.account, p.report_id, p.sequence, l.day, p.page) p.*, l.day AS of_day
               FROM statement_page AS p JOIN reports USING (account, report_id, sequence)
               JOIN statement_page AS l USING (account, report_id, sequence)
               WHERE l.is_last AND l.day IS NOT NULL AND (p.day = l.day OR (p.day IS NULL AND p.page < l.page))
               ORDER BY p.account, p.report_id, p.sequence, l.day, p.page, p.message_id DESC, p.number DESC),
           whole AS (
               SELECT account, of_day FROM latest GROUP BY account, report_id, sequence, of_day
               HAVING max(page) <= $2 AND count(*) = max(page) AND max(page) = max(page) FILTER (WHERE is_last)
                  AND (array_agg(opening_fen ORDER BY page))[1] + sum(booked_fen)
                      = (array_agg(closing_fen ORDER BY page DESC))[1])
           INSERT INTO statement_day (account, day, message_id)
           SELECT account, of_day, $1 FROM whole ON CONFLICT DO NOTHING""",
        message_id,
        PAGES_MAX,
    )


# --- what does not fit ------------------------------------------------------------------------------------------------


async def unreconciled(tx: Tx) -> list[int]:
    """Worked messages of which the days are not looked at yet, locked; others look at theirs."""
    rows = await tx.fetch(
        """SELECT id FROM bank_message WHERE NOT is_reconciled AND applied = records
           ORDER BY id FOR UPDATE SKIP LOCKED"""
    )
    return [row["id"] for row in rows]


async def reconciled(tx: Tx, messages: Sequence[int], unseen: Collection[str]) -> int:
    """The days of these are looked at, but of those that say something of accounts which were not; answers how many."""
    rows = await tx.fetch(
        """WITH done AS (
               UPDATE bank_message AS m SET is_reconciled = true
               WHERE m.id = ANY($1) AND (cardinality($2::text[]) = 0 OR NOT EXISTS (
                   SELECT FROM statement_page AS p WHERE p.message_id = m.id AND p.account = ANY($2)
                   UNION ALL
                   SELECT FROM statement_entry AS e WHERE e.message_id = m.id AND e.account = ANY($2)
                   UNION ALL
                   SELECT FROM bank_answer AS a JOIN payment AS p ON p.end_to_end_id = a.end_to_end_id
                   JOIN bank_file AS f ON f.id = p.file_id
                   WHERE a.message_id = m.id AND f.debtor_known_as = ANY($2)))
               RETURNING 1)
           SELECT count(*) AS count FROM done""",
        list(messages),
        list(unseen),
    )
    return int(rows[0]["count"])


async def look_again(tx: Tx, account: str, day: date) -> None:
    """What became of this day's statement bears on what it proves."""
    await tx.execute(
        """UPDATE bank_message SET is_reconciled = false
           WHERE id IN (SELECT message_id FROM statement_day WHERE account = $1 AND day = $2)""",
        account,
        day,
    )


async def wholes(tx: Tx, since: date) -> list[Whole]:
    """Statements of which every page is here, by account and day; in one message, or in parts."""
    rows = await tx.fetch(
        f"""WITH latest AS (
               SELECT DISTINCT ON (p.account, p.report_id, p.sequence, p.page, COALESCE(p.day, l.day))
                      p.account, p.report_id, p.sequence, p.page, p.is_last, p.opening_fen, p.closing_fen, p.booked_fen,
                      COALESCE(p.day, l.day) AS day, p.message_id
               FROM statement_page AS p
               JOIN statement_page AS l USING (account, report_id, sequence)
               WHERE l.is_last AND l.day >= $1 AND (p.day = l.day OR (p.day IS NULL AND p.page < l.page))
               ORDER BY p.account, p.report_id, p.sequence, p.page, COALESCE(p.day, l.day), p.message_id DESC,
                        p.number DESC)
           SELECT t.account, t.day, t.report_id, t.sequence,
                  (array_agg(t.opening_fen ORDER BY t.page))[1] AS opening_fen,
                  (array_agg(t.closing_fen ORDER BY t.page DESC))[1] AS closing_fen,
                  {_sum("t.booked_fen")} AS booked_fen, (array_agg(m.name ORDER BY t.page DESC))[1] AS file_name
           FROM latest AS t JOIN bank_message AS m ON m.id = t.message_id
           GROUP BY t.account, t.day, t.report_id, t.sequence
           HAVING count(*) = max(t.page) AND max(t.page) = max(t.page) FILTER (WHERE t.is_last)
              AND (array_agg(t.opening_fen ORDER BY t.page))[1] IS NOT NULL
              AND (array_agg(t.closing_fen ORDER BY t.page DESC))[1] IS NOT NULL
           ORDER BY t.account, t.day, t.sequence, t.report_id""",
        since,
    )
    return [Whole(*row) for row in rows]


async def unproven(tx: Tx) -> list[Unproven]:
    """Payments that we have as accepted, paid or returned, and no statement has; of each account the oldest first. Of
    which an advice has only the return, may never have been made.
    """
    rows = await tx.fetch(
        """SELECT id, order_id, end_to_end_id, state, net_fen, account, day, is_credit, advice FROM (
           SELECT p.id, p.order_id, p.end_to_end_id, p.state, p.net_fen, f.debtor_known_as AS account, p.day,
                  p.is_credit, p.advice,
                  row_number() OVER (PARTITION BY f.debtor_known_as ORDER BY p.day, p.id) AS place
           FROM (SELECT id, order_id, end_to_end_id, state, amount_fen - offset_fen AS net_fen, file_id,
                        debited_on AS day, false AS is_credit, NULL::bigint AS advice
                 FROM payment WHERE phase = 'MOVED' AND debit_statement IS NULL
                 UNION ALL
                 SELECT id, order_id, end_to_end_id, state, amount_fen - offset_fen, file_id, returned_on, true,
                        return_advice
                 FROM payment WHERE phase = 'MOVED' AND state = 'RETURNED' AND return_statement IS NULL
                 UNION ALL
                 SELECT id, order_id, end_to_end_id, state, amount_fen - offset_fen, file_id, returned_on, true,
                        return_advice
                 FROM payment
                 WHERE debit_again IS NOT NULL AND state <> 'RETURNED' AND return_advice IS NOT NULL
                   AND return_statement IS NULL
                 UNION ALL
                 SELECT p.id, p.order_id, p.end_to_end_id, p.state, p.amount_fen - p.offset_fen, p.file_id,
                        GREATEST((f.intent_at AT TIME ZONE 'Asia/Shanghai')::date, f.execute_on, p.returned_on), false,
                        NULL
                 FROM payment AS p JOIN bank_file AS f ON f.id = p.file_id
                 WHERE p.phase = 'LIVE'
                   AND (p.state = 'ACCEPTED' OR (p.state IN ('SENT', 'UNKNOWN') AND p.return_advice IS NOT NULL))
                   AND p.return_statement IS NULL AND f.intent_at IS NOT NULL) AS p
           JOIN bank_file AS f ON f.id = p.file_id) AS placed
           WHERE place <= $1 ORDER BY day, id""",
        UNPROVEN_MAX,
    )
    return [Unproven(*row) for row in rows]


async def early(tx: Tx) -> list[Unproven]:
    """What statements have as returned, and nothing as paid."""
    rows = await tx.fetch(
        """SELECT id, order_id, end_to_end_id, state, net_fen, account, day, true, NULL FROM (
               SELECT p.id, p.order_id, p.end_to_end_id, p.state, p.amount_fen - p.offset_fen AS net_fen,
                      f.debtor_known_as AS account, p.returned_on AS day,
                      row_number() OVER (PARTITION BY f.debtor_known_as ORDER BY p.id) AS place
               FROM payment AS p JOIN bank_file AS f ON f.id = p.file_id
               WHERE p.phase = 'LIVE' AND p.return_statement IS NOT NULL) AS placed
           WHERE place <= $1 ORDER BY id""",
        UNPROVEN_MAX,
    )
    return [Unproven(*row) for row in rows]


async def dated(tx: Tx, messages: Sequence[int]) -> list[Dated]:
    """What these statements have on another day than the ledger, which had an advice of it before."""
    rows = await tx.fetch(
        """SELECT p.id, p.order_id, p.end_to_end_id, p.amount_fen - p.offset_fen, e.is_credit, e.account,
                  CASE WHEN e.is_credit THEN p.returned_on ELSE p.debited_on END AS ledger_on, e.value_on, m.name
           FROM statement_entry AS e JOIN bank_message AS m ON m.id = e.message_id
           JOIN payment AS p ON p.end_to_end_id = e.end_to_end_id AND e.id IN (p.debit_statement, p.return_statement)
           WHERE e.message_id = ANY($1) AND e.is_statement AND e.end_to_end_id <> ''
             AND e.value_on <> CASE WHEN e.is_credit THEN p.returned_on ELSE p.debited_on END
             AND NOT EXISTS (SELECT FROM unmatched AS u WHERE u.entry_id = e.id)
           ORDER BY e.id""",
        list(messages),
    )
    return [Dated(*row) for row in rows]


# --- days -------------------------------------------------------------------------------------------------------------


async def reconciled_days(database: Database | Tx, account: str, first: date, last: date) -> list[ReconciledDay]:
    """Statement, ledger and breaks of each account of ours and day; empty account: all. A day without any is left out.

    The ledger's side is its transfers to and from what is spent, each on the account that its payment's file paid from,
    less what the payment kept; and what payees have repaid.
    """
    rows = await database.fetch(
        f"""WITH moved AS (
               SELECT account, value_on AS day,
                      CASE WHEN is_credit THEN amount_fen ELSE -amount_fen END AS statement_fen,
                      0 AS ledger_fen, 0 AS explained_fen, 0 AS open_fen, 0 AS open_breaks
               FROM statement_entry WHERE is_statement AND value_on BETWEEN $2 AND $3
               UNION ALL
               SELECT f.debtor_known_as, t.effective_on, 0,
                      CASE t.kind WHEN 'RETURN' THEN t.amount_fen - p.offset_fen ELSE p.offset_fen - t.amount_fen END,
                      0, 0, 0
               FROM transfer AS t JOIN payment AS p ON p.id = t.payment_id JOIN bank_file AS f ON f.id = p.file_id
               WHERE t.kind IN ('SPEND', 'RETURN') AND t.effective_on BETWEEN $2 AND $3
               UNION ALL
               SELECT e.account, e.value_on, 0, r.amount_fen, 0, 0, 0
               FROM recovery_repayment AS r JOIN statement_entry AS e ON e.id = r.entry_id
               WHERE e.value_on BETWEEN $2 AND $3
               UNION ALL
               SELECT account, value_on, 0, 0, CASE WHEN is_open THEN 0 ELSE effect_fen END,
                      CASE WHEN is_open THEN effect_fen ELSE 0 END, is_open::int
               FROM unmatched WHERE value_on BETWEEN $2 AND $3 AND account <> ''
                 AND (way IS NULL OR way NOT IN ('HEALED', 'REPAID'))
               UNION ALL
               SELECT counter_account, counter_on, 0, 0, CASE WHEN is_open THEN 0 ELSE counter_fen END,
                      CASE WHEN is_open THEN counter_fen ELSE 0 END, 0
               FROM unmatched WHERE counter_fen <> 0 AND counter_on BETWEEN $2 AND $3
                 AND way IS DISTINCT FROM 'HEALED'
               UNION ALL
               SELECT account, day, 0, 0, 0, 0, 0 FROM statement_day WHERE day BETWEEN $2 AND $3),
           summed AS (
               SELECT account, day, {_sum("statement_fen")} AS statement_fen, {_sum("ledger_fen")} AS ledger_fen,
                      {_sum("explained_fen")} AS explained_fen, {_sum("open_fen")} AS open_fen,
                      sum(open_breaks)::bigint AS open_breaks
               FROM moved WHERE $1 = '' OR account = $1 GROUP BY account, day)
           SELECT s.account, s.day,
                  EXISTS (SELECT FROM statement_day AS d WHERE d.account = s.account AND d.day = s.day
                          AND {FOLLOWS}) AS is_covered,
                  (SELECT p.opening_fen FROM statement_page AS p WHERE p.account = s.account AND p.day = s.day
                   AND p.opening_fen IS NOT NULL ORDER BY p.page, p.message_id DESC LIMIT 1) AS opening_fen,
                  (SELECT p.closing_fen FROM statement_page AS p WHERE p.account = s.account AND p.day = s.day
                   AND p.closing_fen IS NOT NULL ORDER BY p.page DESC, p.message_id DESC LIMIT 1) AS closing_fen,
                  s.statement_fen, s.ledger_fen, s.explained_fen, s.open_fen, s.open_breaks
           FROM summed AS s ORDER BY s.day, s.account""",
        account,
        first,
        last,
    )
    return [ReconciledDay(*row) for row in rows]
