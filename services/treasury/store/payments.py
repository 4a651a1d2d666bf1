"""Payments, and the orders and budgets that move with them. Orders are locked first, then payments, then budgets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from asyncpg import Record

from services.kit.db import Database, Tx
from services.kit.errors import Conflict
from services.treasury.model import Candidate, Mark, Order, Payee, Payment, PaymentState, RunScope, Unlocked
from services.treasury.model.listing import ListedPayment
from services.treasury.rules.paying import Shift
from services.treasury.store import orders as order_rows

COLUMNS: Final = (
    "id",
    "run_id",
    "number",
    "order_id",
    "order_revision",
    "budget_id",
    "amount_fen",
    "state",
    "fund",
    "county",
    "payee_kind",
    "payee",
    "payee_version",
    "account_hash",
    "account_sealed",
    "paying_account",
    "end_to_end_id",
    "reissue_of",
    "file_id",
    "reason",
    "decided_at",
    "debited_on",
    "returned_on",
    "debit_advice",
    "debit_statement",
    "return_advice",
    "return_statement",
    "debit_again",
    "offset_fen",
)
_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM payment"
_FIND: Final = "SELECT id, number, order_id, offset_fen, payee_kind, payee, end_to_end_id FROM payment"
_STATES: Final = {state.value: state for state in PaymentState}
_ORDER: Final = ", ".join(order_rows.COLUMNS)
LINES_AT_ONCE: Final = 250


# --- planning ---------------------------------------------------------------------------------------------------------


async def payable(database: Database, scope: RunScope, mark: Mark, limit: int) -> list[Order]:
    """The next orders of which something is reserved, after a mark; not locked."""
    rows = await database.fetch(
        f"""SELECT {_ORDER} FROM payment_order
            WHERE reserved_fen > 0 AND (budget_id, payable_on, id) > ($1, $2, $3) AND payable_on <= $4
              AND ($5 = '' OR fund = $5) AND ($6 = '' OR county = $6) AND ($7 = '' OR programme = $7)
            ORDER BY budget_id, payable_on, id LIMIT $8""",
        mark.budget_id,
        mark.payable_on,
        mark.order_id,
        scope.payable_to,
        scope.fund,
        scope.county,
        scope.programme,
        limit,
    )
    return [order_rows.order_of(row) for row in rows]


async def candidates(tx: Tx, orders: Sequence[Order]) -> list[Candidate]:
    """What is known of the payments of these orders, which are locked; in their order. At most one is live, and asked
    for as one: of an EXISTS the planner may read all that is live of every run.
    """
    rows = await tx.fetch(
        """SELECT (SELECT p.id FROM payment AS p WHERE p.order_id = o.id AND p.phase = 'LIVE') IS NOT NULL AS is_live,
                  EXISTS (SELECT FROM unmatched AS u WHERE u.order_id = o.id AND u.is_open) AS is_disputed,
                  EXISTS (SELECT FROM payment AS p WHERE p.order_id = o.id AND p.phase = 'MOVED'
                          AND p.state = 'RETURNED' AND p.return_statement IS NULL
                          AND NOT EXISTS (SELECT FROM unmatched AS u WHERE u.payment_id = p.id AND NOT u.is_open
                                          AND u.kind = 'MISSING' AND u.is_credit AND u.way = 'EXPLAINED'))
                      AS is_return_unproven,
                  (SELECT p.id FROM payment AS p WHERE p.order_id = o.id AND p.state IN ('REJECTED', 'RETURNED')
                   AND NOT EXISTS (SELECT FROM payment AS s WHERE s.reissue_of = p.id AND s.phase <> 'CANCELLED')
                   ORDER BY p.id DESC LIMIT 1) AS failed
           FROM unnest($1::bigint[]) WITH ORDINALITY AS o (id, place) ORDER BY o.place""",
        [order.id for order in orders],
    )
    return [
        Candidate(order, row["is_live"], row["is_disputed"], row["is_return_unproven"], row["failed"])
        for order, row in zip(orders, rows, strict=True)
    ]


async def planned_of(tx: Tx, orders: Sequence[int]) -> list[Unlocked]:
    """Lines of these orders that are planned and not queued; not locked."""
    rows = await tx.fetch(f"{_FIND} WHERE order_id = ANY($1) AND state IN ('CREATED', 'RESERVED')", list(orders))
    return [_unlocked(row) for row in rows]


async def add(tx: Tx, payments: Sequence[Payment], now: datetime) -> None:
    await tx.copy("payment", (*COLUMNS, "updated_at"), [(*_row(one), now) for one in payments])


async def take(tx: Tx, planned: Sequence[Payment]) -> None:
    """What was reserved for these orders is on its way: it belongs to a payment now."""
    await tx.execute(
        """UPDATE payment_order AS o SET live_fen = o.live_fen + mine.fen, reserved_fen = o.reserved_fen - mine.fen
           FROM unnest($1::bigint[], $2::bigint[]) AS mine (id, fen) WHERE o.id = mine.id""",
        [one.order_id for one in planned],
        [one.amount_fen for one in planned],
    )


# --- reading ----------------------------------------------------------------------------------------------------------


async def of_run(
    source: Database | Tx, run_id: UUID, states: Collection[PaymentState], after: int, limit: int
) -> list[Unlocked]:
    """Lines of a run in these states, all of them live, in their order."""
    rows = await source.fetch(
        f"""{_FIND} WHERE run_id = $1 AND phase = 'LIVE' AND state = ANY($2) AND number > $3
            ORDER BY number LIMIT $4""",
        run_id,
        list(states),
        after,
        limit,
    )
    return [_unlocked(row) for row in rows]


async def of_run_again(
    source: Database | Tx, run_id: UUID, states: Collection[PaymentState], after: int, limit: int
) -> list[Unlocked]:
    """As `of_run`; and after the last once more from the first, so that none is left behind."""
    lines = await of_run(source, run_id, states, after, limit)
    return lines if lines or not after else await of_run(source, run_id, states, 0, limit)


async def of_file(
    source: Database | Tx, run_id: UUID, paying: str, after: tuple[str, int], limit: int
) -> list[Payment]:
    """What is in a file, by class of payee and line: the order in which it is written."""
    rows = await source.fetch(
        f"""{_SELECT} WHERE run_id = $1 AND paying_account = $2 AND state <> 'CANCELLED' AND amount_fen > offset_fen
              AND (payee_kind, number) > ($3, $4) ORDER BY payee_kind, number LIMIT $5""",
        run_id,
        paying,
        *after,
        limit,
    )
    return [payment_of(row) for row in rows]


async def of_account(source: Database | Tx, run_id: UUID, paying: str, after: int, limit: int) -> list[Unlocked]:
    """What is queued of a run from one of our accounts, by line."""
    rows = await source.fetch(
        f"""{_FIND} WHERE run_id = $1 AND paying_account = $2 AND state = 'QUEUED' AND number > $3
              AND amount_fen > offset_fen
            ORDER BY number LIMIT $4""",
        run_id,
        paying,
        after,
        limit,
    )
    return [_unlocked(row) for row in rows]


async def kept_whole(source: Database | Tx, run_id: UUID, limit: int) -> list[Unlocked]:
    """Lines of a run, committed and not settled, of which offsets leave nothing for the bank; by number."""
    rows = await source.fetch(
        f"""{_FIND} WHERE run_id = $1 AND phase = 'LIVE' AND state IN ('RESERVED', 'QUEUED')
              AND amount_fen = offset_fen
            ORDER BY number LIMIT $2""",
        run_id,
        limit,
    )
    return [_unlocked(row) for row in rows]


async def stream(tx: Tx, run_id: UUID) -> AsyncIterator[Payment]:
    """Every line of a run as it was planned, with memory that does not grow. Few at a time: whoever works on them gives
    way to other calls in between.
    """
    cursor = tx.connection.cursor(f"{_SELECT} WHERE run_id = $1 ORDER BY number", run_id, prefetch=LINES_AT_ONCE)
    async for row in cursor:
        yield payment_of(row)


async def by_reference(source: Database | Tx, references: Collection[str]) -> dict[str, Unlocked]:
    rows = await source.fetch(f"{_FIND} WHERE end_to_end_id = ANY($1)", list(references))
    return {one.end_to_end_id: one for one in map(_unlocked, rows)}


async def by_id(source: Database | Tx, payment_id: UUID) -> Payment | None:
    rows = await source.fetch(f"{_SELECT} WHERE id = $1", payment_id)
    return payment_of(rows[0]) if rows else None


class Shown(NamedTuple):
    """Which payments are asked for: of a run, or of an order; empty state and no counties are any."""

    run_id: UUID | None
    order_id: int | None
    state: str
    counties: Sequence[str] | None


async def list_payments(database: Database, shown: Shown, after: int, limit: int) -> list[ListedPayment]:
    """Of a run after a line; of an order newest first, after so many."""
    where = "run_id = $1 AND number > $4" if shown.run_id else "order_id = $1"
    rows = await database.fetch(
        f"""SELECT {", ".join(COLUMNS)}, updated_at,
                   (SELECT u.proposed_by FROM unknown_resolution AS u WHERE u.payment_id = payment.id) AS proposed_by
            FROM payment WHERE {where} AND ($2 = '' OR state = $2) AND ($3::text[] IS NULL OR county = ANY($3))
            ORDER BY {"number" if shown.run_id else "id DESC OFFSET $4"} LIMIT $5""",
        shown.run_id or shown.order_id,
        shown.state,
        shown.counties,
        after,
        limit,
    )
    return [_listed(row) for row in rows]


# --- moving -----------------------------------------------------------------------------------------------------------


async def lock(tx: Tx, ids: Collection[UUID]) -> list[Payment]:
    """These payments, in order of id; their orders are locked before."""
    rows = await tx.fetch(f"{_SELECT} WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(ids))
    return [payment_of(row) for row in rows]


async def move(tx: Tx, payments: Sequence[Payment], now: datetime) -> None:
    """State and what the bank said; nothing else of a payment ever changes."""
    if not payments:
        return
    await tx.execute(
        """UPDATE payment AS p
           SET state = mine.state, file_id = mine.file_id, reason = mine.reason, decided_at = mine.decided_at,
               debited_on = mine.debited_on, returned_on = mine.returned_on, debit_advice = mine.debit_advice,
               debit_statement = mine.debit_statement, return_advice = mine.return_advice,
               return_statement = mine.return_statement, debit_again = mine.debit_again, updated_at = $13
           FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::date[], $7::date[],
                       $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
                AS mine (id, state, file_id, reason, decided_at, debited_on, returned_on, debit_advice, debit_statement,
                         return_advice, return_statement, debit_again)
           WHERE p.id = mine.id""",
        *map(
            list,
            zip(
                *[
                    (
                        one.id,
                        one.state,
                        one.file_id,
                        one.reason,
                        one.decided_at,
                        one.debited_on,
                        one.returned_on,
                        one.debit_advice,
                        one.debit_statement,
                        one.return_advice,
                        one.return_statement,
                        one.debit_again,
                    )
                    for one in payments
                ],
                strict=True,
            ),
        ),
        now,
    )


async def sent(tx: Tx, file_id: UUID, ids: Sequence[UUID], now: datetime) -> None:
    """Queued payments of a file, locked, are on their way."""
    await tx.execute(
        "UPDATE payment SET state = 'SENT', file_id = $1, updated_at = $3 WHERE id = ANY($2) AND state = 'QUEUED'",
        file_id,
        list(ids),
        now,
    )


async def raise_versions(tx: Tx, orders: Sequence[int]) -> None:
    """An event is told of each of these orders, which are locked."""
    await tx.execute("UPDATE payment_order SET version = version + 1 WHERE id = ANY($1)", list(orders))


async def queue(tx: Tx, run_id: UUID, now: datetime) -> None:
    await tx.execute(
        "UPDATE payment SET state = 'QUEUED', updated_at = $2 WHERE run_id = $1 AND state = 'RESERVED'", run_id, now
    )


async def save_orders(tx: Tx, orders: Sequence[Order], now: datetime) -> None:
    """What of orders moves with payments, in one statement, so that the table's checks hold at its end."""
    if not orders:
        return
    await tx.execute(
        """UPDATE payment_order AS o
           SET version = mine.version, state = mine.state, reasons = string_to_array(mine.reasons, ','),
               reserved_fen = mine.reserved_fen, live_fen = mine.live_fen, settled_fen = mine.settled_fen,
               paid_to = mine.paid_to, paid_from = mine.paid_from, waiting = mine.waiting, updated_at = $11
           FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                       $8::text[], $9::text[], $10::boolean[])
                AS mine (id, version, state, reasons, reserved_fen, live_fen, settled_fen, paid_to, paid_from, waiting)
           WHERE o.id = mine.id""",
        *map(
            list,
            zip(
                *[
                    (
                        one.id,
                        one.version,
                        one.state,
                        ",".join(one.reasons),
                        one.reserved_fen,
                        one.live_fen,
                        one.settled_fen,
                        one.paid_to,
                        one.paid_from,
                        one.waiting,
                    )
                    for one in orders
                ],
                strict=True,
            ),
        ),
        now,
    )


