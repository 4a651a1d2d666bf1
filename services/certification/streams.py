"""The stream of record of certification: what the registry tells of employers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.certification.model import Fact
from services.certification.usecases import Desk, following
from services.certification.wire import employers
from services.kit.db import Tx
from services.kit.parking import Message
from services.kit.stream import Stream

CONSUMER: Final = "certification.employer"


def employer_topic(desk: Desk) -> Stream[Sequence[Fact]]:
    async def prepare(messages: Sequence[Message]) -> Sequence[Fact]:
        return [fact for message in messages for fact in employers.facts(message.value)]

    async def apply(tx: Tx, facts: Sequence[Fact]) -> None:
        await following.follow(desk, tx, facts)

    return Stream(CONSUMER, (employers.EMPLOYERS,), prepare, apply)
