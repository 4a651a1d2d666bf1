"""The relay: what the outbox holds reaches its topic in order, and is gone when the broker has it."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from cradle.ops.v1 import parked_pb2

from deploy.local.stack import Stack
from services.kit import db, outbox, relay, telemetry
from services.kit.db import Database
from services.kit.ids import new_id
from services.kit.ops import ParkedRecords
from services.kit.outbox import Event
from services.kit.relay import Relay
from services.kit.seal import Sealer
from services.kit.set_aside import SetAside
from services.kit.telemetry import Health
from tests.kit.live import (
    DEADLINE_S,
    eventually,
    new_database,
    read_until,
    rows,
    sealer_of,
    settings_of,
    unique,
    value,
)

pytestmark = pytest.mark.integration
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.fixture
def dsn(stack: Stack) -> str:
    return new_database(stack, "claims")


@dataclass
class Outbox:
    """An outbox of its own with a topic of its own."""

    stack: Stack
    dsn: str
    topic: str = field(default_factory=lambda: unique("relayed"))

    def __post_init__(self) -> None:
        self.stack.create_topic(self.topic, 3)

    def event(self, key: str, version: int) -> Event:
        payload = f"{key}/{version}".encode()
        return Event(new_id(), "toy", key, version, "toy.v1.Poked", self.topic, key.encode(), NOON, "toy/0/1", payload)

    async def put(self, database: Database, events: Sequence[Event]) -> None:
        async with database.transaction() as tx:
            for event in events:
                tx.emit(event)

    def relay(self, database: Database) -> Relay:
        return Relay("toy", database, settings_of(self.stack), Health(), asyncio.Event())

    async def is_empty(self) -> bool:
        return bool(await value(self.dsn, "SELECT count(*) = 0 FROM outbox"))

    async def received(self, count: int) -> list[Any]:
        return await read_until(self.stack, [self.topic], lambda found: len(found) >= count)


@asynccontextmanager
async def relaying(*relays: Relay) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.ensure_future(asyncio.gather(*[one.run() for one in relays]))
    try:
        yield task  # type: ignore[misc]  # a gathering future answers what a task does
    finally:
        for one in relays:
            one.stopping.set()
        await asyncio.wait_for(task, DEADLINE_S)


def by_key(records: Sequence[Any]) -> dict[str, list[int]]:
    versions = defaultdict(list)
    for record in records:
        key, version = record.value.decode().split("/")
        assert record.key.decode() == key
        versions[key].append(int(version))
    return dict(versions)


def ce_ids(records: Sequence[Any]) -> Counter[str]:
    return Counter(dict(record.headers)["ce_id"].decode() for record in records)


def test_events_arrive_in_order_of_their_key_and_leave_the_outbox(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mine = Outbox(stack, dsn)
        events = [mine.event(f"k{n % 7}", n) for n in range(700)]
        async with db.connect(dsn) as database:
            await mine.put(database, events[:350])
            async with relaying(mine.relay(database)) as task:
                await mine.put(database, events[350:])
                await eventually(mine.is_empty, task)

        records = await mine.received(700)
        assert by_key(records) == {f"k{k}": [n for n in range(700) if n % 7 == k] for k in range(7)}
        assert ce_ids(records) == Counter(str(event.id) for event in events)
        assert len({record.partition for record in records}) > 1

    asyncio.run(act())


def test_what_arrives_is_a_cloudevent(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mine = Outbox(stack, dsn)
        sent = mine.event("k", 7)
        async with db.connect(dsn) as database, relaying(mine.relay(database)) as task:
            await mine.put(database, [sent])
            await eventually(mine.is_empty, task)

        (record,) = await mine.received(1)
        message = KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value)
        event = from_binary_event(message, JSONFormat())
        assert (event.get_id(), event.get_type(), event.get_subject()) == (str(sent.id), "toy.v1.Poked", "k")
        assert (event.get_time(), event.get_extension("sequence")) == (NOON, "7")

    asyncio.run(act())


def test_an_event_rolled_back_never_leaves(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mine = Outbox(stack, dsn)
        async with db.connect(dsn) as database, relaying(mine.relay(database)) as task:
            with suppress(ZeroDivisionError):
                async with database.transaction() as tx:
                    tx.emit(mine.event("k", 1))
                    raise ZeroDivisionError
            await mine.put(database, [mine.event("k", 2)])
            await eventually(mine.is_empty, task)

        assert by_key(await mine.received(1)) == {"k": [2]}

    asyncio.run(act())


def test_killed_between_sending_and_deleting_it_sends_again_with_the_same_id(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mine = Outbox(stack, dsn)
        events = [mine.event("k", n) for n in range(5)]
        async with db.connect(dsn) as database:
            await mine.put(database, events)
            killed = mine.relay(database)
            async with killed.make_producer() as producer:
                waiting = await database.fetch("SELECT * FROM outbox ORDER BY id")
                async with database.own_connection() as connection:
                    await killed._publish(producer, waiting, SetAside(connection))

            async with relaying(mine.relay(database)) as task:
                await eventually(mine.is_empty, task)

        records = await mine.received(10)
        assert by_key(records) == {"k": [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]}
        assert ce_ids(records) == Counter({str(event.id): 2 for event in events})

    asyncio.run(act())


def test_a_broker_that_goes_away_in_the_middle_of_sending_is_waited_for(
    stack: Stack, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [KafkaConnectionError("gone"), KafkaConnectionError("gone")]

    class Flaky(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka is untyped
        async def send_batch(self, *arguments: Any, **named: Any) -> Any:
            if losses:
                raise losses.pop()
            return await super().send_batch(*arguments, **named)

    monkeypatch.setattr(relay, "AIOKafkaProducer", Flaky)

    async def act() -> None:
        mine = Outbox(stack, dsn)
        async with db.connect(dsn) as database, relaying(mine.relay(database)) as task:
            await mine.put(database, [mine.event(f"k{n}", n) for n in range(9)])
            await eventually(mine.is_empty, task)

        # What was on its way to other partitions when the first was lost is sent again, so there are more than nine.
        await read_until(stack, [mine.topic], lambda found: set(by_key(found)) == {f"k{n}" for n in range(9)})
        assert not losses

    asyncio.run(act())


def test_of_two_relays_one_sends_and_the_other_takes_over(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mine = Outbox(stack, dsn)
        async with db.connect(dsn) as one, db.connect(dsn) as two:
            first, second = mine.relay(one), mine.relay(two)
            async with relaying(second) as task:
                async with relaying(first):
                    await mine.put(one, [mine.event("k", n) for n in range(100)])
                    await eventually(mine.is_empty, task)
                await mine.put(one, [mine.event("k", n) for n in range(100, 200)])
                await eventually(mine.is_empty, task)

        assert by_key(await mine.received(200)) == {"k": list(range(200))}

    asyncio.run(act())


def test_a_transaction_that_commits_late_is_not_stepped_over(stack: Stack, dsn: str) -> None:
    """Its rows have smaller ids than those already sent."""

    async def act() -> None:
        mine = Outbox(stack, dsn)
        async with db.connect(dsn) as database, relaying(mine.relay(database)) as task:
            async with database.transaction() as late:
                await outbox.write(late.connection, [mine.event("late", 1)])
                await mine.put(database, [mine.event("early", 1), mine.event("early", 2)])
                assert by_key(await mine.received(2)) == {"early": [1, 2]}
            await eventually(mine.is_empty, task)

        assert by_key(await mine.received(3)) == {"early": [1, 2], "late": [1]}

    asyncio.run(act())


def test_an_event_with_personal_data_lies_sealed_and_arrives_open(stack: Stack, dsn: str) -> None:
    planted = b"610302199403124029"

    async def act() -> None:
        mine = Outbox(stack, dsn)
        event = mine.event("k", 1)._replace(key=planted + b"/1", payload=planted + b"/1")
        async with db.connect(dsn) as database:
            await mine.put(database, [outbox.sealed(event, sealer_of(stack)), mine.event("open", 1)])
            lying = [str(dict(row)).encode() for row in await rows(dsn, "SELECT outbox::text, * FROM outbox")]
            async with relaying(mine.relay(database)) as task:
                await eventually(mine.is_empty, task)

        assert [planted in row or planted.hex().encode() in row for row in lying] == [False, False]
        found = {(record.key, record.value) for record in await mine.received(2)}
        assert found == {(planted + b"/1", planted + b"/1"), (b"open", b"open/1")}

    asyncio.run(act())


# --- what can never be sent as it is ---------------------------------------------------------------------------------


async def limit(mine: Outbox, size_bytes: int) -> None:
    """What the broker takes at once on this topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=mine.stack.environment["KAFKA_BOOTSTRAP_SERVERS"])
    await admin.start()
    try:
        wanted = ConfigResource(ConfigResourceType.TOPIC, mine.topic, {"max.message.bytes": str(size_bytes)})
        (answer,) = await admin.alter_configs([wanted])
        assert [code for code, *_ in answer.resources] == [0]
    finally:
        await admin.close()


