"""Orders that wait for a person: let through or refused by two, of exactly one revision."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from services.kit.db import Tx
from services.kit.errors import NotFound, Refused
from services.kit.messages import reason
from services.treasury import store
from services.treasury.model import Hold, Order, State
from services.treasury.model.recoveries import Decided
from services.treasury.rules import Case
from services.treasury.store import decisions
from services.treasury.usecases.desk import Desk
from services.treasury.usecases.settling import settle

_FOR_A_PERSON: Final = frozenset({Hold.PAYEE_CHANGED, Hold.BUDGET_CHANGED, Hold.ORDER_ABOVE_LIMIT})


async def decide(
    desk: Desk,
    tx: Tx,
    order_id: int,
    revision: int,
    *,
    is_release: bool,
    why: str,
    actor: str,
    counties: Collection[str] | None = None,
) -> Decided:
    """What is let through counts for this revision alone: money that is out was rightly paid to whom it went, and the
    rest goes to whom the order names. What is refused waits for another revision.
    """
    orders = await store.lock_orders(tx, [order_id])
    if not orders or (counties is not None and orders[0].county not in counties):
        raise NotFound(reason("NOT_FOUND", "name", name=f"orders/{order_id}"))
    (order,) = orders
    if order.revision != revision:
        raise Refused(reason("ORDER_OTHER_REVISION", "revision", revision=order.revision))
    said, now = await decisions.of(tx, order_id, revision), desk.clock.now()
    if said is not None and said.approved_by:
        raise Refused(reason("ORDER_DECIDED", "name"))
    if order.state != State.HELD or not _FOR_A_PERSON & set(order.reasons):
        raise Refused(reason("ORDER_NOT_WAITING", "name"))
    is_his = said is not None and said.prepared_by == actor
    if said is None or (is_his and (said.is_release, said.why) != (is_release, why)):
        await decisions.prepare(tx, order, is_release=is_release, why=why, actor=actor, now=now)
        return Decided(order, actor, "")
    if is_his:
        raise Refused(reason("RECOVERY_SECOND_PERSON"))
    if (said.is_release, said.why) != (is_release, why):
        raise Refused(reason("ORDER_OTHER_DECISION"))
    await decisions.approve(tx, order, actor, now)
    (settled,) = await settle(desk, tx, [Case(order, _decided(order, is_release=is_release))], {})
    return Decided(settled.after, said.prepared_by, actor)


def _decided(order: Order, *, is_release: bool) -> Order:
    if not is_release:
        return order._replace(refused_revision=order.revision)
    return order._replace(
        released_revision=order.revision, paid_to=str(order.payee), paid_from=f"{order.fund}/{order.county}"
    )
