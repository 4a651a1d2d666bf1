"""Recoveries: locked after payments and before budgets, in order of id; what hangs on them, and their history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from services.kit.db import Database, Tx
from services.treasury.model import Payee
from services.treasury.model.recoveries import (
    Instalment,
    Offset,
    Recovery,
    RecoveryMove,
    RecoveryState,
    Repayment,
    Share,
)
from services.treasury.rules.netting import Pool
from services.treasury.rules.recovering import SYSTEM

COLUMNS: Final = (
    "id",
    "order_id",
    "payee_kind",
    "payee",
    "budget_id",
    "state",
    "number",
    "outstanding_fen",
    "live_fen",
    "offset_fen",
    "repaid_fen",
    "written_off_fen",
    "disputed_fen",
    "reason",
    "article",
    "notified_on",
    "due_on",
    "schedule",
    "schedule_from_fen",
    "county",
)
_SELECT: Final = f"SELECT {', '.join(f'r.{name}' for name in COLUMNS)}, r.ordinal FROM recovery AS r"
_EVENT: Final = (
    "recovery_id",
    "number",
    "kind",
    "state",
    "outstanding_fen",
    "live_fen",
    "offset_fen",
    "repaid_fen",
    "written_off_fen",
    "disputed_fen",
    "reason",
    "actor",
    "at",
)


# --- locking ----------------------------------------------------------------------------------------------------------


async def lock(tx: Tx, orders: Collection[int], ids: Collection[UUID] = ()) -> dict[UUID, Recovery]:
    """Those of these orders, which are locked, and these."""
    rows = await tx.fetch(
        f"{_SELECT} WHERE r.order_id = ANY($1::bigint[]) OR r.id = ANY($2::uuid[]) ORDER BY r.id FOR UPDATE",
        list(orders),
        list(ids),
    )
    return {row["id"]: recovery_of(row) for row in rows}


async def shares(tx: Tx, orders: Collection[int]) -> list[Share]:
    """What was paid of these orders, which are locked, to whom and from which budget; the newest first."""
    rows = await tx.fetch(
        """SELECT order_id, payee_kind, payee, budget_id, sum(amount_fen)::bigint AS fen FROM payment
           WHERE order_id = ANY($1::bigint[]) AND state IN ('SETTLED', 'RECONCILED')
           GROUP BY order_id, payee_kind, payee, budget_id ORDER BY order_id, max(id::text) DESC""",
        list(orders),
    )
    return [
        Share(row["order_id"], Payee(row["payee_kind"], row["payee"]), row["budget_id"], row["fen"]) for row in rows
    ]


async def offsets(source: Database | Tx, payments: Collection[UUID]) -> list[Offset]:
    """What these payments keep; it never changes, so it may be read before anything is locked."""
    rows = await source.fetch(
        """SELECT o.payment_id, o.recovery_id, r.order_id, o.amount_fen
           FROM recovery_offset AS o JOIN recovery AS r ON r.id = o.recovery_id
           WHERE o.payment_id = ANY($1::uuid[]) ORDER BY o.payment_id, o.recovery_id""",
        list(payments),
    )
    return [Offset(*row) for row in rows]


async def claimable(tx: Tx, payees: Collection[Payee]) -> list[tuple[Recovery, Pool]]:
    """What these payees owe back that may be kept from them, locked; `rules.netted` says how much."""
    rows = await tx.fetch(
        f"""{_SELECT[: _SELECT.index(" FROM")]}, b.fund, b.pooling_area
            FROM unnest($1::text[], $2::text[]) AS mine (kind, reference)
            JOIN recovery AS r ON r.payee_kind = mine.kind AND r.payee = mine.reference
            JOIN budget AS b ON b.id = r.budget_id
            WHERE r.outstanding_fen > 0 AND r.state IN ('NOTIFIED', 'DISPUTED', 'OFFSETTING')
            ORDER BY r.id FOR UPDATE OF r""",
        [one.kind for one in payees],
        [one.reference for one in payees],
    )
    return [(recovery_of(row), Pool(row["fund"], row["pooling_area"])) for row in rows]


async def pools(tx: Tx, budgets: Collection[int]) -> dict[int, Pool]:
    """Where budgets belong, which never changes once they are open."""
    rows = await tx.fetch("SELECT id, fund, pooling_area FROM budget WHERE id = ANY($1::bigint[])", list(budgets))
    return {row["id"]: Pool(row["fund"], row["pooling_area"]) for row in rows}


# --- writing ----------------------------------------------------------------------------------------------------------


async def save(tx: Tx, moves: Sequence[RecoveryMove], now: datetime) -> None:
    """Recoveries as they are now, and a row of history for each."""
    new = [one.after for one in moves if one.before is None]
    await tx.copy("recovery", (*COLUMNS, "updated_at"), [(*_row(one), now) for one in new])
    if changed := [_row(one.after) for one in moves if one.before is not None]:
        sets = ", ".join(f"{name} = mine.{name}" for name in COLUMNS[5:19])
        names = ("id", *COLUMNS[5:19])
        found = dict(zip(COLUMNS, zip(*changed, strict=True), strict=True))
        await tx.execute(
            f"""UPDATE recovery AS r SET {sets}, updated_at = $16
                FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                            $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::date[],
                            $13::date[], $14::bigint[], $15::bigint[]) AS mine ({", ".join(names)})
                WHERE r.id = mine.id""",
            *(list(found[name]) for name in names),
            now,
        )
    await tx.copy("recovery_event", _EVENT, [_event(one, now) for one in moves])
    await _lapse(tx, [one.after.id for one in moves if one.before and _is_out_of_dispute(one.before, one.after)], now)


async def add_offsets(tx: Tx, offset: Sequence[tuple[UUID, UUID, int]]) -> None:
    """Payment, recovery and how much is kept."""
    await tx.copy("recovery_offset", ("payment_id", "recovery_id", "amount_fen"), offset)


async def add_repayments(tx: Tx, repayments: Sequence[Repayment], now: datetime) -> None:
    await tx.copy(
        "recovery_repayment",
        ("entry_id", "recovery_id", "amount_fen", "value_on", "actor", "at"),
        [(*one, now) for one in repayments],
    )


async def add_instalments(tx: Tx, recovery_id: UUID, schedule: int, parts: Sequence[Instalment]) -> None:
    await tx.copy(
        "recovery_instalment",
        ("recovery_id", "schedule", "number", "due_on", "amount_fen"),
        [(recovery_id, schedule, *one) for one in parts],
    )


async def open_dispute(
    tx: Tx, recovery: Recovery, fen: int, *, ground: str, document: str, actor: str, now: datetime
) -> None:
    await tx.execute(
        """INSERT INTO recovery_dispute (recovery_id, number, amount_fen, ground, document, opened_by, opened_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        recovery.id,
        recovery.number,
        fen,
        ground,
        document,
        actor,
        now,
    )


