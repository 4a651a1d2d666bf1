"""Appending to topics on behalf of callers: an idempotent producer that answers where the broker has each record.

Facts of our own leave by the outbox and its relay, never by this. It is for what a caller hands in: the intent to send
is committed by whoever calls `append`, before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.kit import tls
from services.kit.dates import from_ms
from services.kit.errors import Unavailable
from services.kit.settings import Settings
from services.kit.waiting import persevere

_STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the broker has a record."""

    partition: int
    offset: int
    at: datetime


@dataclass(slots=True)
class Appender:
    service: str
    settings: Settings
    producer: AIOKafkaProducer | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stopping: asyncio.Event) -> None:
        """Be ready to append until stopped. A broker that is away is waited for, and callers are told so meanwhile."""
        self.producer = AIOKafkaProducer(
            **tls.broker(self.settings),
            client_id=f"{self.service}-appender",
            enable_idempotence=True,
            acks="all",
            linger_ms=1,
            request_timeout_ms=int(self.settings.append_timeout_s * 1000),
        )
        try:
            await persevere(self._start, stopping)
            await stopping.wait()
        finally:
            with suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(self.producer.stop(), _STOP_S)

    async def _start(self) -> None:
        if self.producer is not None:
            await self.producer.start()
            self.started.set()

    async def append(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> list[Appended | None]:
        """Append in order; None for what the broker did not answer for in time. Such a record may still arrive."""
        sending = asyncio.ensure_future(self._send(topic, records))
        sent: list[asyncio.Future[Any]] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.append_timeout_s):
                sent = await sending
                await asyncio.wait(sent)
        return [self._place(one) for one in sent] + [None] * (len(records) - len(sent))

    async def _send(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> list[asyncio.Future[Any]]:
        await self.started.wait()
        if self.producer is None:
            raise Unavailable("not started")
        return [await self.producer.send(topic, value, key=key) for key, value in records]

    def _place(self, sent: asyncio.Future[Any]) -> Appended | None:
        if not sent.done() or sent.cancelled() or sent.exception() is not None:
            return None
        place = sent.result()
        return Appended(place.partition, place.offset, from_ms(place.timestamp))
