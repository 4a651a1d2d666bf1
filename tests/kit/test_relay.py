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
from aiokafka.errors import KafkaConnectionError
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from cryptography.exceptions import InvalidTag

from deploy.local.stack import Stack
from services.kit import db, outbox, relay
from services.kit.db import Database
from services.kit.ids import new_id
from services.kit.outbox import Event
from services.kit.relay import Relay
from services.kit.seal import Sealer
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
                await killed._publish(producer, await database.fetch("SELECT * FROM outbox ORDER BY id"))

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

        assert set(by_key(await mine.received(9))) == {f"k{n}" for n in range(9)}
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


def test_an_event_sealed_with_another_key_stops_the_relay_and_stays(stack: Stack, dsn: str) -> None:
    """Sending bytes nobody can read would lose the event; a person must bring the right key."""
    other = Sealer.from_base64(base64.b64encode(bytes(32)).decode())

    async def act() -> None:
        mine = Outbox(stack, dsn)
        async with db.connect(dsn) as database:
            await mine.put(database, [outbox.sealed(mine.event("k", 1), other)])
            with pytest.raises(InvalidTag):
                await mine.relay(database).run()
        assert await value(dsn, "SELECT count(*) FROM outbox") == 1

    asyncio.run(act())
