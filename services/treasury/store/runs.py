"""Payment runs, what their plans left out, and requests that were answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.kit.db import Database, Tx
from services.treasury.model import Exempt, Mark, Run, RunScope, RunState
from services.treasury.model.listing import ListedException, Sum

_COLUMNS: Final = """id, state, number, fund, county, programme, payable_to, payment_max_fen, total_max_fen, execute_on,
    after_budget, after_day, after_order, planned_count, planned_fen, plan_hash, exceptions, dropped, planned_by,
    planned_at, approved_by, approved_at, is_ready, sent_by, sent_at, closed_by, closed_at, ordinal, checked_at"""
_EXCEPTION: Final = ("run_id", "order_id", "payment_id", "amount_fen", "county", "reasons", "at")
HELD_MAX: Final = 10_000


async def new_run(tx: Tx, run: Run) -> None:
    await tx.execute(
        """INSERT INTO payment_run (id, state, fund, county, programme, payable_to, payment_max_fen, total_max_fen,
                                    execute_on, plan_hash, planned_by, planned_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        run.id,
        run.state,
        *run.scope,
        run.execute_on,
        run.plan_hash,
        run.planned_by,
        run.planned_at,
    )


async def run_by_id(database: Database | Tx, run_id: UUID) -> Run | None:
    rows = await database.fetch(f"SELECT {_COLUMNS} FROM payment_run WHERE id = $1", run_id)
    return _run_of(rows[0]) if rows else None


async def lock_run(tx: Tx, run_id: UUID) -> Run | None:
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM payment_run WHERE id = $1 FOR UPDATE", run_id)
    return _run_of(rows[0]) if rows else None


async def save_run(tx: Tx, run: Run) -> None:
    """Its row is locked. What it was asked to pay never changes."""
    await tx.execute(
        """UPDATE payment_run SET state = $2, number = $3, after_budget = $4, after_day = $5, after_order = $6,
               planned_count = $7, planned_fen = $8, plan_hash = $9, exceptions = $10, dropped = $11, approved_by = $12,
               approved_at = $13, is_ready = $14, sent_by = $15, sent_at = $16, closed_by = $17, closed_at = $18,
               checked_at = $19
           WHERE id = $1""",
        run.id,
        run.state,
        run.number,
        *run.mark,
        run.planned_count,
        run.planned_fen,
        run.plan_hash,
        run.exceptions,
        run.dropped,
        run.approved_by,
        run.approved_at,
        run.is_ready,
        run.sent_by,
        run.sent_at,
        run.closed_by,
        run.closed_at,
        run.checked_at,
    )


async def list_runs(database: Database, state: str, before: int | None, limit: int) -> list[Run]:
    """Newest first."""
    rows = await database.fetch(
        f"""SELECT {_COLUMNS} FROM payment_run WHERE ($1 = '' OR state = $1) AND ($2::bigint IS NULL OR ordinal < $2)
            ORDER BY ordinal DESC LIMIT $3""",
        state,
        before,
        limit,
    )
    return [_run_of(row) for row in rows]


async def unfinished(database: Database, stale_before: datetime) -> list[UUID]:
    """Runs that are being planned, whose money is being committed or was so long ago, or whose lines are being taken
    back.
    """
    rows = await database.fetch(
        """SELECT id FROM payment_run AS r
           WHERE state IN ('PLANNING', 'APPROVED', 'SENT', 'CANCELLED')
             AND (state = 'PLANNING' OR (state = 'APPROVED' AND NOT is_ready)
                  OR (state = 'APPROVED' AND sent_by IS NULL AND COALESCE(checked_at, approved_at) < $1)
                  OR (sent_by IS NOT NULL AND EXISTS (
                         SELECT FROM payment AS p WHERE p.run_id = r.id AND p.phase = 'LIVE' AND p.state = 'QUEUED'
                         AND p.amount_fen = p.offset_fen))
                  OR (state = 'CANCELLED' AND EXISTS (
                         SELECT FROM payment AS p WHERE p.run_id = r.id AND p.phase = 'LIVE'
                         AND p.state IN ('CREATED', 'RESERVED', 'QUEUED'))))
           ORDER BY id""",
        stale_before,
    )
    return [row["id"] for row in rows]


