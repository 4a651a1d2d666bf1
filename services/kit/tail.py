"""Looking on: reads result topics as they grow and hands each record to whoever waits for it. It has no effect.

One reader a process, however many wait. It stands still while nobody follows, and begins at the end of the topics when
somebody does: what is caused after that is seen. For what was caused earlier, `cover` takes it back in time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer

from services.kit import tls
from services.kit.errors import Unavailable
from services.kit.settings import Settings
from services.kit.waiting import persevere

_POLL_MS = 100
_RECENT_MAX = 20_000  # records kept for those whose cause has no place yet
_CLOCKS_APART = timedelta(seconds=10)  # the broker's clients stamp records by their own clocks


@dataclass(slots=True)
class Tail:
    """Records are known by their `causationid`: the place of the record that caused them."""

    settings: Settings
    topics: tuple[str, ...]
    followers: int = 0
    since: datetime | None = None
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    live: asyncio.Event = field(default_factory=asyncio.Event)
    recent: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    waiting: dict[str, list[asyncio.Future[bytes]]] = field(default_factory=lambda: defaultdict(list))

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """While inside, what is caused from now on is seen. Raises Unavailable if the broker is away."""
        self.followers += 1
        self.wanted.set()
        try:
            try:
                await asyncio.wait_for(self.live.wait(), self.settings.append_timeout_s)
            except TimeoutError:
                raise Unavailable("the topics cannot be read") from None
            yield
        finally:
            self.followers -= 1

    def cover(self, since: datetime) -> None:
        """Read again from this instant on."""
        self.since = since if self.since is None else min(self.since, since)

    async def caused_by(self, place: str, timeout_s: float) -> bytes | None:
        """The record that the one at this place caused, or None if it does not come in time."""
        if place in self.recent:
            return self.recent[place]
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.waiting[place].append(future)
        try:
            return await asyncio.wait_for(future, max(0.0, timeout_s))
        except TimeoutError:
            return None
        finally:
            self.waiting[place].remove(future)
            if not self.waiting[place]:
                del self.waiting[place]

    async def run(self, stopping: asyncio.Event) -> None:
        await persevere(partial(self._look, stopping), stopping)

    async def _look(self, stopping: asyncio.Event) -> None:
        await _either(self.wanted, stopping)
        if stopping.is_set():
            return
        consumer = AIOKafkaConsumer(
            *self.topics,
            **tls.broker(self.settings),
            enable_auto_commit=False,
            isolation_level="read_committed",
        )
        try:
            await consumer.start()
            while not stopping.is_set():
                await self._once(consumer, stopping)
        finally:
            self.live.clear()
            await consumer.stop()

    async def _once(self, consumer: AIOKafkaConsumer, stopping: asyncio.Event) -> None:
        if not self.followers:
            self.live.clear()
            self.wanted.clear()
            self.recent.clear()
            self.since = None
            await _either(self.wanted, stopping)
            return
        if not self.live.is_set():
            for partition, offset in (await consumer.end_offsets(consumer.assignment())).items():
                consumer.seek(partition, offset)
            self.live.set()
        if self.since is not None:
            await self._go_back(consumer)
        for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
            for record in records:
                self._hand_over(record)

    async def _go_back(self, consumer: AIOKafkaConsumer) -> None:
        since, self.since = self.since, None
        if since is None:
            return
        instant_ms = int((since - _CLOCKS_APART).timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(consumer.assignment(), instant_ms))
        for partition, place in found.items():
            if place is not None and place.offset < await consumer.position(partition):
                consumer.seek(partition, place.offset)

    def _hand_over(self, record: Any) -> None:
        place = next((value.decode() for name, value in record.headers if name == "causationid"), "")
        for future in self.waiting.get(place, ()):
            if not future.done():
                future.set_result(record.value)
        self.recent[place] = record.value
        if len(self.recent) > _RECENT_MAX:
            self.recent.popitem(last=False)


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    """Until one of the two is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
            with suppress(asyncio.CancelledError):
                await wait
