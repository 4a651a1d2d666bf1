"""What settling and moving have in common about recoveries: loading them, and writing what became of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from services.kit.db import Tx
from services.kit.ids import new_id
from services.treasury import store
from services.treasury.model import Order, Payment
from services.treasury.model.recoveries import Offset, Recovery, RecoveryMove
from services.treasury.rules.recovering import Held
from services.treasury.store import recoveries
from services.treasury.usecases.desk import Desk
from services.treasury.wire import events


async def held(
    tx: Tx,
    orders: Iterable[Order | None],
    offset: Sequence[Offset] = (),
    ids: Collection[UUID] = (),
    revived: Collection[int] = (),
) -> Held:
    """Lock all that is asked back of these orders, if anything was ever paid of them, and of those of these offsets and
    recoveries, and of those of which a payment stands again.
    """
    paid = {one.id for one in orders if one is not None and (one.settled_fen or one.paid_fen > one.owed_fen)}
    paid |= {one.order_id for one in offset} | set(revived)
    if ids:
        paid |= set((await recoveries.orders_of(tx, ids)).values())
    if not paid:
        return Held({}, ())
    return Held(await recoveries.lock(tx, paid), await recoveries.shares(tx, paid))


async def lock_money(tx: Tx, orders: Mapping[int, Order], lines: Sequence[Payment]) -> None:
    """What may be moved here besides these orders and lines, at once and in order: they move in several steps."""
    standing = await recoveries.lock(tx, list(orders))
    shares = await recoveries.shares(tx, list(orders))
    wanted = {one.budget_id for one in orders.values()} | {one.budget_id for one in lines}
    asked_back = {one.budget_id for one in standing.values()} | {one.budget_id for one in shares}
    await store.lock_budgets(tx, wanted | asked_back)


def ids() -> Iterator[UUID]:
    while True:
        yield new_id()


def raised(orders: Sequence[Order], moves: Sequence[RecoveryMove]) -> list[Order]:
    """These orders with a version more for each event that is told of what is asked back of them."""
    count: dict[int, int] = {}
    for one in told(moves):
        count[one.order_id] = count.get(one.order_id, 0) + 1
    return [one._replace(version=one.version + count.get(one.id, 0)) for one in orders]


def told(moves: Sequence[RecoveryMove]) -> list[Recovery]:
    """What is on its way says nothing yet."""
    return [one.after for one in moves if one.before is None or one.before._replace(
        number=one.after.number, live_fen=one.after.live_fen) != one.after]  # fmt: skip


async def save(desk: Desk, tx: Tx, moves: Sequence[RecoveryMove], orders: Iterable[Order]) -> None:
    """`orders` have the versions they had before what is told here, which follows them."""
    if not moves:
        return
    now = desk.clock.now()
    await recoveries.save(tx, moves, now)
    standing = {one.id: one for one in orders}
    for one in told(moves):
        order = standing[one.order_id] = standing[one.order_id]._replace(version=standing[one.order_id].version + 1)
        tx.emit(events.of_recovery(one, order, now))