async def resolve_dispute(tx: Tx, recovery_id: UUID, outcome: str, actor: str, now: datetime) -> None:
    await tx.execute(
        """UPDATE recovery_dispute SET outcome = $2, resolved_by = $3, resolved_at = $4
           WHERE recovery_id = $1 AND outcome IS NULL""",
        recovery_id,
        outcome,
        actor,
        now,
    )


def _is_out_of_dispute(before: Recovery, after: Recovery) -> bool:
    return before.state == RecoveryState.DISPUTED != after.state


async def _lapse(tx: Tx, ids: Collection[UUID], now: datetime) -> None:
    """Disputes that nobody resolved, of recoveries that are not in dispute any more."""
    if ids:
        await tx.execute(
            """UPDATE recovery_dispute SET outcome = 'LAPSED', resolved_by = $2, resolved_at = $3
               WHERE recovery_id = ANY($1) AND outcome IS NULL""",
            list(ids),
            SYSTEM,
            now,
        )


async def disputed_by(tx: Tx, recovery_id: UUID) -> str:
    """Who has opened the dispute that is open; empty: there is none."""
    rows = await tx.fetch(
        "SELECT opened_by FROM recovery_dispute WHERE recovery_id = $1 AND outcome IS NULL", recovery_id
    )
    return str(rows[0]["opened_by"]) if rows else ""


async def proposal(tx: Tx, recovery: Recovery) -> tuple[int, str, str, str] | None:
    """What was proposed to be given up of the recovery as it stands: how much, why, by which document, by whom."""
    rows = await tx.fetch(
        """SELECT amount_fen, reason, document, proposed_by FROM recovery_write_off
           WHERE recovery_id = $1 AND number = $2 AND confirmed_by IS NULL""",
        recovery.id,
        recovery.number,
    )
    return (rows[0][0], rows[0][1], rows[0][2], rows[0][3]) if rows else None


async def propose(tx: Tx, recovery: Recovery, fen: int, *, why: str, document: str, actor: str, now: datetime) -> None:
    await tx.execute(
        """INSERT INTO recovery_write_off (recovery_id, number, amount_fen, reason, document, proposed_by, proposed_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (recovery_id, number) DO UPDATE SET amount_fen = excluded.amount_fen, reason = excluded.reason,
               document = excluded.document, proposed_at = excluded.proposed_at
           WHERE recovery_write_off.confirmed_by IS NULL
             AND recovery_write_off.proposed_by = excluded.proposed_by""",
        recovery.id,
        recovery.number,
        fen,
        why,
        document,
        actor,
        now,
    )


async def confirm(tx: Tx, recovery: Recovery, actor: str, now: datetime) -> None:
    await tx.execute(
        """UPDATE recovery_write_off SET confirmed_by = $3, confirmed_at = $4
           WHERE recovery_id = $1 AND number = $2""",
        recovery.id,
        recovery.number,
        actor,
        now,
    )


