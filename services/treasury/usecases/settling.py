"""Settling orders whose rows are locked: lock their budgets, decide, write, book, tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from services.kit import telemetry
from services.kit.db import Tx
from services.treasury import rules, store
from services.treasury.rules import Case, Settled
from services.treasury.rules.paying import together
from services.treasury.rules.recovering import Books, Followed, followed
from services.treasury.store import payments
from services.treasury.usecases import recovering
from services.treasury.usecases.desk import Desk
from services.treasury.wire import events


async def settle(desk: Desk, tx: Tx, cases: Sequence[Case], causes: Mapping[int, str]) -> list[Settled]:
    """`causes` are told with the events. Budgets are locked here, when all that can be done without them is done."""
    held = await recovering.held(tx, [case.after for case in cases])
    wanted = {order.budget_id for case in cases for order in case if order is not None}
    budgets = await store.lock_budgets(tx, wanted | held.budgets)
    queues = [budget.id for budget in budgets.values() if budget.waiting_orders]
    first = await store.first_waiting(tx, queues, [case.after.id for case in cases]) if queues else {}
    settlement = rules.settle(cases, budgets, first, desk.limit_fen())
    today, now = desk.clock.today(), desk.clock.now()
    after = [one.after for one in settlement.orders]
    asked = followed(after, held, None, Books(budgets, today), recovering.ids()) if held.shares else Followed()
    raised = recovering.raised(after, asked.moves)
    saved = [one._replace(after=order) for one, order in zip(settlement.orders, raised, strict=True)]
    await store.save_orders(tx, saved)
    await store.append(tx, [*asked.transfers, *rules.booked(settlement.orders, budgets, today)], today, now)
    await payments.shift(tx, together(asked.shifts))
    await store.move_budgets(tx, settlement.moves)
    for one in settlement.orders:
        for event in events.of_settled(one, now, causes.get(one.after.id, "")):
            tx.emit(event)
    await recovering.save(desk, tx, asked.moves, after)
    tx.after_commit(partial(count, Counter(str(one.after.state) for one in settlement.orders if one.changed)))
    return settlement.orders


def count(outcomes: Mapping[str, int]) -> None:
    """Tell the metrics what stands now."""
    for outcome, times in outcomes.items():
        telemetry.ORDERS.labels(outcome).inc(times)