async def settle_runs(tx: Tx) -> None:
    """Runs whose payments have all ended."""
    await tx.execute(
        """UPDATE payment_run AS r SET state = 'SETTLED', number = number + 1
           WHERE state = 'SENT'
             AND NOT EXISTS (SELECT FROM payment AS p WHERE p.run_id = r.id AND p.phase = 'LIVE')"""
    )


async def sums(database: Database | Tx, run_id: UUID, counties: Sequence[str] | None) -> list[Sum]:
    rows = await database.fetch(
        """SELECT fund, county, state, count(*) AS count, sum(amount_fen)::bigint AS fen FROM payment
           WHERE run_id = $1 AND ($2::text[] IS NULL OR county = ANY($2))
           GROUP BY fund, county, state ORDER BY fund, county, state""",
        run_id,
        counties,
    )
    return [Sum(*row) for row in rows]


# --- exceptions -------------------------------------------------------------------------------------------------------


async def save_exceptions(tx: Tx, run_id: UUID, exempt: Sequence[Exempt], now: datetime) -> None:
    rows = [
        (run_id, one.order_id, one.payment_id, one.amount_fen, one.county, list(one.reasons), now) for one in exempt
    ]
    await tx.copy("run_exception", _EXCEPTION, rows)


async def except_held(tx: Tx, run: Run, now: datetime) -> int:
    """The orders in the run's scope that wait with nothing reserved, oldest first; answers how many."""
    scope = run.scope
    rows = await tx.fetch(
        """WITH held AS (
               SELECT id, owed_fen - settled_fen - live_fen AS fen, county, reasons FROM payment_order
               WHERE is_held AND reserved_fen = 0 AND payable_on <= $2 AND owed_fen > settled_fen + live_fen
                 AND ($3 = '' OR fund = $3) AND ($4 = '' OR county = $4) AND ($5 = '' OR programme = $5)
               ORDER BY id LIMIT $6),
           made AS (
               INSERT INTO run_exception (run_id, order_id, amount_fen, county, reasons, at)
               SELECT $1, id, fen, county, reasons, $7 FROM held RETURNING 1)
           SELECT count(*) AS count FROM made""",
        run.id,
        scope.payable_to,
        scope.fund,
        scope.county,
        scope.programme,
        HELD_MAX,
        now,
    )
    return int(rows[0]["count"])


async def list_exceptions(
    database: Database, run_id: UUID, counties: Sequence[str] | None, after: int | None, limit: int
) -> list[ListedException]:
    rows = await database.fetch(
        """SELECT id, order_id, amount_fen, county, reasons FROM run_exception
           WHERE run_id = $1 AND ($2::text[] IS NULL OR county = ANY($2)) AND ($3::bigint IS NULL OR id > $3)
           ORDER BY id LIMIT $4""",
        run_id,
        counties,
        after,
        limit,
    )
    return [ListedException(*row) for row in rows]


# --- requests ---------------------------------------------------------------------------------------------------------


async def answered_before(tx: Tx, actor: str, request_id: str) -> tuple[bytes, bytes] | None:
    """The digest of what was asked under this id, and what was answered."""
    rows = await tx.fetch(
        "SELECT digest, answer FROM run_request WHERE actor = $1 AND request_id = $2", actor, request_id
    )
    return (rows[0]["digest"], rows[0]["answer"]) if rows else None


async def keep_request(tx: Tx, actor: str, request_id: str, digest: bytes, *, answer: bytes, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO run_request (actor, request_id, digest, answer, answered_at) VALUES ($1, $2, $3, $4, $5)",
        actor,
        request_id,
        digest,
        answer,
        now,
    )


def _run_of(row: Mapping[str, Any]) -> Run:
    return Run(
        row["id"],
        RunState(row["state"]),
        row["number"],
        RunScope(
            row["fund"],
            row["county"],
            row["programme"],
            row["payable_to"],
            row["payment_max_fen"],
            row["total_max_fen"],
        ),
        row["execute_on"],
        Mark(row["after_budget"], row["after_day"], row["after_order"]),
        row["planned_count"],
        row["planned_fen"],
        row["plan_hash"],
        row["exceptions"],
        row["dropped"],
        row["planned_by"],
        row["planned_at"],
        row["approved_by"],
        row["approved_at"],
        row["is_ready"],
        row["sent_by"],
        row["sent_at"],
        row["closed_by"],
        row["closed_at"],
        row["ordinal"],
        row["checked_at"],
    )