async def shift(tx: Tx, shifts: Sequence[Shift]) -> None:
    """Move budgets' figures; their rows are locked, and the table checks that none falls below nothing."""
    if not shifts:
        return
    moved = await tx.fetch(
        """UPDATE budget AS b
           SET available_fen = b.available_fen + mine.available, reserved_fen = b.reserved_fen + mine.reserved,
               committed_fen = b.committed_fen + mine.committed, spent_fen = b.spent_fen + mine.spent,
               receivable_fen = b.receivable_fen + mine.receivable, recovered_fen = b.recovered_fen + mine.recovered,
               waiting_fen = b.waiting_fen + mine.waiting
           FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                       $7::bigint[], $8::bigint[])
                AS mine (id, available, reserved, committed, spent, receivable, recovered, waiting)
           WHERE b.id = mine.id RETURNING b.id""",
        *map(list, zip(*shifts, strict=True)),
    )
    if len(moved) != len(shifts):
        raise Conflict("a budget is gone")


async def unanswered(database: Database, paying: str, limit: int) -> list[Payment]:
    """Some payments from an account of which nothing is known, drawn so that each comes to be asked about."""
    rows = await database.fetch(
        f"{_SELECT} WHERE is_unknown AND paying_account = $1 ORDER BY random() LIMIT $2", paying, limit
    )
    return [payment_of(row) for row in rows]


