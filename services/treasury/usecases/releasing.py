"""Held orders are reserved, in order, as far as there is money: in bounded batches, each its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from services.kit.db import Database
from services.kit.timer import apart
from services.treasury import store
from services.treasury.model import State
from services.treasury.rules import Case
from services.treasury.usecases.desk import Desk
from services.treasury.usecases.settling import settle

ORDERS_MAX: Final = 1000  # of a transaction
BATCHES_MAX: Final = 100  # of a budget, each time; the next time goes on


async def release(desk: Desk, database: Database, budgets: Sequence[int] | None = None) -> int:
    """Release what these budgets, or all, have money for; answers how many orders were reserved. A budget that a bug is
    about stops no other.
    """
    wanted = await store.fundable(database) if budgets is None else budgets
    return await apart(partial(_of_budget, desk, database), wanted, lambda budget_id: f"budget {budget_id}")


async def _of_budget(desk: Desk, database: Database, budget_id: int) -> int:
    released = 0
    for _ in range(BATCHES_MAX):
        ids = await store.waiting(database, budget_id, ORDERS_MAX)
        reserved = await _settle_again(desk, database, budget_id, ids)
        released += reserved
        if reserved < ORDERS_MAX:
            break
    await _make_aware(desk, database, budget_id)
    return released


async def _make_aware(desk: Desk, database: Database, budget_id: int) -> None:
    """Who was told that there is no budget is told, once there is one, that it does not reach."""
    for _ in range(BATCHES_MAX):
        ids = await store.unaware(database, budget_id, ORDERS_MAX)
        await _settle_again(desk, database, budget_id, ids)
        if len(ids) < ORDERS_MAX:
            return


async def _settle_again(desk: Desk, database: Database, budget_id: int, ids: Sequence[int]) -> int:
    """Settle these anew, as they are once their rows are ours; answers how many were reserved.

    That they are the first of the queue is looked at again under the budget's lock: what came in front of them in
    between is not overtaken.
    """
    if not ids:
        return 0
    async with database.transaction() as tx:
        orders = await store.lock_orders(tx, ids)
        cases = [Case(order, order) for order in orders if order.waiting and order.budget_id == budget_id]
        settled = await settle(desk, tx, cases, {})
        return sum(one.after.state == State.RESERVED for one in settled)
