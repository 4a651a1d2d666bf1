"""Sends what the outbox holds, in order, and deletes it when the broker has it.

One relay per database leads (a session's advisory lock); the others stand by. It wakes on one NOTIFY a transaction.
Ids are taken before the commit, so a transaction with smaller ids may commit after one with larger ids; whatever is
read in one snapshot in order of id is still in order for each aggregate, because an aggregate's row is locked before
its events are written. So it reads from a floor below which nothing can appear any more (`Mark`), never from the last
id it saw. A crash between sending and deleting sends again: receivers know an event by its id and version.
An event that was sealed for the table is opened here, in memory, and nowhere before.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, Final

import asyncpg
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnsupportedForMessageFormatError,
)
from aiokafka.producer.message_accumulator import BatchBuilder
from cryptography.exceptions import InvalidTag

from services.kit import telemetry, tls
from services.kit.cloudevents import headers
from services.kit.db import Database
from services.kit.outbox import CHANNEL, opened
from services.kit.placing import place_of
from services.kit.seal import Sealer
from services.kit.set_aside import SetAside
from services.kit.settings import Settings
from services.kit.telemetry import Health
from services.kit.waiting import persevere

_LOCK = 0x0CAD1E
_ROWS_MAX = 6_000  # two transactions of a thousand claims: the broker pays by the batch, not by the event
_LOOK_EVERY_S = 1.0
_WAITING = "SELECT * FROM outbox WHERE id > $1 ORDER BY id LIMIT $2"
_SNAPSHOT = """SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint
               FROM pg_current_snapshot() AS s"""
_STOP_S = 2.0
# What a broker says of the records themselves. Other refusals (a missing right, a lost producer) are not the event's.
_NEVER: Final = (
    CorruptRecordException,
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnsupportedForMessageFormatError,
)
_TOPIC: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}")  # the broker keeps silent about other names, for ever
_log = telemetry.log(__name__)
_place_of: Final = lru_cache(maxsize=4096)(place_of)  # events of one aggregate follow each other under one key

Row = Mapping[str, Any]  # of the outbox, as it lies there or opened


@dataclass(slots=True)
class Mark:
    """From where to read: below `floor` every id is sent or will never be.

    An id that was sent is a candidate. Transactions that may still bring smaller ids have begun by now, so their
    numbers are below the next one to be given (`xmax`); once none below it runs (`xmin`), and one more read has taken
    what they left, the candidate becomes the floor.
    """

    floor: int = 0
    highest: int = 0
    candidate: int = 0
    closes_at: int = 0
    closed: bool = False

    def look(self, xmin: int, xmax: int) -> None:
        """Before a read: note which transactions run."""
        if not self.candidate and self.highest > self.floor:
            self.candidate, self.closes_at = self.highest, xmax
        self.closed = bool(self.candidate) and xmin >= self.closes_at

    def sent(self, highest: int, *, whole: bool) -> None:
        """After a read was sent: its highest id, and whether it reached the end."""
        self.highest = max(self.highest, highest)
        if self.closed and (whole or highest >= self.candidate):
            self.floor, self.candidate, self.closed = self.candidate, 0, False


@dataclass(slots=True)
class Sent:
    """What became of what was read: the ids that the broker has, and whether it refused a batch."""

    ids: list[int] = field(default_factory=list)
    refused: bool = False


@dataclass(slots=True)
class Relay:
    service: str
    database: Database
    settings: Settings
    health: Health
    stopping: asyncio.Event
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    events_max: int = _ROWS_MAX  # of a batch: less while one is looked for that the broker refuses
    sealer: Sealer = field(init=False)

    def __post_init__(self) -> None:
        self.sealer = Sealer.from_base64(self.settings.sealing_key.get_secret_value())

    async def run(self) -> None:
        """Lead when possible, send while leading, until stopped. What is away is waited for."""
        while not self.stopping.is_set():
            # One producer for as long as all goes well: what it has not sent yet stays ahead of what it is given later.
            producer = self.make_producer()
            await persevere(producer.start, self.stopping)
            try:
                await persevere(partial(self._lead, producer), self.stopping)
            finally:
                # With unsent records it would wait for its broker for ever; they stay in the outbox.
                with suppress(TimeoutError):
                    await asyncio.wait_for(producer.stop(), _STOP_S)

    def make_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **tls.broker(self.settings),
            client_id=f"{self.service}-relay",
            enable_idempotence=True,
            acks="all",
            max_batch_size=512 * 1024,
        )

    async def _lead(self, producer: AIOKafkaProducer) -> None:
        try:
            async with self._leadership() as connection:
                await self._send_all(producer, connection)
        finally:
            self.health.set("relay", False)

    @asynccontextmanager
    async def _leadership(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """Hold the database's one relay lock; stand by, and be ready, while another holds it."""
        async with self.database.own_connection() as connection:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                self.health.beat()
                self.health.set("relay", True)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), _LOOK_EVERY_S)
                if self.stopping.is_set():
                    break
            await connection.add_listener(CHANNEL, self._on_notify)
            telemetry.OUTBOX_LEADER.set(1)
            try:
                yield connection
            finally:
                telemetry.OUTBOX_LEADER.set(0)
                telemetry.OUTBOX_SET_ASIDE.set(0)

    def _on_notify(self, *_: object) -> None:
        self.wake.set()

    async def _send_all(self, producer: AIOKafkaProducer, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Send until stopped, or until the broker refused a batch: the rest is read again for a new producer."""
        mark, aside = Mark(), SetAside(connection)
        await aside.load()
        while not self.stopping.is_set():
            self.health.beat()
            self.health.set("relay", True)
            self.wake.clear()
            if await aside.taken_back():
                mark = Mark()  # their ids are old, and below any floor
            mark.look(*(await connection.fetchrow(_SNAPSHOT)))
            rows = await connection.fetch(_WAITING, mark.floor, _ROWS_MAX)
            if rows:
                sent = await self._published(producer, rows, aside)
                if sent is None:
                    return
                await aside.save()
                await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", sent.ids)
                if sent.refused:
                    return
                self.events_max = min(self.events_max * 2, _ROWS_MAX)
            mark.sent(rows[-1]["id"] if rows else 0, whole=len(rows) < _ROWS_MAX)
            if not rows:
                telemetry.OUTBOX_AGE_SECONDS.set(0)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), _LOOK_EVERY_S)

    async def _published(
        self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record], aside: SetAside
    ) -> Sent | None:
        """Send, however long the broker is away, and say meanwhile that we wait. None if told to stop first."""
        publishing = asyncio.ensure_future(self._publish(producer, rows, aside))
        while not publishing.done():
            age = datetime.now(UTC) - rows[0]["occurred_at"]
            telemetry.OUTBOX_AGE_SECONDS.set(max(0.0, age.total_seconds()))
            done, _ = await asyncio.wait({publishing}, timeout=_LOOK_EVERY_S)
            self.health.beat()
            self.health.set("relay", bool(done))
            if not done and self.stopping.is_set():
                publishing.cancel()
                return None
        return await publishing

    async def _publish(self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record], aside: SetAside) -> Sent:
        sent = Sent()
        places = await self._places(producer, rows, aside)
        await asyncio.gather(
            *[self._publish_in_order(producer, place, mine, sent, aside) for place, mine in places.items()]
        )
        return sent

    async def _places(
        self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record], aside: SetAside
    ) -> Mapping[TopicPartition, Sequence[Row]]:
        """What may be sent now, opened, by where it goes."""
        places: dict[TopicPartition, list[Row]] = defaultdict(list)
        partitions: dict[str, tuple[int, ...]] = {}
        for row in rows:
            if aside.holds(row):
                continue
            topic = row["topic"]
            try:
                if topic not in partitions:
                    partitions[topic] = await _partitions(producer, topic)
                event = opened(row, self.sealer)
            except (InvalidTag, InvalidTopicError) as error:
                aside.refuse(row, error)
                continue
            places[TopicPartition(topic, _place_of(event["key"], partitions[topic]))].append(event)
        return places

    async def _publish_in_order(
        self, producer: AIOKafkaProducer, place: TopicPartition, rows: Sequence[Row], sent: Sent, aside: SetAside
    ) -> None:
        """Send one partition's events batch after batch: the next leaves when the broker has the one before."""
        for batch, inside in self._batches(producer, rows):
            try:
                await (await producer.send_batch(batch, place.topic, partition=place.partition))
            except _NEVER as error:
                _log.warning("batch refused", topic=place.topic, events=len(inside), error=type(error).__name__)
                sent.refused = True
                if len(inside) == 1:
                    aside.refuse(inside[0], error)
                else:
                    self.events_max = min(self.events_max, len(inside) // 2)
                return
            sent.ids += [row["id"] for row in inside]
            telemetry.OUTBOX_SENT.labels(place.topic).inc(len(inside))

    def _batches(self, producer: AIOKafkaProducer, rows: Sequence[Row]) -> Iterator[tuple[BatchBuilder, list[Row]]]:
        batch, inside = producer.create_batch(), list[Row]()
        for row in rows:
            event = {
                "key": row["key"],
                "value": row["payload"],
                "timestamp": None,
                "headers": headers(row, self.service),
            }
            if len(inside) >= self.events_max or batch.append(**event) is None:
                yield batch, inside
                batch, inside = producer.create_batch(), []
                batch.append(**event)  # an empty batch takes an event of any size
            inside.append(row)
        yield batch, inside


async def _partitions(producer: AIOKafkaProducer, topic: str) -> tuple[int, ...]:
    if not _TOPIC.fullmatch(topic):
        raise InvalidTopicError(topic)
    return tuple(sorted(await producer.partitions_for(topic)))
