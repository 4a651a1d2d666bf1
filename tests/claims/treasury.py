"""The treasury's side, played by the tests: it reads orders, and tells what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from cradle.treasury.v1 import money_pb2, order_pb2, payment_pb2

from services.claims import streams
from services.claims.usecases import Office
from services.kit.db import Database
from services.kit.orders import content_hash
from services.kit.parking import Message
from tests.claims.desk import Desk
from tests.kit.live import rows

Event = payment_pb2.PaymentEvent
_offsets = count()


def stated(payload: bytes) -> order_pb2.OrderStated:
    order = order_pb2.OrderEvent.FromString(payload).stated
    assert order.content_hash == content_hash(order)
    return order


async def ordered(desk: Desk, number: str) -> list[order_pb2.OrderStated]:
    """What was ordered for a claim, in order."""
    found = await rows(
        desk.dsn,
        """SELECT payload FROM outbox JOIN claim ON key = convert_to(claim.id::text, 'UTF8')
           WHERE number = $1 AND topic = 'treasury.order.v1' ORDER BY outbox.id""",
        number,
    )
    return [stated(row["payload"]) for row in found]


def gist(orders: Sequence[order_pb2.OrderStated]) -> list[tuple[str, int, int]]:
    return [(one.line, one.revision, one.owed_fen) for one in orders]


def about(order: order_pb2.OrderStated, version: int, **told: Any) -> Event:
    """An event on an order: `about(order, 2, sent={"payment_id": "p1", "amount_fen": 5})`."""
    return Event(
        programme=order.programme, case_id=order.case_id, line=order.line, revision=order.revision, version=version,
        **told,
    )  # fmt: skip


def paid(payment_id: str, amount_fen: int, reason: str = "") -> dict[str, object]:
    return {"payment_id": payment_id, "amount_fen": amount_fen, **({"reason": reason} if reason else {})}


async def tell(desk: Desk, *events: Event) -> None:
    """Have claims hear these as one batch."""
    async with desk.at_work() as (office, database):
        await hear(office, database, events)


async def hear(office: Office, database: Database, events: Sequence[Event]) -> None:
    stream = streams.payments(office)
    prepared = await stream.prepare(
        [
            Message("treasury.payment.v1", 0, next(_offsets), one.case_id.encode(), one.SerializeToString(), 0)
            for one in events
        ]
    )
    async with database.transaction() as tx:
        await stream.apply(tx, prepared)


OTHER_PROGRAMME = money_pb2.PROGRAMME_NURSERY
