"""Moving payments whose orders and rows are locked: write, move their money, settle their orders, tell.

With a payment moves what it keeps against what its payee owes back; what payees repay comes the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.kit.db import Tx
from services.treasury import rules, store
from services.treasury.model import Order, Payment
from services.treasury.model.recoveries import Repayment
from services.treasury.rules import Case, booked
from services.treasury.rules.paying import Kind, Shift, Step, paid, steps, together
from services.treasury.rules.recovering import Books, Heard, followed, moved
from services.treasury.rules.refusing import refused
from services.treasury.store import payments, recoveries, refused_accounts
from services.treasury.usecases import recovering
from services.treasury.usecases.desk import Desk
from services.treasury.wire import events

_SILENT: Final = frozenset({Kind.COMMIT, Kind.DROP})

Change = tuple[Payment, Payment]  # as it was, and as it is


async def move(
    desk: Desk,
    tx: Tx,
    changes: Sequence[Change],
    orders: Mapping[int, Order],
    repayments: Sequence[Repayment] = (),
) -> None:
    """`changes` are in the order in which they were heard; several may be of one payment. `orders` has those of what
    they keep, too.
    """
    today, now = desk.clock.today(), desk.clock.now()
    last = {after.id: after for _, after in changes}
    await payments.move(tx, list(last.values()), now)
    made = [step for before, after in changes for step in steps(before, after, today)]
    if not made and not repayments:
        await _refuse(desk, tx, changes)
        return
    keeping = {step.payment.id for step in made if step.payment.offset_fen}
    offsets = await recoveries.offsets(tx, keeping) if keeping else []
    back = {one.recovery_id for one in repayments}
    revived = {step.payment.order_id for step in made if step.kind == Kind.REVIVE}
    held = await recovering.held(tx, [orders[step.payment.order_id] for step in made], offsets, back, revived)
    await _refuse(desk, tx, changes)
    touched = {step.payment.order_id for step in made} | {one.order_id for one in held.recoveries.values()}
    wanted = {orders[one].budget_id for one in touched} | {step.payment.budget_id for step in made} | held.budgets
    budgets = await store.lock_budgets(tx, wanted)
    found = paid(made, orders, budgets, today)
    books = Books(budgets, today)
    since = moved(Heard(made, offsets, repayments), held, {**orders, **found.orders}, books)
    waiting = [
        _waiting(found.orders.get(number) or orders[number], one)
        for number, one in since.orders.items()
        if one != (found.orders.get(number) or orders[number])
    ]
    changed = _tell(tx, desk, made, since.orders, orders)
    queues = [one.id for one in budgets.values() if one.waiting_orders]
    first = await store.first_waiting(tx, queues, list(changed)) if queues and changed else {}
    settlement = rules.settle([Case(one, one) for one in changed.values()], budgets, first, desk.limit_fen())
    after = {one.after.id: one.after for one in settlement.orders}
    looked = [after.get(number) or orders[number] for number in sorted(touched)]
    asked = followed(looked, held, since, books, recovering.ids())
    told = {one.order_id for one in recovering.told(asked.moves)}
    saved = [one for one in recovering.raised(looked, asked.moves) if one.id in after or one.id in told]
    await payments.save_orders(tx, saved, now)
    await store.append(tx, [*found.transfers, *asked.transfers, *booked(settlement.orders, budgets, today)], today, now)
    await payments.shift(tx, together([*found.shifts, *asked.shifts, *waiting]))
    await store.move_budgets(tx, settlement.moves)
    for one in settlement.orders:
        for event in events.of_settled(one, now, ""):
            tx.emit(event)
    await recovering.save(desk, tx, asked.moves, looked)
    await recoveries.add_repayments(tx, repayments, now)


async def _refuse(desk: Desk, tx: Tx, changes: Sequence[Change]) -> None:
    """What these moves say of the accounts that were paid to."""
    failed, paid_after_all = refused(changes)
    await refused_accounts.take_back(tx, paid_after_all)
    await refused_accounts.add(tx, failed, desk.clock.now())


def _waiting(before: Order, after: Order) -> Shift:
    """What was kept or given back is owed again to an order that waits: its budget has more waiting for it."""
    return Shift(after.budget_id, 0, 0, 0, 0, 0, 0, after.waiting_fen - before.waiting_fen)


def _tell(
    tx: Tx, desk: Desk, made: Sequence[Step], standing: Mapping[int, Order], orders: Mapping[int, Order]
) -> dict[int, Order]:
    """Events of what was heard, each with its order's next version; the orders that have changed, with theirs."""
    now = desk.clock.now()
    changed = {number: one for number, one in standing.items() if one != orders[number]}
    versions = {number: one.version for number, one in changed.items()}
    for step in made:
        number = step.payment.order_id
        is_kept_whole = step.kind == Kind.SPEND and not step.payment.net_fen
        if step.kind in _SILENT or not (step.payment.was_sent or is_kept_whole):
            continue
        versions[number] += 1
        tx.emit(events.of_step(step, standing[number]._replace(version=versions[number]), now))
    return {number: one._replace(version=versions[number]) for number, one in changed.items()}