async def undisputed(database: Database, files: Sequence[UUID], limit: int) -> list[Payment]:
    """Of those in these files the ones about which nothing waits for a person, of which no money came back, and which
    are not perhaps a debit of their amount that names none. A debit by another payment of the order, which was lost, is
    not about them.
    """
    rows = await database.fetch(
        f"""{_SELECT} AS p WHERE is_unknown AND returned_on IS NULL AND file_id = ANY($2)
              AND NOT EXISTS (SELECT FROM unmatched AS u WHERE u.order_id = p.order_id AND u.is_open
                              AND u.payment_id IS NOT NULL)
              AND NOT EXISTS (SELECT FROM unmatched AS u JOIN bank_file AS f ON f.debtor_known_as = u.account
                              WHERE f.id = p.file_id AND u.is_open AND u.order_id IS NULL AND u.entry_id IS NOT NULL
                                AND NOT u.is_credit AND u.amount_fen = p.amount_fen)
            ORDER BY id LIMIT $1""",
        limit,
        list(files),
    )
    return [payment_of(row) for row in rows]


async def doubt(tx: Tx, files: Sequence[UUID], now: datetime) -> int:
    """What is SENT in these files, and was not answered, is UNKNOWN."""
    rows = await tx.fetch(
        """WITH moved AS (
               UPDATE payment AS p SET state = 'UNKNOWN', updated_at = $2
               FROM bank_file AS f
               WHERE f.id = ANY($1) AND p.run_id = f.run_id AND p.paying_account = f.paying_account
                 AND p.phase = 'LIVE' AND p.state = 'SENT' RETURNING 1)
           SELECT count(*) AS count FROM moved""",
        list(files),
        now,
    )
    return int(rows[0]["count"])


def payment_of(row: Record) -> Payment:
    """Of a row that begins with COLUMNS. By place, not by name: a run reads each of its payments seven times."""
    values = tuple(row)
    return Payment._make(
        (*values[:7], _STATES[values[7]], *values[8:10], Payee(*values[10:12]), *values[12 : len(COLUMNS)])
    )


def _unlocked(row: Record) -> Unlocked:
    payment_id, number, order_id, offset_fen, kind, payee, reference = row
    return Unlocked(payment_id, number, order_id, offset_fen, Payee(kind, payee), reference)


def _row(payment: Payment) -> tuple[object, ...]:
    return (*payment[:10], payment.payee.kind, payment.payee.reference, *payment[11:])


def _listed(row: Record) -> ListedPayment:
    return ListedPayment(payment_of(row), row["updated_at"], row["proposed_by"] or "")
