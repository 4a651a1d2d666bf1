"""What the tests on the real Kafka and PostgreSQL share: sending, reading, asking, and waiting with a deadline."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.stack import Stack
from services.kit.db import Database
from services.kit.inbox import Inbox
from services.kit.migrations import migrate
from services.kit.seal import Sealer
from services.kit.settings import Settings

DEADLINE_S = 20.0
_names = itertools.count(1)
_migrated: dict[tuple[str, str], str] = {}
T = TypeVar("T")
Record = tuple[bytes | None, bytes]  # key, value


def unique(word: str) -> str:
    return f"{word}_{os.getpid()}_{next(_names)}"


def new_database(stack: Stack, service: str) -> str:
    """A migrated database of its own on the stack's server; its address. The first is migrated, others are copied."""
    made = (stack.environment["DATABASE_URL"], service)
    if made not in _migrated:
        name = unique(f"template_{service}")
        migrate(stack.create_database(name), service)
        _migrated[made] = name
    return stack.create_database(unique("test"), like=_migrated[made])


def settings_of(stack: Stack, **overrides: object) -> Settings:
    """The settings that the stack gives its roles, for code that is driven in this process."""
    given = {
        key.removeprefix("CRADLE_").lower() if key.startswith("CRADLE_") else key: value
        for key, value in stack.environment.items()
    }
    return Settings(**{**given, **overrides})  # type: ignore[arg-type]  # pydantic reads and checks them


def sealer_of(stack: Stack) -> Sealer:
    return Sealer.from_base64(stack.environment["CRADLE_SEALING_KEY"])


async def eventually(question: Callable[[], Awaitable[T]], task: asyncio.Task[Any] | None = None) -> T:
    """Ask until the answer is true. Fails at the deadline, or when the task that should bring it about has died."""
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        if answer := await question():
            return answer
        if task is not None and task.done():
            await task
            raise AssertionError("the task has ended")
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {DEADLINE_S} s; the last answer: {answer!r}")
        await asyncio.sleep(0.03)


async def rows(dsn: str, sql: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        found: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
        return found
    finally:
        await connection.close()


async def value(dsn: str, sql: str, *arguments: object) -> Any:
    return (await rows(dsn, sql, *arguments))[0][0]


async def send(stack: Stack, topic: str, records: Sequence[Record], partition: int | None = None) -> list[str]:
    """Send in order; the positions where the records lie."""
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"], max_request_size=4 * 2**20, linger_ms=5
    )
    await producer.start()
    try:
        waiting = [await producer.send(topic, data, key=key, partition=partition) for key, data in records]
        placed = [await sent for sent in waiting]
        return [f"{place.topic}/{place.partition}/{place.offset}" for place in placed]
    finally:
        await producer.stop()


@asynccontextmanager
async def reading(stack: Stack, topics: Sequence[str]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group, at the beginning of every partition."""
    # The broker answers at once for the partitions it was asked about, and for others once this is over.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"],
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in sorted(await eventually(lambda topic=topic: known(consumer, topic)))  # type: ignore[misc]
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        yield consumer
    finally:
        await consumer.stop()


async def known(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    await consumer._client.force_metadata_update()
    await consumer.topics()
    return consumer.partitions_for_topic(topic) or set()


async def read_until(stack: Stack, topics: Sequence[str], enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Everything on these topics from the beginning, until it is enough."""
    found: list[Any] = []
    deadline_s = time.monotonic() + DEADLINE_S
    async with reading(stack, topics) as consumer:
        while not enough(found):
            if time.monotonic() > deadline_s:
                raise AssertionError(f"not within {DEADLINE_S} s; {len(found)} records on {topics}")
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
    return found


@asynccontextmanager
async def others_turns() -> AsyncIterator[Callable[[], int]]:
    """How many turns somebody else in this loop has had since, who wants one whenever there is one."""
    had = 0

    async def other() -> None:
        nonlocal had
        while True:
            await asyncio.sleep(0)
            had += 1

    going = asyncio.create_task(other())
    await asyncio.sleep(0)
    try:
        yield lambda: had
    finally:
        going.cancel()


@asynccontextmanager
async def hanging_copy(database: Database, statement: str, *arguments: object) -> AsyncIterator[int]:
    """A session that has run a statement and hangs in the middle of a COPY, as a stalled worker's does; its pid."""
    told = unique("hanging")
    wake = asyncio.Event()

    async def until_woken() -> AsyncIterator[tuple[int]]:
        await wake.wait()
        yield (0,)

    async def hang() -> None:
        async with database.transaction() as tx:
            await tx.execute(statement, *arguments)
            await tx.execute(f"CREATE TEMPORARY TABLE {told} (x int)")
            await tx.connection.copy_records_to_table(told, records=until_woken())

    async def pid() -> int:
        sql = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'ClientRead' AND query LIKE $1"
        found = await database.fetch(sql, f'COPY "{told}"%')
        return found[0]["pid"] if found else 0

    task = asyncio.create_task(hang())
    try:
        yield await eventually(pid, task)
    finally:
        wake.set()
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await asyncio.wait_for(task, DEADLINE_S)


@asynccontextmanager
async def running(inbox: Inbox[Any]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(inbox.run())
    try:
        yield task
    finally:
        inbox.stopping.set()
        await asyncio.wait_for(task, DEADLINE_S)
