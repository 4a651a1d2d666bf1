"""The loop over a stream of record, on the real Kafka and PostgreSQL, with a toy stream."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.consumer.fetcher import Fetcher
from prometheus_client import REGISTRY

from deploy.local.parts import in_thread
from deploy.local.stack import Stack
from services.kit import db, parking
from services.kit.db import Database, Tx
from services.kit.errors import Conflict, Unavailable
from services.kit.inbox import Inbox, OffsetLost, TooManyBugs
from services.kit.parking import Message, Parking
from services.kit.stream import Batch, Span, Stream
from services.kit.telemetry import Health
from tests.kit.live import (
    DEADLINE_S,
    Record,
    eventually,
    hanging_copy,
    new_database,
    rows,
    running,
    sealer_of,
    send,
    settings_of,
    unique,
    value,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    address = new_database(stack, "claims")
    in_thread(rows(address, "CREATE TABLE landed (id bigserial, consumer text, key bytea, value text)"))
    return address


@dataclass
class Toy:
    """A stream whose effect is a row for each record; it raises on the values that are broken."""

    stack: Stack
    dsn: str
    name: str = field(default_factory=lambda: unique("toy"))
    broken: set[bytes] = field(default_factory=set)
    failures: list[Exception] = field(default_factory=list)  # raised one at a call, before anything else
    prepare_failures: list[Exception] = field(default_factory=list)
    attempts: int = 0

    def __post_init__(self) -> None:
        self.stack.create_topic(self.name, 1)

    async def prepare(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        if self.prepare_failures:
            raise self.prepare_failures.pop()
        return tuple(messages)

    async def apply(self, tx: Tx, messages: tuple[Message, ...]) -> None:
        self.attempts += 1
        if self.failures:
            raise self.failures.pop()
        await tx.copy("landed", ("consumer", "key", "value"), [(self.name, m.key, m.value.decode()) for m in messages])
        for message in messages:
            if message.value in self.broken:
                raise ZeroDivisionError(message.value)

    def inbox(self, database: Database, **overrides: object) -> Inbox[tuple[Message, ...]]:
        return Inbox(
            Stream(self.name, (self.name,), self.prepare, self.apply),
            database,
            settings_of(self.stack, rebalance_timeout_ms=2_000, session_timeout_ms=6_000, **overrides),
            Parking(self.name, sealer_of(self.stack)),
            Health(),
            asyncio.Event(),
        )

    async def send(self, *records: Record) -> None:
        await send(self.stack, self.name, records, partition=0)

    async def landed(self) -> list[str]:
        found = await rows(self.dsn, "SELECT value FROM landed WHERE consumer = $1 ORDER BY id", self.name)
        return [row["value"] for row in found]

    async def parked(self) -> list[tuple[int, str, str, int]]:
        found = await rows(
            self.dsn,
            "SELECT record_offset, state, error, attempts FROM parked WHERE consumer = $1 ORDER BY id",
            self.name,
        )
        return [tuple(row) for row in found]

    async def offset(self) -> int:
        stored = await rows(self.dsn, "SELECT next_offset FROM consumed WHERE consumer = $1", self.name)
        return stored[0][0] if stored else -1

    async def run_to(self, offset: int, **overrides: object) -> None:
        """Run until the stored offset stands there, then stop."""
        async with db.connect(self.dsn) as database:
            inbox = self.inbox(database, **overrides)

            async def is_there() -> bool:
                return await self.offset() == offset

            async with running(inbox) as task:
                await eventually(is_there, task)

    async def replay(self, *, until: list[str]) -> None:
        """Ask for everything parked to be taken up again, and run until the states are these."""
        async with db.connect(self.dsn) as database:
            async with database.transaction() as tx:
                found = await tx.fetch("SELECT id FROM parked WHERE consumer = $1", self.name)
                await parking.request(tx, [row["id"] for row in found])

            async def are_so() -> bool:
                return [state for _, state, _, _ in await self.parked()] == until

            async with running(self.inbox(database)) as task:
                await eventually(are_so, task)


def test_records_land_in_order_and_the_offset_with_them(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn)
        await toy.send((b"a", b"1"), (b"b", b"2"), (None, b"3"), (b"a", b""))

        await toy.run_to(4)

        assert await toy.landed() == ["1", "2", "3", ""]
        assert await toy.parked() == []

    asyncio.run(act())


def test_a_quiet_topic_is_asked_less_often_and_its_next_record_lands(stack: Stack, dsn: str) -> None:
    assert "self._fetch_max_wait_ms," in inspect.getsource(Fetcher._get_actions_per_node)  # it is read at each fetch

    async def act() -> None:
        toy = Toy(stack, dsn)
        async with db.connect(dsn) as database:
            inbox = toy.inbox(database)

            async def is_quiet() -> bool:
                return inbox.synced and inbox.consumer._fetcher._fetch_max_wait_ms == 1_000

            async def has_landed() -> bool:
                return await toy.offset() == 1

            async with running(inbox) as task:
                await eventually(is_quiet, task)
                await toy.send((b"a", b"1"))
                await eventually(has_landed, task)

    asyncio.run(act())


def test_what_comes_while_a_batch_is_in_hand_is_the_next_one(stack: Stack, dsn: str) -> None:
    @dataclass
    class Slow(Toy):
        goes_on: asyncio.Event = field(default_factory=asyncio.Event)
        batches: list[int] = field(default_factory=list)

        async def apply(self, tx: Tx, messages: tuple[Message, ...]) -> None:
            self.batches.append(len(messages))
            await self.goes_on.wait()
            await super().apply(tx, messages)

    async def act() -> None:
        toy = Slow(stack, dsn)
        async with db.connect(dsn) as database, running(toy.inbox(database)) as task:

            async def is_in_hand() -> bool:
                return len(toy.batches) == 1

            async def has_landed() -> bool:
                return await toy.offset() == 4

            await toy.send((b"a", b"1"))
            await eventually(is_in_hand, task)
            for value in (b"2", b"3", b"4"):
                await toy.send((b"a", value))  # each is with the broker before the next
            toy.goes_on.set()
            await eventually(has_landed, task)

        assert toy.batches == [1, 3]
        assert await toy.landed() == ["1", "2", "3", "4"]

    asyncio.run(act())


def test_what_a_sender_took_back_is_not_taken_in(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn)
        producer = AIOKafkaProducer(
            bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"], transactional_id=toy.name
        )
        async with producer:
            await producer.begin_transaction()
            await producer.send_and_wait(toy.name, b"taken back", key=b"a", partition=0)
            await producer.abort_transaction()
        await toy.send((b"a", b"meant"))

        async def is_there() -> (
            bool
        ):  # the broker marks the end of a transaction in its own time, so no offset is known
            return await toy.landed() == ["meant"]

        async with db.connect(toy.dsn) as database, running(toy.inbox(database)) as task:
            await eventually(is_there, task)

    asyncio.run(act())


def test_a_worker_that_comes_back_goes_on_where_the_database_stands(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn)
        await toy.send((b"a", b"1"), (b"a", b"2"))
        await toy.run_to(2)
        await toy.send((b"a", b"3"))

        await toy.run_to(3)

        assert await toy.landed() == ["1", "2", "3"]

    asyncio.run(act())


def test_a_database_that_was_set_back_reads_again_what_it_lost(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn)
        await toy.send((b"a", b"1"), (b"a", b"2"), (b"a", b"3"))
        await toy.run_to(3)
        await rows(dsn, "DELETE FROM landed WHERE consumer = $1 AND value > '1'", toy.name)
        await rows(dsn, "UPDATE consumed SET next_offset = 1 WHERE consumer = $1", toy.name)

        await toy.run_to(3)

        assert await toy.landed() == ["1", "2", "3"]

    asyncio.run(act())


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_record_that_raises_is_parked_alone_and_its_neighbours_land(stack: Stack, dsn: str, place: int) -> None:
    async def act() -> None:
        values = [b"1", b"2", b"3", b"4", b"5"]
        toy = Toy(stack, dsn, broken={values[place]})
        await toy.send(*[(value, value) for value in values])

        await toy.run_to(5)

        assert await toy.landed() == [v.decode() for v in values if v not in toy.broken]
        assert await toy.parked() == [(place, "FAILED", "ZeroDivisionError", 1)]

    asyncio.run(act())


def test_what_is_parked_is_sealed_key_and_all_and_its_traceback_names_no_value(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        secret = b"610302199403124029"
        toy = Toy(stack, dsn, broken={secret})
        await toy.send((secret, secret))
        await toy.run_to(1)

        (row,) = await rows(dsn, "SELECT *, parked::text AS shown FROM parked WHERE consumer = $1", toy.name)
        async with db.connect(dsn) as database, database.transaction() as tx:
            await parking.request(tx, [row["id"]])
            opened = await Parking(toy.name, sealer_of(stack)).take(tx, row["id"])

        assert secret.decode() not in row["shown"]
        assert secret.hex() not in row["shown"]
        # There are few enough ID numbers to try them all, so a digest without a key hides nothing.
        assert row["key"] not in hashlib.sha256(secret).digest()
        assert "in apply" in row["traceback"]
        assert row["size_bytes"] == len(secret)
        assert opened is not None
        assert (opened.position, opened.key, opened.value) == (f"{toy.name}/0/0", secret, secret)

    asyncio.run(act())


def test_the_records_behind_a_parked_one_are_held_and_other_keys_go_on(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn, broken={b"a1"})
        await toy.send((b"a", b"a1"), (b"b", b"b1"), (b"a", b"a2"), (None, b"n1"), (b"b", b"b2"))
        await toy.run_to(5)
        await toy.send((b"a", b"a3"), (b"b", b"b3"))

        await toy.run_to(7)

        assert await toy.landed() == ["b1", "n1", "b2", "b3"]
        assert [(offset, state) for offset, state, _, _ in await toy.parked()] == [
            (0, "FAILED"),
            (2, "HELD"),
            (5, "HELD"),
        ]

    asyncio.run(act())


def test_a_record_without_a_key_holds_nothing_back(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn, broken={b"n1"})
        await toy.send((None, b"n1"), (None, b"n2"), (b"", b"e1"))

        await toy.run_to(3)

        assert await toy.landed() == ["n2", "e1"]
        assert [state for _, state, _, _ in await toy.parked()] == ["FAILED"]

    asyncio.run(act())


def test_after_the_bug_is_gone_a_replay_takes_the_key_in_order(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn, broken={b"a1"})
        await toy.send((b"a", b"a1"), (b"b", b"b1"), (b"a", b"a2"), (b"a", b"a3"))
        await toy.run_to(4)
        toy.broken.clear()

        await toy.replay(until=["REPLAYED", "REPLAYED", "REPLAYED"])
        await toy.send((b"a", b"a4"))
        await toy.run_to(5)

        assert await toy.landed() == ["b1", "a1", "a2", "a3", "a4"]

    asyncio.run(act())


def test_how_many_are_parked_is_told_until_they_are_taken_up_again(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn, broken={b"a1"})
        await toy.send((b"a", b"a1"), (b"b", b"b1"), (b"a", b"a2"))

        async def is_told(figure: int) -> bool:
            return REGISTRY.get_sample_value("cradle_parked_records", {"consumer": toy.name}) == figure

        async with db.connect(dsn) as database, running(toy.inbox(database)) as task:
            await eventually(partial(is_told, 2), task)
            toy.broken.clear()
            async with database.transaction() as tx:
                await tx.execute("UPDATE parked SET state = 'REQUESTED' WHERE consumer = $1", toy.name)
            await eventually(partial(is_told, 0), task)

    asyncio.run(act())


def test_a_replay_with_the_bug_still_there_changes_nothing_but_the_count(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn, broken={b"a2"})
        await toy.send((b"a", b"a1"), (b"a", b"a2"), (b"a", b"a3"))
        await toy.run_to(3)

        await toy.replay(until=["FAILED", "HELD"])

        assert await toy.landed() == ["a1"]
        assert [attempts for *_, attempts in await toy.parked()] == [2, 0]

    asyncio.run(act())


def test_a_replay_that_meets_the_next_bug_stops_there(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn, broken={b"a1", b"a3"})
        await toy.send((b"a", b"a1"), (b"a", b"a2"), (b"a", b"a3"), (b"a", b"a4"))
        await toy.run_to(4)
        toy.broken.discard(b"a1")

        await toy.replay(until=["REPLAYED", "REPLAYED", "FAILED", "HELD"])

        assert await toy.landed() == ["a1", "a2"]

    asyncio.run(act())


def test_a_key_freed_while_its_batch_is_decided_loses_nothing(stack: Stack, dsn: str) -> None:
    """Between finding that a key is held and deciding the rest, a replay may free it."""

    async def act() -> None:
        toy = Toy(stack, dsn, broken={b"a1"})
        await toy.send((b"a", b"a1"))
        await toy.run_to(1)
        freed: list[bool] = []

        async def prepare(messages: Sequence[Message]) -> tuple[Message, ...]:
            if len(messages) == 1 and not freed:  # the batch without the held key
                freed.append(True)
                await rows(dsn, "UPDATE parked SET state = 'REPLAYED' WHERE consumer = $1", toy.name)
            return tuple(messages)

        async with db.connect(dsn) as database:
            inbox = toy.inbox(database)
            inbox.stream = Stream(toy.name, (toy.name,), prepare, toy.apply)
            messages = tuple(Message(toy.name, 0, n, key, key + b"2", 0) for n, key in [(1, b"a"), (2, b"b")])
            batch = Batch(messages, (Span(toy.name, 0, 1, 3),), 0, 0.0)
            await inbox._settle(batch, messages)

        assert freed
        assert await toy.offset() == 3
        assert sorted(await toy.landed()) == ["a2", "b2"]

    asyncio.run(act())


def test_nine_bugs_in_a_row_are_parked_and_the_tenth_stops_the_process(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        values = [b"%02d" % n for n in range(12)]
        toy = Toy(stack, dsn, broken=set(values))
        await toy.send(*[(value, value) for value in values])

        async with db.connect(dsn) as database:
            with pytest.raises(TooManyBugs):
                await asyncio.wait_for(toy.inbox(database).run(), DEADLINE_S)

        assert [offset for offset, *_ in await toy.parked()] == list(range(9))
        assert await toy.offset() == 9
        assert await toy.landed() == []

    asyncio.run(act())


def test_a_record_that_lands_between_bugs_lets_the_stream_go_on(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        values = [b"%02d" % n for n in range(19)]
        toy = Toy(stack, dsn, broken={value for value in values if value != b"09"})
        await toy.send(*[(value, value) for value in values])

        await toy.run_to(19)

        assert len(await toy.parked()) == 18
        assert await toy.landed() == ["09"]

    asyncio.run(act())


@pytest.mark.parametrize("times", [1, 3, 4, 9])
def test_a_lost_race_is_decided_again_until_it_lands(stack: Stack, dsn: str, times: int) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn, failures=[Conflict() for _ in range(times)])
        await toy.send((b"a", b"1"), (b"b", b"2"), (b"c", b"3"))

        await toy.run_to(3)

        assert await toy.landed() == ["1", "2", "3"]
        assert await toy.parked() == []

    asyncio.run(act())


@pytest.mark.parametrize("error", [Unavailable(), ConnectionRefusedError(), TimeoutError()], ids=repr)
def test_what_is_away_is_waited_for_and_nothing_is_parked(stack: Stack, dsn: str, error: Exception) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn, failures=[error, error], prepare_failures=[error, error])
        await toy.send((b"a", b"1"), (b"a", b"2"))

        await toy.run_to(2)

        assert await toy.landed() == ["1", "2"]
        assert await toy.parked() == []

    asyncio.run(act())


def test_a_worker_that_hangs_in_the_middle_of_a_copy_does_not_hold_its_partition_for_ever(
    stack: Stack, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "STALLED_S", 1)

    async def act() -> None:
        toy = Toy(stack, dsn)
        await toy.send((b"a", b"1"))
        await toy.run_to(1)
        await toy.send((b"a", b"2"))
        fence = "UPDATE consumed SET next_offset = 2 WHERE consumer = $1"

        async with db.connect(dsn) as other, hanging_copy(other, fence, toy.name):
            await toy.run_to(2)

        assert await toy.landed() == ["1", "2"]
        assert await toy.parked() == []

    asyncio.run(act())


def test_a_worker_told_to_stop_while_it_waits_stops(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn, failures=[Unavailable() for _ in range(1_000)])
        await toy.send((b"a", b"1"))

        async def is_waiting() -> bool:
            return toy.attempts >= 2

        async with db.connect(dsn) as database:
            inbox = toy.inbox(database)
            task = asyncio.create_task(inbox.run())
            await eventually(is_waiting, task)
            inbox.stopping.set()
            ended, late = await asyncio.wait({task}, timeout=12)
            for one in late:
                one.cancel()
                await asyncio.wait({one})

        assert ended
        assert await toy.offset() == 0

    asyncio.run(act())


def test_a_stored_offset_beyond_the_log_stops_the_process(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn)
        await toy.send((b"a", b"1"))
        await rows(dsn, "INSERT INTO consumed VALUES ($1, $1, 0, 2)", toy.name)

        async with db.connect(dsn) as database:
            with pytest.raises(OffsetLost, match=r"2 is not in 0\.\.1"):
                await asyncio.wait_for(toy.inbox(database).run(), DEADLINE_S)

        assert await toy.landed() == []

    asyncio.run(act())


def test_what_another_still_lands_while_a_worker_takes_over_is_not_beyond_the_log(stack: Stack, dsn: str) -> None:
    """It has asked for its places when a record comes, and whom it replaces lands that before its offset is read."""

    async def act() -> None:
        toy = Toy(stack, dsn)
        await toy.send((b"a", b"1"))
        await toy.run_to(1)
        waits = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                   AND strpos(query, 'FROM consumed') > 0"""
        other = await asyncpg.connect(dsn)
        transaction = other.transaction()
        await transaction.start()
        await other.execute("LOCK TABLE consumed IN ACCESS EXCLUSIVE MODE")

        async def is_there() -> bool:
            return await toy.landed() == ["1", "3"]

        async with db.connect(dsn) as database, running(toy.inbox(database)) as task:
            await eventually(lambda: value(dsn, waits), task)
            await toy.send((b"a", b"2"))
            await other.execute("UPDATE consumed SET next_offset = 2 WHERE consumer = $1", toy.name)
            await transaction.commit()
            await toy.send((b"a", b"3"))
            await eventually(is_there, task)
        await other.close()

    asyncio.run(act())


def test_a_stored_offset_that_was_deleted_stops_the_process(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn)
        await toy.send((b"a", b"1"), (b"a", b"2"), (b"a", b"3"))
        await rows(dsn, "INSERT INTO consumed VALUES ($1, $1, 0, 1)", toy.name)
        await delete_before(stack, toy.name, 2)

        async with db.connect(dsn) as database:
            with pytest.raises(OffsetLost, match=r"1 is not in 2\.\.3"):
                await asyncio.wait_for(toy.inbox(database).run(), DEADLINE_S)

    asyncio.run(act())


def test_a_stream_never_read_begins_where_its_log_begins(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        toy = Toy(stack, dsn)
        await toy.send((b"a", b"1"), (b"a", b"2"), (b"a", b"3"))
        await delete_before(stack, toy.name, 2)

        await toy.run_to(3)

        assert await toy.landed() == ["3"]

    asyncio.run(act())


async def delete_before(stack: Stack, topic: str, offset: int) -> None:
    async with admin(stack) as client:
        await client.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=offset)})


@asynccontextmanager
async def admin(stack: Stack) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"])
    await client.start()
    try:
        yield client
    finally:
        await client.close()
