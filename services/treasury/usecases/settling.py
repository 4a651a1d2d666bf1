"""Settling orders whose rows are locked: lock their budgets, decide, write, book, tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from services.kit import telemetry
from services.kit.db import Tx
from services.treasury import rules, store
from services.treasury.rules import Case, Settled
from services.treasury.usecases.desk import Desk
from services.treasury.wire import events


async def settle(desk: Desk, tx: Tx, cases: Sequence[Case], causes: Mapping[int, str]) -> list[Settled]:
    """`causes` are told with the events. Budgets are locked here, when all that can be done without them is done."""
    budgets = await store.lock_budgets(tx, {order.budget_id for case in cases for order in case if order is not None})
    queues = [budget.id for budget in budgets.values() if budget.waiting_orders]
    first = await store.first_waiting(tx, queues, [case.after.id for case in cases]) if queues else {}
    settlement = rules.settle(cases, budgets, first, desk.limit_fen())
    today, now = desk.clock.today(), desk.clock.now()
    await store.save_orders(tx, settlement.orders)
    await store.append(tx, rules.booked(settlement.orders, budgets, today), today, now)
    await store.move_budgets(tx, settlement.moves)
    for one in settlement.orders:
        for event in events.of_settled(one, now, causes.get(one.after.id, "")):
            tx.emit(event)
    tx.after_commit(partial(count, Counter(str(one.after.state) for one in settlement.orders if one.changed)))
    return settlement.orders


def count(outcomes: Mapping[str, int]) -> None:
    """Tell the metrics what stands now."""
    for outcome, times in outcomes.items():
        telemetry.ORDERS.labels(outcome).inc(times)
