"""The stream of record of the registry: the intake of every office."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from services.kit import telemetry
from services.kit.db import Tx
from services.kit.parking import Message
from services.kit.settings import Settings
from services.kit.stream import Stream, read_each
from services.registry import usecases
from services.registry.model import Received, Settled
from services.registry.usecases import Office
from services.registry.wire import intake

CONSUMER = "registry"


def coverage_intake(office: Office, settings: Settings) -> Stream[Sequence[Received]]:
    async def prepare(messages: Sequence[Message]) -> Sequence[Received]:
        today, bytes_max, digest = office.clock.today(), settings.message_bytes_max, office.sealer.digest
        return await read_each(messages, lambda message: intake.read(message, today, bytes_max, digest))

    async def apply(tx: Tx, received: Sequence[Received]) -> None:
        now = office.clock.now()
        settled = await usecases.take_in(office, tx, received)
        for one in settled:
            tx.emit(intake.receipt_event(one, now))
        tx.after_commit(partial(count, settled))

    return Stream(CONSUMER, intake.intake_topics(settings.offices), prepare, apply)


def count(settled: Sequence[Settled]) -> None:
    """Tell the metrics what stands now."""
    for (office, outcome), times in Counter((one.received.office, one.outcome) for one in settled).items():
        telemetry.STATEMENTS.labels(office, outcome).inc(times)
