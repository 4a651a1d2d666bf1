"""The only loop over a stream of record: a batch of messages becomes a durable effect, exactly once.

The offset lives in the service's database and moves in the transaction of the effect: `UPDATE consumed ... WHERE
next_offset = from`. If no row matches, another worker has the partition and the batch is dropped; so a redelivered
batch and a worker that was stalled past the poll limit change nothing. Kafka's own offset is only for lag.

The look-ups of the next batch overlap the writing of this one. What goes wrong is one of the four kinds of
`services.kit.errors`: a bug is narrowed to its record by halving the batch, and the record is parked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from services.kit import telemetry, tls
from services.kit.db import Database, Tx
from services.kit.errors import Fenced, is_away, is_conflict, places
from services.kit.parking import HeldKey, Message, Parking
from services.kit.replay import Replays
from services.kit.settings import Settings
from services.kit.stream import Batch, Prepared, Span, Stream
from services.kit.telemetry import Health
from services.kit.waiting import SHORTEST_S, backoff, persevere

_CONFLICTS_MAX = 3
_WAIT_BUSY_MS = 50  # while some partitions have records, how long a fetch of the others may hold up the next one
_WAIT_IDLE_MS = 250  # while none has: the first record ends the wait, and a quiet topic costs the broker little
_WAIT_QUIET_MS = 1_000  # while none has had any for some polls: most streams of a service are quiet most of the time
_QUIET_POLLS = 5
_COMMIT_EVERY_S = 5.0
_STOP_S = 5.0
_log = telemetry.log(__name__)


class OffsetLost(Exception):
    """The stored offset is outside the log: records were deleted before they were read. A person must decide."""


class TooManyBugs(Exception):
    """Several records in a row had to be parked: better to stop and mend than to park the whole stream."""


class _HeldChanged(Exception):
    def __init__(self, held: frozenset[HeldKey]) -> None:
        super().__init__()
        self.held = held


def client_id(consumer: str, member: int) -> str:
    """A group deals partitions out in order of these: first the first members of all workers, so each has as many."""
    return f"{consumer}-{member}"


@dataclass(slots=True)
class Inbox(Generic[Prepared]):
    """Runs one stream until `stopping` is set."""

    stream: Stream[Prepared]
    database: Database
    settings: Settings
    parking: Parking
    health: Health
    stopping: asyncio.Event
    name: str = "inbox"
    member: int = 1  # which of this process, among those of one stream
    generation: int = 0
    synced: bool = False
    parked_in_a_row: int = 0
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    consumer: AIOKafkaConsumer = field(init=False)
    landing: asyncio.Task[None] | None = None
    ahead: asyncio.Task[tuple[Batch, Prepared | None] | None] | None = None
    newest_ms: dict[TopicPartition, int] = field(default_factory=dict)  # timestamp of the last record taken
    kafka_commit_at: float = 0.0
    landed: dict[TopicPartition, int] = field(default_factory=dict)  # positions whose effect is committed
    told: dict[TopicPartition, int] = field(default_factory=dict)  # what Kafka was told of them
    idle_polls: int = 0  # in a row, that brought nothing

    async def run(self) -> None:
        """Take, prepare and land batches. Returns when stopped; raises OffsetLost or TooManyBugs."""
        self.consumer = self._make_consumer()
        await persevere(self.consumer.start, self.stopping)
        replays = asyncio.create_task(Replays(self.stream, self.database, self.parking).run())
        try:
            while not self.stopping.is_set():
                self.health.beat()
                self.health.set(self.name, True)
                taken = await self._next()
                if taken is not None:
                    self.landing = asyncio.create_task(self._land(*taken))
                    await self._landed(self.landing)
                self._tell_lag()
                await self._tell_kafka()
                if replays.done():
                    await replays
        finally:
            for task in (self.ahead, replays):
                if task is not None:
                    task.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await task
            # A broker may keep its answer to a goodbye while the group changes hands; the others need not wait for it.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.consumer.stop(), _STOP_S)

    async def _next(self) -> tuple[Batch, Prepared | None] | None:
        self._look_ahead()
        taking, self.ahead = self.ahead, None
        return await taking if taking is not None else None

    def _look_ahead(self) -> None:
        """Begin to take the next batch. Called when this one begins to be written, so that its work fills that wait."""
        if self.ahead is None:
            self.ahead = asyncio.create_task(self._take())

    async def _landed(self, landing: asyncio.Task[None]) -> None:
        """Wait for a landing; one that the rebalance cancelled has rolled back and is simply dropped."""
        try:
            await asyncio.shield(landing)
        except asyncio.CancelledError:
            if not landing.cancelled():
                landing.cancel()
                raise

    def _make_consumer(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **tls.broker(self.settings),
            group_id=self.stream.consumer,
            client_id=client_id(self.stream.consumer, self.member),
            enable_auto_commit=False,
            isolation_level="read_committed",  # what its sender took back was never sent
            auto_offset_reset="earliest",
            session_timeout_ms=self.settings.session_timeout_ms,
            heartbeat_interval_ms=self.settings.session_timeout_ms // 3,
            rebalance_timeout_ms=self.settings.rebalance_timeout_ms,
            max_poll_interval_ms=self.settings.max_poll_interval_ms,
            fetch_max_wait_ms=_WAIT_BUSY_MS,
            fetch_min_bytes=1,
        )
        consumer.subscribe(list(self.stream.topics), listener=_Rebalance(self))
        return consumer

    # --- taking ------------------------------------------------------------------------------------------------

    async def _take(self) -> tuple[Batch, Prepared | None] | None:
        """The next batch with its look-ups made. Look-ups that failed are left to `_land`, which knows how to wait."""
        try:
            if not self.synced:
                await self._sync()
            generation = self.generation
            fetched = await self._fetched()
            if generation != self.generation or not self.synced or not fetched:
                return None
            batch = await self._batch(fetched)
        except Exception as error:
            if not is_away(error) and not is_conflict(error):
                raise
            self.unsync()  # what was fetched and not made a batch must be read again
            await self._wait(SHORTEST_S, error)
            return None
        try:
            return batch, await self.stream.prepare(batch.messages)
        except Exception:  # noqa: BLE001  # `_land` tries again, and tells the four kinds of failure apart
            return batch, None

    async def _fetched(self) -> dict[TopicPartition, list[Any]]:
        """What has come. After less than a whole batch nothing is fetched until more is wanted: aiokafka would fetch
        the first few that come next, and not what comes behind them before those are taken.
        """
        most = self.settings.batch_records_max
        if self.synced:
            self.consumer.resume(*self.consumer.assignment())
        fetched: dict[TopicPartition, list[Any]] = await self.consumer.getmany(
            timeout_ms=self.settings.poll_timeout_ms, max_records=most
        )
        self._pace(fetched=bool(fetched))
        if 0 < sum(map(len, fetched.values())) < most:
            self.consumer.pause(*self.consumer.assignment())
        return fetched

    def _pace(self, *, fetched: bool) -> None:
        """Ask a quiet topic less often. aiokafka reads the figure at each fetch, but offers no way to change it."""
        self.idle_polls = 0 if fetched else self.idle_polls + 1
        wait_ms = _WAIT_BUSY_MS if fetched else _WAIT_IDLE_MS if self.idle_polls < _QUIET_POLLS else _WAIT_QUIET_MS
        self.consumer._fetcher._fetch_max_wait_ms = wait_ms

    async def _batch(self, fetched: dict[TopicPartition, list[Any]]) -> Batch:
        messages: list[Message] = []
        spans: list[Span] = []
        for place, records in fetched.items():
            start = self.positions[place]
            if records[0].offset != start:
                await self._check_offset(place, start, records[0].offset)
            messages += [
                Message(place.topic, place.partition, r.offset, r.key, r.value or b"", r.timestamp) for r in records
            ]
            spans.append(Span(place.topic, place.partition, start, messages[-1].offset + 1))
            self.positions[place] = messages[-1].offset + 1
            self.newest_ms[place] = messages[-1].timestamp_ms
        return Batch(tuple(messages), tuple(spans), self.generation, time.monotonic())

    async def _sync(self) -> None:
        """Go to the offsets the database holds; a partition never seen starts at the beginning of its log."""
        generation = self.generation
        assigned = sorted(self.consumer.assignment())
        if not assigned:
            self.synced = generation == self.generation
            return
        first = await self.consumer.beginning_offsets(assigned)
        stored = await self._stored_offsets(assigned, first)
        end = await self.consumer.end_offsets(assigned)  # last: who leaves the group may still move what is stored
        if generation != self.generation or set(assigned) != self.consumer.assignment():
            return  # the group is changing hands; its listener has not said so yet
        for place, offset in stored.items():
            if not first[place] <= offset <= end[place]:
                raise OffsetLost(f"{place.topic}/{place.partition}: {offset} is not in {first[place]}..{end[place]}")
            self.consumer.seek(place, offset)
        self.positions, self.landed = stored, dict(stored)
        self.synced = True

    async def _stored_offsets(
        self, assigned: Sequence[TopicPartition], first: dict[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        arguments = (
            self.stream.consumer,
            [place.topic for place in assigned],
            [place.partition for place in assigned],
            [first[place] for place in assigned],
        )
        stored = await self._read_offsets(arguments)
        if len(stored) < len(assigned):
            # Only what is missing: a stalled worker may hold the other rows, and the fence is the place to meet it.
            async with self.database.transaction() as tx:
                await tx.execute(
                    """INSERT INTO consumed (consumer, topic, partition, next_offset)
                       SELECT $1, mine.*
                       FROM unnest($2::text[], $3::int[], $4::bigint[]) AS mine (topic, partition, start)
                       WHERE NOT EXISTS (SELECT FROM consumed AS c WHERE c.consumer = $1 AND c.topic = mine.topic
                                                                   AND c.partition = mine.partition)
                       ON CONFLICT DO NOTHING""",
                    *arguments,
                )
            stored = await self._read_offsets(arguments)
        return stored

    async def _read_offsets(self, arguments: Sequence[object]) -> dict[TopicPartition, int]:
        rows = await self.database.fetch(
            """SELECT topic, partition, next_offset FROM consumed
               JOIN unnest($2::text[], $3::int[]) AS mine (topic, partition) USING (topic, partition)
               WHERE consumer = $1""",
            *arguments[:3],
        )
        return {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def _check_offset(self, place: TopicPartition, expected: int, found: int) -> None:
        """A gap is an aborted transaction's marker, or retention that overtook us: only the first is harmless."""
        first = (await self.consumer.beginning_offsets([place]))[place]
        if found < expected or first > expected:
            raise OffsetLost(
                f"{place.topic}/{place.partition}: expected {expected}, found {found}, log begins at {first}"
            )

    # --- landing -----------------------------------------------------------------------------------------------

    async def _land(self, batch: Batch, prepared: Prepared | None) -> None:
        if batch.generation != self.generation or not self.synced:
            return
        try:
            await self._settle(batch, prepared)
        except Fenced:
            # Either another worker has the partition, or our own commit was done and its answer was lost. The
            # database knows: read it again.
            telemetry.INBOX_FENCED.labels(self.stream.consumer).inc()
            _log.warning("fenced", spans=[f"{s.topic}/{s.partition}/{s.start}" for s in batch.spans])
            self.unsync()
            return

    async def _settle(self, batch: Batch, prepared: Prepared | None = None) -> None:
        """Make the batch's effect durable, whatever it takes. Raises Fenced, OffsetLost or TooManyBugs only."""
        conflicts, delay, single = 0, backoff(), len(batch.messages) == 1
        while self._still_ours(batch):
            try:
                await self._attempt(batch, prepared)
            except Fenced:
                raise
            except Exception as error:  # noqa: BLE001  # this is where the four kinds of failure are told apart
                prepared = None
                conflicts += is_conflict(error)
                if isinstance(error, asyncpg.LockNotAvailableError):
                    await self._end_stalled()
                if is_away(error) or (is_conflict(error) and single and conflicts > _CONFLICTS_MAX):
                    await self._wait(next(delay), error)
                elif is_conflict(error) and conflicts <= _CONFLICTS_MAX:
                    telemetry.INBOX_CONFLICTS.labels(self.stream.consumer).inc()
                elif single:
                    await self._park(batch, error)
                    return
                else:
                    for half in batch.halves():
                        await self._settle(half)
                    return
            else:
                self._count(batch)
                return

    async def _end_stalled(self) -> None:
        """Who waited for a lock in vain may stand behind a worker that hangs; what it held is ours to decide now."""
        try:
            ended = await self.database.end_stalled()
        except Exception as error:
            if not is_away(error) and not is_conflict(error):
                raise
        else:
            if ended:
                _log.warning("stalled sessions ended", sessions=ended)

    def _still_ours(self, batch: Batch) -> bool:
        """Whether to go on with a batch. One that is dropped has moved no fence, so it is simply read again."""
        return batch.generation == self.generation and not self.stopping.is_set()

    async def _attempt(self, batch: Batch, prepared: Prepared | None) -> None:
        """One transaction: move the fence, hold what waits behind a parked record, apply the rest."""
        held: frozenset[HeldKey] = frozenset()
        on_write = self._look_ahead if self.landing is not None else None  # only while `run` takes batches
        while True:
            taken = [m for m in batch.messages if not self._is_held(m, held)]
            if taken and prepared is None:
                prepared = await self.stream.prepare(taken)
            try:
                async with self.database.transaction(on_write) as tx:
                    await self._move_fence(tx, batch.spans)
                    if (now_held := await self.parking.held(tx, batch.messages)) != held:
                        raise _HeldChanged(now_held)
                    await self.parking.hold(tx, [m for m in batch.messages if self._is_held(m, held)])
                    if taken and prepared is not None:
                        await self.stream.apply(tx, prepared)
            except _HeldChanged as changed:
                held, prepared = changed.held, None  # other messages are taken now, so others are looked up
            else:
                if held:
                    telemetry.INBOX_PARKED.labels(self.stream.consumer, "held").inc(len(batch.messages) - len(taken))
                return

    def _is_held(self, message: Message, held: frozenset[HeldKey]) -> bool:
        return bool(held) and (message.topic, self.parking.key_of(message)) in held

    async def _move_fence(self, tx: Tx, spans: Sequence[Span]) -> None:
        rows = await tx.fetch(
            """UPDATE consumed SET next_offset = mine.until
               FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) AS mine (topic, partition, start, until)
               WHERE consumed.consumer = $1 AND consumed.topic = mine.topic AND consumed.partition = mine.partition
                 AND consumed.next_offset = mine.start
               RETURNING 1""",
            self.stream.consumer,
            *map(list, zip(*[(s.topic, s.partition, s.start, s.until) for s in spans], strict=True)),
        )
        if len(rows) != len(spans):
            raise Fenced

    async def _park(self, batch: Batch, error: Exception) -> None:
        """Keep the record that raised and go on. The fence moves with it, as with any effect."""
        self.parked_in_a_row += 1
        if self.parked_in_a_row >= self.settings.parked_in_a_row_max:
            # Without its cause: an error's message may hold what it choked on.
            raise TooManyBugs(
                f"{self.parked_in_a_row} records in a row raised; the last: {type(error).__name__} at {places(error)}"
            ) from None
        message = batch.messages[0]
        _log.error("record parked", position=message.position, error=type(error).__name__)
        telemetry.INBOX_PARKED.labels(self.stream.consumer, "failed").inc()
        delay = backoff()
        while self._still_ours(batch):
            try:
                async with self.database.transaction() as tx:
                    await self._move_fence(tx, batch.spans)
                    await self.parking.park(tx, message, error)
            except Exception as failure:
                if not is_away(failure) and not is_conflict(failure):
                    raise
                await self._wait(next(delay), failure)
            else:
                self._note_landed(batch)
                return

    def _note_landed(self, batch: Batch) -> None:
        self.landed |= {TopicPartition(span.topic, span.partition): span.until for span in batch.spans}

    def _count(self, batch: Batch) -> None:
        self.parked_in_a_row = 0
        self._note_landed(batch)
        for topic in {m.topic for m in batch.messages}:
            telemetry.INBOX_RECORDS.labels(self.stream.consumer, topic).inc(
                sum(m.topic == topic for m in batch.messages)
            )
        telemetry.INBOX_BATCH_SIZE.labels(self.stream.consumer).observe(len(batch.messages))
        telemetry.INBOX_BATCH_SECONDS.labels(self.stream.consumer).observe(time.monotonic() - batch.taken_at)

    async def _wait(self, seconds: float, error: BaseException) -> None:
        """Something is away. Wait without taking more, and go on polling, or the group throws the worker out."""
        telemetry.INBOX_WAITS.labels(self.stream.consumer).inc()
        _log.warning("waiting", error=type(error).__name__, seconds=round(seconds, 2))
        self.health.beat()
        self.health.set(self.name, False)
        self._tell_lag()
        self.consumer.pause(*self.consumer.assignment())
        until = time.monotonic() + seconds
        try:
            while (left := until - time.monotonic()) > 0:
                polled = await self.consumer.getmany(timeout_ms=max(1, int(min(left, 0.5) * 1000)))
                if polled:  # fetched before the pause: they are not ours to keep, so read them again
                    self.unsync()
                    return
                await asyncio.sleep(min(left, 0.05))
        except (KafkaError, OSError):
            await asyncio.sleep(seconds)

    def unsync(self) -> None:
        self.generation += 1
        self.synced = False

    def _tell_lag(self) -> None:
        """How far behind the topic we are, also while we wait; seconds are the age of the last record taken."""
        assigned = self.consumer.assignment()
        for place, position in self.positions.items():
            if place not in assigned:
                continue  # the group is changing hands
            labels = (self.stream.consumer, place.topic, place.partition)
            behind = max(0, (self.consumer.highwater(place) or 0) - position)
            age_s = time.time() - self.newest_ms.get(place, 0) / 1000 if behind and place in self.newest_ms else 0.0
            telemetry.INBOX_LAG_RECORDS.labels(*labels).set(behind)
            telemetry.INBOX_LAG_SECONDS.labels(*labels).set(max(0.0, age_s))

    def forget_lag(self) -> None:
        for place in self.positions:
            for gauge in (telemetry.INBOX_LAG_RECORDS, telemetry.INBOX_LAG_SECONDS):
                with suppress(KeyError):
                    gauge.remove(self.stream.consumer, place.topic, place.partition)

    async def _tell_kafka(self) -> None:
        """Commit to Kafka now and then, for those who watch lag there. Nothing of ours reads it."""
        if time.monotonic() < self.kafka_commit_at or not self.synced or self.landed == self.told:
            return
        self.kafka_commit_at = time.monotonic() + _COMMIT_EVERY_S
        with suppress(KafkaError, OSError, TimeoutError):
            await asyncio.wait_for(self.consumer.commit(dict(self.landed)), _COMMIT_EVERY_S)
            self.told = dict(self.landed)


class _Rebalance(ConsumerRebalanceListener, Generic[Prepared]):  # type: ignore[misc]  # aiokafka is untyped
    """Lets the batch in hand finish before its partitions go, and makes the next one start from the database."""

    def __init__(self, inbox: Inbox[Prepared]) -> None:
        self.inbox = inbox

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.inbox.unsync()  # a prefetched batch is dropped; one that waits for something gives up
        landing = self.inbox.landing
        if landing is not None and not landing.done():
            _, late = await asyncio.wait({landing}, timeout=self.inbox.settings.rebalance_timeout_ms / 2000)
            for task in late:
                task.cancel()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.inbox.unsync()
        self.inbox.forget_lag()  # what went to another worker is told there
        if assigned:
            self.inbox.consumer.pause(*assigned)
