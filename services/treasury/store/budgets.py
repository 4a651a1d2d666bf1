"""Budgets: their rows are locked in order of id, decided about, and moved by differences that the table checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.kit.db import Database, Tx
from services.kit.errors import Conflict
from services.treasury.model import AccountKind, Appropriation, Budget, BudgetMove, Pot

SELECT: Final = """SELECT b.id, b.fund, b.county, b.programme, b.fiscal_year, b.pooling_area, b.available_fen,
        b.reserved_fen, b.committed_fen, b.spent_fen, b.waiting_orders, b.waiting_fen, b.receivable_fen,
        b.recovered_fen,
        ARRAY(SELECT a.kind FROM account AS a WHERE a.budget_id = b.id ORDER BY a.id) AS kinds,
        ARRAY(SELECT a.id FROM account AS a WHERE a.budget_id = b.id ORDER BY a.id) AS accounts
    FROM budget AS b"""


async def open_pots(tx: Tx, pots: Collection[Pot]) -> dict[Pot, int]:
    """The budgets of these pots. One that nobody has named before gets its row, and the accounts that hang on it."""
    wanted = sorted(pots)
    found = await _ids(tx, wanted)
    if strange := [pot for pot in wanted if pot not in found]:
        await tx.execute(
            """WITH made AS (
                   INSERT INTO budget (fund, county, programme, fiscal_year)
                   SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[])
                   ON CONFLICT DO NOTHING RETURNING id)
               INSERT INTO account (budget_id, kind)
               SELECT made.id, kind.name FROM made CROSS JOIN unnest($5::text[]) AS kind (name)""",
            *_columns(strange),
            list(AccountKind),
        )
        found |= await _ids(tx, strange)
    return found


async def lock_budgets(tx: Tx, ids: Collection[int]) -> dict[int, Budget]:
    """These budgets, locked in order of id."""
    rows = await tx.fetch(f"{SELECT} WHERE b.id = ANY($1::bigint[]) ORDER BY b.id FOR UPDATE OF b", list(ids))
    return {row["id"]: budget_of(row) for row in rows}


async def _ids(tx: Tx, pots: Collection[Pot]) -> dict[Pot, int]:
    rows = await tx.fetch(
        """SELECT fund, county, programme, fiscal_year, id
           FROM budget JOIN unnest($1::text[], $2::text[], $3::text[], $4::int[])
                AS wanted (fund, county, programme, fiscal_year) USING (fund, county, programme, fiscal_year)""",
        *_columns(pots),
    )
    return {Pot(*row[:4]): row["id"] for row in rows}


async def move_budgets(tx: Tx, moves: Sequence[BudgetMove]) -> None:
    """Move the figures. What is not there is not taken: that is asked here once more, beside the table's own check."""
    if not moves:
        return
    moved = await tx.fetch(
        """UPDATE budget AS b
           SET available_fen = b.available_fen + mine.available_fen, reserved_fen = b.reserved_fen + mine.reserved_fen,
               waiting_orders = b.waiting_orders + mine.waiting_orders, waiting_fen = b.waiting_fen + mine.waiting_fen
           FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                AS mine (id, available_fen, reserved_fen, waiting_orders, waiting_fen)
           WHERE b.id = mine.id AND b.available_fen >= -mine.available_fen RETURNING b.id""",
        *map(list, zip(*moves, strict=True)),
    )
    if len(moved) != len(moves):
        raise Conflict("a budget has less than when it was looked at")


async def open_budget(tx: Tx, budget_id: int, given: Appropriation, now: datetime) -> None:
    """Give to a budget, or take back. The first appropriation opens it."""
    await tx.execute(
        """UPDATE budget SET available_fen = available_fen + $2, pooling_area = $3, opened_at = COALESCE(opened_at, $4)
           WHERE id = $1""",
        budget_id,
        given.amount_fen,
        given.pooling_area,
        now,
    )


async def appropriated_before(tx: Tx, given: Appropriation) -> tuple[bytes, bytes] | None:
    """What was asked under this id, and what was answered."""
    rows = await tx.fetch("SELECT content_hash, answer FROM appropriation WHERE request_id = $1", given.request_id)
    return (rows[0]["content_hash"], rows[0]["answer"]) if rows else None


async def save_appropriation(tx: Tx, budget_id: int, given: Appropriation, answer: bytes, now: datetime) -> None:
    await tx.execute(
        """INSERT INTO appropriation (request_id, content_hash, answer, budget_id, amount_fen, document, principal, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        given.request_id,
        given.content_hash,
        answer,
        budget_id,
        given.amount_fen,
        given.document,
        given.principal,
        now,
    )


async def fundable(database: Database) -> list[int]:
    """Open budgets that have enough for the first order that waits, or whose orders do not know that there is one."""
    rows = await database.fetch(
        """SELECT budget.id FROM budget CROSS JOIN LATERAL (
               SELECT owed_fen - settled_fen - live_fen - reserved_fen AS held_fen FROM payment_order AS o
               WHERE o.budget_id = budget.id AND o.waiting ORDER BY payable_on, id LIMIT 1) AS head
           WHERE waiting_orders > 0 AND opened_at IS NOT NULL AND (
               available_fen >= head.held_fen
               OR EXISTS (SELECT FROM payment_order AS o
                          WHERE o.budget_id = budget.id AND o.waiting AND 'BUDGET_MISSING' = ANY(o.reasons)))
           ORDER BY budget.id"""
    )
    return [row["id"] for row in rows]


def budget_of(row: Mapping[str, Any]) -> Budget:
    return Budget(
        row["id"],
        Pot(row["fund"], row["county"], row["programme"], row["fiscal_year"]),
        row["pooling_area"],
        row["available_fen"],
        row["reserved_fen"],
        row["committed_fen"],
        row["spent_fen"],
        row["waiting_orders"],
        row["waiting_fen"],
        dict(zip(row["kinds"], row["accounts"], strict=True)),
        row["receivable_fen"],
        row["recovered_fen"],
    )


def _columns(pots: Collection[Pot]) -> tuple[list[Any], ...]:
    return (
        [pot.fund for pot in pots],
        [pot.county for pot in pots],
        [pot.programme for pot in pots],
        [pot.fiscal_year for pot in pots],
    )