# --- reading ----------------------------------------------------------------------------------------------------------


async def by_id(source: Database | Tx, recovery_id: UUID) -> Recovery | None:
    rows = await source.fetch(f"{_SELECT} WHERE r.id = $1", recovery_id)
    return recovery_of(rows[0]) if rows else None


async def orders_of(source: Database | Tx, ids: Collection[UUID]) -> dict[UUID, int]:
    """The orders of recoveries, which never change."""
    rows = await source.fetch("SELECT id, order_id FROM recovery WHERE id = ANY($1::uuid[])", list(ids))
    return {row["id"]: row["order_id"] for row in rows}


async def list_recoveries(
    database: Database, wanted: tuple[str, str], counties: Sequence[str] | None, before: int | None, limit: int
) -> list[Recovery]:
    """Newest first; `wanted` are state and payee, empty is any."""
    rows = await database.fetch(
        f"""{_SELECT} WHERE ($1 = '' OR r.state = $1) AND ($2 = '' OR r.payee = $2)
              AND ($3::text[] IS NULL OR r.county = ANY($3)) AND ($4::bigint IS NULL OR r.ordinal < $4)
            ORDER BY r.ordinal DESC LIMIT $5""",
        *wanted,
        counties,
        before,
        limit,
    )
    return [recovery_of(row) for row in rows]


async def history(database: Database, recovery_id: UUID) -> list[Mapping[str, Any]]:
    return await database.fetch("SELECT * FROM recovery_event WHERE recovery_id = $1 ORDER BY number", recovery_id)


async def instalments(source: Database | Tx, recovery: Recovery) -> list[Instalment]:
    """Those of the schedule that holds."""
    rows = await source.fetch(
        """SELECT number, due_on, amount_fen FROM recovery_instalment
           WHERE recovery_id = $1 AND schedule = $2 ORDER BY number""",
        recovery.id,
        recovery.schedule,
    )
    return [Instalment(*row) for row in rows]


async def timed(database: Database, today: date, limit: int) -> list[UUID]:
    """Those whose days to answer are past, or which pay in parts of which one was due."""
    rows = await database.fetch(
        """SELECT r.id FROM recovery AS r
           WHERE (r.state = 'NOTIFIED' AND r.due_on < $1)
              OR (r.state = 'INSTALMENTS' AND r.repaid_fen - r.schedule_from_fen < (
                     SELECT sum(i.amount_fen) FROM recovery_instalment AS i
                     WHERE i.recovery_id = r.id AND i.schedule = r.schedule AND i.due_on < $1))
           ORDER BY r.id LIMIT $2""",
        today,
        limit,
    )
    return [row["id"] for row in rows]


async def overpaid(database: Database, limit: int) -> list[int]:
    """Orders of which more is settled than is owed, and of which nothing was ever asked back."""
    rows = await database.fetch(
        """SELECT o.id FROM payment_order AS o
           WHERE o.is_overpaid AND o.settled_fen > o.owed_fen
             AND NOT EXISTS (SELECT FROM recovery AS r WHERE r.order_id = o.id)
             AND EXISTS (SELECT FROM payment AS p WHERE p.order_id = o.id AND p.state IN ('SETTLED', 'RECONCILED'))
           ORDER BY o.id LIMIT $1""",
        limit,
    )
    return [row["id"] for row in rows]


async def credit_of_item(tx: Tx, number: int) -> tuple[int, int, date | None] | None:
    """The credit on a statement behind an open item of the queue, locked: its entry, sum and day."""
    rows = await tx.fetch(
        """SELECT e.id, e.amount_fen, e.value_on
           FROM unmatched AS u JOIN statement_entry AS e ON e.id = u.entry_id
           WHERE u.id = $1 AND u.is_open AND u.is_credit AND u.payment_id IS NULL AND e.is_statement AND e.is_credit
           FOR UPDATE OF u""",
        number,
    )
    return (rows[0]["id"], rows[0]["amount_fen"], rows[0]["value_on"]) if rows else None


def recovery_of(row: Mapping[str, Any]) -> Recovery:
    who = Payee(row["payee_kind"], row["payee"])
    named = {name: row[name] for name in (*COLUMNS[6:], "ordinal")}
    return Recovery(row["id"], row["order_id"], who, row["budget_id"], RecoveryState(row["state"]), **named)


def _row(one: Recovery) -> tuple[object, ...]:
    return (one.id, one.order_id, one.payee.kind, one.payee.reference, one.budget_id, *one[4:19])


def _event(move: RecoveryMove, now: datetime) -> tuple[object, ...]:
    one = move.after
    return (
        one.id,
        one.number,
        move.kind,
        one.state,
        one.outstanding_fen,
        one.live_fen,
        one.offset_fen,
        one.repaid_fen,
        one.written_off_fen,
        one.disputed_fen,
        move.reason,
        move.actor,
        now,
    )
