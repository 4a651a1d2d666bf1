"""The streams of record of claims: the intake of every source."""

from __future__ import annotations

from collections.abc import Sequence

from services.claims import usecases
from services.claims.usecases import Office, Prepared
from services.claims.wire.intake import intake_topics
from services.kit.db import Tx
from services.kit.parking import Message
from services.kit.stream import Stream

CONSUMER = "claims"


def intake(office: Office) -> Stream[Prepared]:
    async def prepare(messages: Sequence[Message]) -> Prepared:
        return await usecases.prepare(office, messages)

    async def apply(tx: Tx, prepared: Prepared) -> None:
        await usecases.take_in(office, tx, prepared)

    return Stream(CONSUMER, intake_topics(office.settings.sources), prepare, apply)