def big(event: Event) -> Event:
    return event._replace(payload=event.payload.rjust(20_000, b"0"))


def versions_of(records: Sequence[Any]) -> dict[str, list[int]]:
    """As `by_key`, for payloads that may be big."""
    found = defaultdict(list)
    for record in records:
        found[record.key.decode()].append(int(record.value.rpartition(b"/")[2]))
    return dict(found)


async def aside(dsn: str) -> list[tuple[str, str, int]]:
    """State, error and tries of what is set aside, oldest first."""
    found = await rows(dsn, "SELECT state, error, attempts FROM parked WHERE consumer = 'relay' ORDER BY record_offset")
    return [(row["state"], row["error"].split()[0], row["attempts"]) for row in found]


async def replay(database: Database, dsn: str, state: str) -> None:
    """As an operator does, by the number of any parked record of the key."""
    number = await value(dsn, "SELECT min(id) FROM parked WHERE state = $1", state)
    request = parked_pb2.ReplayParkedRequest(id=number)
    answer = await ParkedRecords(database).ReplayParked(request, None)  # type: ignore[arg-type]  # it is not asked
    assert answer.records


TOO_LARGE = ("FAILED", "MessageSizeTooLargeError", 1)
HELD = ("HELD", "held", 0)


def test_an_event_that_the_broker_never_takes_is_set_aside_and_all_else_goes_on(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mine = Outbox(stack, dsn)
        await limit(mine, 5_000)
        events = [mine.event(f"k{n % 7}", n) for n in range(700)]
        events[300] = big(events[300])
        async with db.connect(dsn) as database, relaying(mine.relay(database)) as task:
            await mine.put(database, events)
            await eventually(mine.is_empty, task)
            await mine.put(database, [mine.event(f"k{n % 7}", n) for n in range(700, 714)])
            await eventually(mine.is_empty, task)
            assert telemetry.OUTBOX_SET_ASIDE._value.get() == 60

        stopped = 300 % 7
        assert versions_of(await mine.received(714 - 60)) == {
            f"k{k}": [n for n in range(714) if n % 7 == k and (k != stopped or n < 300)] for k in range(7)
        }
        assert await aside(dsn) == [TOO_LARGE, *[HELD] * 59]

    asyncio.run(act())


def test_what_was_set_aside_leaves_in_order_once_it_is_mended_and_asked_for(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mine = Outbox(stack, dsn)
        await limit(mine, 5_000)
        async with db.connect(dsn) as database:
            async with relaying(mine.relay(database)) as task:
                await mine.put(database, [mine.event("k", 1), big(mine.event("k", 2)), mine.event("k", 3)])
                await eventually(mine.is_empty, task)
            async with relaying(mine.relay(database)) as task:  # another relay knows what is held
                await mine.put(database, [mine.event("k", 4), mine.event("other", 1)])
                await eventually(mine.is_empty, task)
                assert versions_of(await mine.received(2)) == {"k": [1], "other": [1]}

                await limit(mine, 50_000)
                await mine.put(database, [mine.event("k", 5)])
                await replay(database, dsn, "HELD")
                assert versions_of(await mine.received(6)) == {"k": [1, 2, 3, 4, 5], "other": [1]}
                await eventually(mine.is_empty, task)
                await mine.put(database, [mine.event("k", 6)])
                await eventually(mine.is_empty, task)

        assert versions_of(await mine.received(7))["k"] == [1, 2, 3, 4, 5, 6]
        assert await aside(dsn) == []

    asyncio.run(act())


def test_what_is_asked_for_before_it_is_mended_is_set_aside_again(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mine = Outbox(stack, dsn)
        await limit(mine, 5_000)
        async with db.connect(dsn) as database, relaying(mine.relay(database)) as task:
            await mine.put(database, [big(mine.event("k", 1)), mine.event("k", 2)])
            await eventually(mine.is_empty, task)
            before = await value(dsn, "SELECT max(id) FROM parked")
            await replay(database, dsn, "FAILED")

            async def again() -> bool:
                return bool(await value(dsn, "SELECT count(*) = 2 FROM parked WHERE id > $1", before))

            await eventually(again, task)
            await mine.put(database, [mine.event("other", 1)])
            await eventually(mine.is_empty, task)

        assert versions_of(await mine.received(1)) == {"other": [1]}
        assert await aside(dsn) == [TOO_LARGE, HELD]

    asyncio.run(act())


def test_an_event_sealed_with_another_key_is_set_aside_as_it_lies_until_the_key_is_brought(
    stack: Stack, dsn: str
) -> None:
    """Sending bytes nobody can read would lose the event, and to seal them once more would hide them from their key."""
    other = base64.b64encode(bytes(32)).decode()

    async def act() -> None:
        mine = Outbox(stack, dsn)
        async with db.connect(dsn) as database:
            sealed = outbox.sealed(mine.event("k", 1), Sealer.from_base64(other))
            async with relaying(mine.relay(database)) as task:
                await mine.put(database, [sealed, mine.event("k", 2), mine.event("open", 1)])
                await eventually(mine.is_empty, task)
            assert by_key(await mine.received(1)) == {"open": [1]}
            assert await aside(dsn) == [("FAILED", "InvalidTag", 1), HELD]

            await replay(database, dsn, "FAILED")
            mended = mine.relay(database)
            mended.sealer = Sealer.from_base64(other)
            async with relaying(mended) as task:
                assert by_key(await mine.received(3)) == {"k": [1, 2], "open": [1]}
                await eventually(mine.is_empty, task)

    asyncio.run(act())


def test_an_event_for_a_topic_that_cannot_be_is_set_aside(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mine = Outbox(stack, dsn)
        async with db.connect(dsn) as database, relaying(mine.relay(database)) as task:
            await mine.put(database, [mine.event("k", 1)._replace(topic="no topic"), mine.event("other", 1)])
            await eventually(mine.is_empty, task)

        assert by_key(await mine.received(1)) == {"other": [1]}
        assert await aside(dsn) == [("FAILED", "InvalidTopicError", 1)]

    asyncio.run(act())
