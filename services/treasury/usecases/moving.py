"""Moving payments whose orders and rows are locked: write, move their money, settle their orders, tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.kit.db import Tx
from services.treasury import rules, store
from services.treasury.model import Order, Payment
from services.treasury.rules import Case, booked
from services.treasury.rules.paying import Kind, Paid, Step, paid, steps
from services.treasury.store import payments
from services.treasury.usecases.desk import Desk
from services.treasury.wire import events

_SILENT: Final = frozenset({Kind.COMMIT, Kind.DROP})

Change = tuple[Payment, Payment]  # as it was, and as it is


async def move(desk: Desk, tx: Tx, changes: Sequence[Change], orders: Mapping[int, Order]) -> None:
    """`changes` are in the order in which they were heard; several may be of one payment."""
    today, now = desk.clock.today(), desk.clock.now()
    last = {after.id: after for _, after in changes}
    await payments.move(tx, list(last.values()), now)
    made = [step for before, after in changes for step in steps(before, after, today)]
    if not made:
        return
    touched = {step.payment.order_id for step in made}
    wanted = {orders[one].budget_id for one in touched} | {step.payment.budget_id for step in made}
    budgets = await store.lock_budgets(tx, wanted)
    found = paid(made, orders, budgets, today)
    changed = _tell(tx, desk, made, found, orders)
    queues = [one.id for one in budgets.values() if one.waiting_orders]
    first = await store.first_waiting(tx, queues, list(changed)) if queues and changed else {}
    settlement = rules.settle([Case(one, one) for one in changed.values()], budgets, first, desk.limit_fen())
    await payments.save_orders(tx, [one.after for one in settlement.orders], now)
    await store.append(tx, [*found.transfers, *booked(settlement.orders, budgets, today)], today, now)
    await payments.shift(tx, found.shifts)
    await store.move_budgets(tx, settlement.moves)
    for one in settlement.orders:
        for event in events.of_settled(one, now, ""):
            tx.emit(event)


def _tell(tx: Tx, desk: Desk, made: Sequence[Step], found: Paid, orders: Mapping[int, Order]) -> dict[int, Order]:
    """Events of what was heard, each with its order's next version; the orders that have changed, with theirs."""
    now = desk.clock.now()
    changed = {number: one for number, one in found.orders.items() if one != orders[number]}
    versions = {number: one.version for number, one in changed.items()}
    for step in made:
        number = step.payment.order_id
        if step.kind in _SILENT or not step.payment.was_sent:
            continue
        versions[number] += 1
        tx.emit(events.of_step(step, found.orders[number]._replace(version=versions[number]), now))
    return {number: one._replace(version=versions[number]) for number, one in changed.items()}
