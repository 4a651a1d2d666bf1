"""The streams of record of the treasury: what is to be paid, and whom the registry has erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.kit.db import Tx
from services.kit.parking import Message
from services.kit.settings import Settings
from services.kit.stream import Stream
from services.treasury import usecases
from services.treasury.model import Stated, Unfit
from services.treasury.store.erasing import Erasure
from services.treasury.usecases import Desk, erasing
from services.treasury.wire import orders, persons

CONSUMER: Final = "treasury"
PERSON_CONSUMER: Final = "treasury.person"


def order_topic(desk: Desk, settings: Settings) -> Stream[Sequence[Stated | Unfit]]:
    async def prepare(messages: Sequence[Message]) -> Sequence[Stated | Unfit]:
        return [orders.read(message, settings.message_bytes_max) for message in messages]

    async def apply(tx: Tx, records: Sequence[Stated | Unfit]) -> None:
        await usecases.take_in(desk, tx, records)

    return Stream(CONSUMER, (orders.ORDERS,), prepare, apply)


def person_topic(desk: Desk) -> Stream[Sequence[Erasure]]:
    async def prepare(messages: Sequence[Message]) -> Sequence[Erasure]:
        return erasing.read(messages)

    async def apply(tx: Tx, heard: Sequence[Erasure]) -> None:
        await erasing.hear(desk, tx, heard)

    return Stream(PERSON_CONSUMER, (persons.PERSON,), prepare, apply)
