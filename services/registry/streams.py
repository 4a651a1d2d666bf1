"""The stream of record of the registry: the intake of every office."""

from __future__ import annotations

from collections.abc import Sequence

from services.kit.db import Tx
from services.kit.parking import Message
from services.kit.settings import Settings
from services.kit.stream import Stream
from services.registry import usecases
from services.registry.model import Received
from services.registry.usecases import Office
from services.registry.wire import intake

CONSUMER = "registry"


def coverage_intake(office: Office, settings: Settings) -> Stream[Sequence[Received]]:
    async def prepare(messages: Sequence[Message]) -> Sequence[Received]:
        today, bytes_max, digest = office.clock.today(), settings.message_bytes_max, office.sealer.digest
        return [intake.read(message, today, bytes_max, digest) for message in messages]

    async def apply(tx: Tx, received: Sequence[Received]) -> None:
        now = office.clock.now()
        for settled in await usecases.take_in(office, tx, received):
            tx.emit(intake.receipt_event(settled, now))

    return Stream(CONSUMER, intake.intake_topics(settings.offices), prepare, apply)
