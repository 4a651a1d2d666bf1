"""What two persons have decided about orders that wait for one."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from services.kit.db import Tx
from services.treasury.model import Order


class Decision(NamedTuple):
    is_release: bool
    why: str
    prepared_by: str
    approved_by: str


async def of(tx: Tx, order_id: int, revision: int) -> Decision | None:
    rows = await tx.fetch(
        """SELECT is_release, reason, prepared_by, COALESCE(approved_by, '') FROM order_decision
           WHERE order_id = $1 AND revision = $2""",
        order_id,
        revision,
    )
    return Decision(*rows[0]) if rows else None


async def prepare(tx: Tx, order: Order, *, is_release: bool, why: str, actor: str, now: datetime) -> None:
    await tx.execute(
        """INSERT INTO order_decision (order_id, revision, is_release, held, reason, prepared_by, prepared_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (order_id, revision) DO UPDATE SET is_release = excluded.is_release, reason = excluded.reason,
               held = excluded.held, prepared_at = excluded.prepared_at
           WHERE order_decision.approved_by IS NULL AND order_decision.prepared_by = excluded.prepared_by""",
        order.id,
        order.revision,
        is_release,
        list(order.reasons),
        why,
        actor,
        now,
    )


async def approve(tx: Tx, order: Order, actor: str, now: datetime) -> None:
    await tx.execute(
        "UPDATE order_decision SET approved_by = $3, approved_at = $4 WHERE order_id = $1 AND revision = $2",
        order.id,
        order.revision,
        actor,
        now,
    )
