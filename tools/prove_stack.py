"""Proves that aiokafka and Faust get on with the Kafka of the local stack: `python -m tools.prove_stack`.

Every proof runs on a real stack with real kills. Run it again when a client or the broker changes version.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.partitioner import DefaultPartitioner
from rich.console import Console
from rich.table import Table

from deploy.local import kafka
from deploy.local.roles import Role
from deploy.local.stack import Stack

RECORDS = 20_000
KEYS = 500
PARTITIONS = 6
PAYLOAD = b"x" * 480
SERVICE = "prove"
SETTLE_S = 60.0
MEMBER = Role("member", (sys.executable, "-m", "tools.prove_stack", "member"), answers_readyz=False)
FAUST = Role("faust", (sys.executable, "-m", "tools.prove_stack", "faust"), answers_readyz=False)


@dataclass(frozen=True, slots=True)
class Proof:
    name: str
    holds: bool
    figures: str


def key_of(number: int) -> bytes:
    return f"key-{number % KEYS}".encode()


def value_of(number: int) -> bytes:
    return number.to_bytes(4) + PAYLOAD


@asynccontextmanager
async def producing(stack: Stack, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    producer = AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True, acks="all", **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def read_all(stack: Stack, topic: str) -> dict[int, list[int]]:
    """The numbers in each partition of a topic, in the log's order."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"], enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found: dict[int, list[int]] = defaultdict(list)
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                found[partition.partition] += [int.from_bytes(record.value[:4]) for record in records]
        return found
    finally:
        await consumer.stop()


def audit(found: dict[int, list[int]]) -> tuple[bool, str]:
    """Whether every number is there once, and those of a key in the order in which they were sent."""
    counts = Counter(number for numbers in found.values() for number in numbers)
    twice, lost = sum(counts.values()) - len(counts), RECORDS - len(counts)
    last: dict[int, int] = {}
    disordered = 0
    for numbers in found.values():
        for number in numbers:
            disordered += last.get(number % KEYS, -1) > number
            last[number % KEYS] = number
    figures = f"{len(counts)} found, {lost} lost, {twice} twice, {disordered} out of order"
    return not (twice or lost or disordered), figures


async def idempotent_send(stack: Stack) -> Proof:
    stack.create_topic("prove.send", PARTITIONS)
    async with producing(stack) as producer:
        began_s = time.monotonic()
        sent = [await producer.send("prove.send", value_of(n), key_of(n)) for n in range(RECORDS)]
        await asyncio.gather(*sent)
        took_s = time.monotonic() - began_s
    holds, figures = audit(await read_all(stack, "prove.send"))
    return Proof("send, idempotent, acks=all", holds, f"{figures}; {RECORDS / took_s:,.0f}/s")


async def idempotent_batches(stack: Stack) -> Proof:
    stack.create_topic("prove.batch", PARTITIONS)
    async with producing(stack, max_batch_size=512 * 1024) as producer:
        began_s = time.monotonic()
        await send_batches(producer, "prove.batch")
        took_s = time.monotonic() - began_s
    holds, figures = audit(await read_all(stack, "prove.batch"))
    kept = await asyncio.to_thread(producer_ids, stack, "prove.batch")
    holds = holds and bool(kept) and -1 not in kept
    return Proof("create_batch + send_batch, idempotent", holds, f"{figures}; {RECORDS / took_s:,.0f}/s; ids {kept}")


async def send_batches(producer: AIOKafkaProducer, topic: str) -> None:
    """Send every number by hand-made batches. `send_batch` queues one batch a partition, so partitions run abreast."""
    partition_of = DefaultPartitioner()
    numbers: dict[int, list[int]] = defaultdict(list)
    for number in range(RECORDS):
        numbers[partition_of(key_of(number), list(range(PARTITIONS)), list(range(PARTITIONS)))].append(number)

    async def send(partition: int, mine: list[int]) -> None:
        batch = producer.create_batch()
        for number in mine:
            record: dict[str, Any] = {"key": key_of(number), "value": value_of(number), "timestamp": None}
            if batch.append(**record) is None:  # the batch is full, and was closed by saying so
                await (await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(**record)
        await (await producer.send_batch(batch, topic, partition=partition))

    await asyncio.gather(*(send(partition, mine) for partition, mine in numbers.items()))


def producer_ids(stack: Stack, topic: str) -> set[int]:
    """The producer ids that the broker wrote to the log; -1 would mean that nothing guards against a repeat."""
    logs = sorted((stack.folder / "kafka" / "data").glob(f"{topic}-*/*.log"))
    tool = [*kafka.server_argv(stack.folder / "kafka")[:-2], "org.apache.kafka.tools.DumpLogSegments", "--files"]
    dump = subprocess.run([*tool, ",".join(map(str, logs))], capture_output=True, text=True, timeout=60, check=True)
    words = dump.stdout.split()
    return {int(after) for word, after in zip(words, words[1:], strict=False) if word == "producerId:"}


# -- a consumer group whose offsets are in PostgreSQL --

TABLES = """
CREATE TABLE consumed (partition int PRIMARY KEY, next_offset bigint NOT NULL);
CREATE TABLE seen (number int NOT NULL, partition int NOT NULL, log_offset bigint NOT NULL, member int NOT NULL,
                   at timestamptz NOT NULL DEFAULT clock_timestamp());
"""


class SeekToStored(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped base
    """Start where the database says, whatever Kafka remembers."""

    def __init__(self, consumer: AIOKafkaConsumer, connection: Any) -> None:
        self.consumer = consumer
        self.connection = connection
        self.busy = asyncio.Lock()  # the batch in hand is finished before partitions go

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        async with self.busy:
            pass

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        async with self.busy:
            for partition in assigned:
                sql = "SELECT next_offset FROM consumed WHERE partition = $1"
                self.consumer.seek(partition, await self.connection.fetchval(sql, partition.partition))


async def member() -> None:
    """One member: a batch's effects and its offset in one transaction, fenced."""
    connection = await asyncpg.connect(f"{os.environ['DATABASE_URL']}/cradle_{SERVICE}")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"], group_id="prove", enable_auto_commit=False,
        auto_offset_reset="earliest", session_timeout_ms=3_000, heartbeat_interval_ms=500, max_poll_records=100,
    )  # fmt: skip
    listener = SeekToStored(consumer, connection)
    consumer.subscribe(["prove.group"], listener=listener)
    await consumer.start()
    while True:
        fetched = await consumer.getmany(timeout_ms=200)
        async with listener.busy:
            for partition, records in fetched.items():
                await take(connection, partition, records)
            await asyncio.sleep(0.02)  # slow enough for the kill to come in the middle


async def take(connection: Any, partition: TopicPartition, records: list[Any]) -> None:
    rows = [(int.from_bytes(r.value[:4]), partition.partition, r.offset, os.getpid()) for r in records]
    fence = "UPDATE consumed SET next_offset = $3 WHERE partition = $1 AND next_offset = $2"
    async with connection.transaction():
        done = await connection.execute(fence, partition.partition, records[0].offset, records[-1].offset + 1)
        if done == "UPDATE 1":
            columns = ("number", "partition", "log_offset", "member")
            await connection.copy_records_to_table("seen", records=rows, columns=columns)


async def takeover(stack: Stack) -> Proof:
    stack.create_topic("prove.group", PARTITIONS)
    connection = await asyncpg.connect(stack.create_database(SERVICE))
    try:
        await connection.execute(TABLES)
        await connection.executemany("INSERT INTO consumed VALUES ($1, 0)", [(n,) for n in range(PARTITIONS)])
        members = [await asyncio.to_thread(stack.start_role, MEMBER) for _ in range(2)]
        async with producing(stack) as producer:
            await asyncio.gather(*[await producer.send("prove.group", value_of(n), key_of(n)) for n in range(RECORDS)])
        await until(connection, "SELECT count(DISTINCT member) = 2 AND count(*) > 4000 FROM seen")
        share = await connection.fetchval("SELECT count(DISTINCT member) FROM seen")
        victim = members[1].pid
        died = await connection.fetchval("SELECT clock_timestamp()")
        members[1].kill(restart=False)
        at_kill = await connection.fetchval("SELECT count(*) FROM seen")
        await until(connection, f"SELECT count(DISTINCT number) >= {RECORDS} FROM seen")
        theirs = "SELECT DISTINCT partition FROM seen WHERE member = $1"
        gap = f"SELECT extract(epoch FROM min(at) - $2) FROM seen WHERE member <> $1 AND at > $2 AND partition IN ({theirs})"
        gap_s = await connection.fetchval(gap, victim, died)
        rows = await connection.fetch("SELECT partition, number FROM seen ORDER BY partition, log_offset")
        found: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            found[row["partition"]].append(row["number"])
        holds, figures = audit(found)
        return Proof(
            "two members, one killed (offsets in PostgreSQL)", holds and share == 2,
            f"{figures}; {at_kill} done at the kill; its partitions idle for {gap_s:.1f} s (session timeout 3 s)",
        )  # fmt: skip
    finally:
        await connection.close()
        stack.stop_role("member")


async def until(connection: Any, question: str) -> None:
    deadline_s = time.monotonic() + SETTLE_S
    while not await connection.fetchval(question):
        if time.monotonic() > deadline_s:
            raise TimeoutError(question)
        await asyncio.sleep(0.05)


# -- the broker goes away --


async def broker_restart(stack: Stack, *, kill: bool) -> Proof:
    topic = f"prove.restart.{'kill' if kill else 'clean'}"
    stack.create_topic(topic, PARTITIONS)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"], group_id=topic,
        enable_auto_commit=False, auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    try:
        reading = asyncio.create_task(follow(consumer))
        async with producing(stack) as producer:
            sending = asyncio.create_task(send_paced(producer, topic))
            await asyncio.sleep(1.5)
            began_s = time.monotonic()
            await asyncio.to_thread(stack.broker_stop, kill=kill)
            await asyncio.to_thread(stack.broker_start)
            down_s = time.monotonic() - began_s
            await sending
            longest_s = sending.result()
        followed = await asyncio.wait_for(reading, SETTLE_S)
    finally:
        await consumer.stop()
    in_log, figures = audit(await read_all(stack, topic))
    was_read, _ = audit(followed)
    outcome = f"{figures}; the same read live: {was_read}; down {down_s:.1f} s, longest send {longest_s:.1f} s"
    return Proof(
        f"broker {'killed' if kill else 'restarted'} while producing and consuming", in_log and was_read, outcome
    )


async def send_paced(producer: AIOKafkaProducer, topic: str) -> float:
    """Send for four seconds and more; answer how long the slowest answer took."""
    slowest_s = 0.0
    for first in range(0, RECORDS, 500):
        began_s = time.monotonic()
        numbers = range(first, first + 500)
        await asyncio.gather(*[await producer.send(topic, value_of(n), key_of(n)) for n in numbers])
        slowest_s = max(slowest_s, time.monotonic() - began_s)
        await asyncio.sleep(0.1)
    return slowest_s


async def follow(consumer: AIOKafkaConsumer) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    seen: set[int] = set()
    while len(seen) < RECORDS:
        for partition, records in (await consumer.getmany(timeout_ms=200)).items():
            found[partition.partition] += (numbers := [int.from_bytes(record.value[:4]) for record in records])
            seen.update(numbers)
    return found


async def stop_without_broker(stack: Stack) -> Proof:
    """Whether a producer with unsent records can be stopped while its broker is away."""
    stack.create_topic("prove.away", 1)
    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, enable_idempotence=True, acks="all", request_timeout_ms=2_000
    )
    await producer.start()
    await producer.send_and_wait("prove.away", b"1")
    await asyncio.to_thread(stack.broker_stop, kill=True)
    answer = await producer.send("prove.away", b"2")
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(answer), 6)
    fails = "never fails by itself (waited 6 s with request_timeout 2 s)" if not answer.done() else "fails"
    stopping = asyncio.create_task(producer.stop())
    await asyncio.wait([stopping], timeout=6)
    ends = "stop() returns" if stopping.done() else "stop() hangs until the broker is back: bound it"
    await asyncio.to_thread(stack.broker_start)
    await asyncio.wait_for(stopping, SETTLE_S)
    return Proof("producer with the broker away", True, f"a send {fails}; {ends}; sent in the end: {answer.done()}")


# -- Faust --


def faust_app() -> Any:
    """Count events per key in a table, which lives in a changelog topic."""
    import faust

    broker = f"kafka://{os.environ['KAFKA_BOOTSTRAP_SERVERS']}"
    app = faust.App(
        "prove-faust", broker=broker, web_enabled=False, topic_partitions=PARTITIONS, broker_rebalance_timeout=4,
        broker_session_timeout=4, broker_heartbeat_interval=1, broker_commit_interval=0.2, store="memory://",
        topic_disable_leader=True, datadir=os.environ["PROVE_DATADIR"],
    )  # fmt: skip
    topic = app.topic("prove.faust", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    counts = app.Table("counts", default=int, partitions=PARTITIONS)

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def count(stream: Any) -> None:
        async for key, _ in stream.items():
            counts[key.decode()] += 1

    return app


def faust_worker() -> None:
    import faust

    faust.Worker(faust_app(), loglevel="INFO").execute_from_commandline()


async def faust_counts(stack: Stack) -> Proof:
    stack.create_topic("prove.faust", PARTITIONS)
    first = await asyncio.to_thread(stack.start_role, FAUST, {"PROVE_DATADIR": str(stack.folder / "faust-1")})
    await counted(stack, lambda total: total >= 0)
    async with producing(stack) as producer:
        began_s = time.monotonic()
        sending = asyncio.create_task(send_paced(producer, "prove.faust"))
        await counted(stack, lambda total: total > RECORDS // 10)
        second = await asyncio.to_thread(stack.start_role, FAUST, {"PROVE_DATADIR": str(stack.folder / "faust-2")})
        await counted(stack, lambda total: total > RECORDS // 2)
        await asyncio.sleep(6)  # both members at work, or at least through their rebalance
        joined = "Recovery complete" in second.command.log.read_text() or second.pid is not None
        await asyncio.to_thread(second.stop)
        await sending
    total = await counted(stack, lambda total: total >= RECORDS)
    took_s = time.monotonic() - began_s
    await asyncio.to_thread(first.stop)
    again = total - RECORDS
    figures = (
        f"{total} counted of {RECORDS}: {again} again ({again / RECORDS:.1%}); {took_s:.0f} s with both rebalances"
    )
    return Proof("Faust: a second worker joins and leaves", total >= RECORDS and joined, figures)


async def counted(stack: Stack, enough: Callable[[int], bool]) -> int:
    """Wait until the table's changelog sums up to enough, and for two seconds to nothing more."""
    deadline_s = time.monotonic() + SETTLE_S
    total = await table_total(stack)
    while total is None or not enough(total):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"Faust counted {total}")
        await asyncio.sleep(0.5)
        total = await table_total(stack)
    return total


async def table_total(stack: Stack) -> int | None:
    """The sum of the table, read from its changelog; None while that is not there."""
    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    topic = "prove-faust-counts-changelog"
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await consumer.start()
    try:
        if topic not in await consumer.topics():
            return None
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        latest: dict[bytes, int] = {}
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for records in (await consumer.getmany(timeout_ms=300)).values():
                latest.update({record.key: json.loads(record.value) for record in records})
        return sum(latest.values())
    finally:
        await consumer.stop()


async def prove(stack: Stack) -> list[Proof]:
    proofs: list[Callable[[Stack], Awaitable[Proof]]] = [
        idempotent_send,
        idempotent_batches,
        takeover,
        lambda s: broker_restart(s, kill=False),
        lambda s: broker_restart(s, kill=True),
        stop_without_broker,
        faust_counts,
    ]
    results = []
    for proof in proofs:
        results.append(await proof(stack))
        print(results[-1], flush=True)
    return results


def main() -> int:
    with Stack(f"prove-{os.getpid()}", ()) as stack:
        results = asyncio.run(prove(stack))
    table = Table("proof", "holds", "seen", title=f"aiokafka and Faust against Kafka {kafka.version()}")
    for result in results:
        table.add_row(result.name, "[green]yes[/]" if result.holds else "[red]NO[/]", result.figures)
    Console(width=200).print(table)
    return 0 if all(result.holds for result in results) else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["member"]:
            asyncio.run(member())
        case ["faust"]:
            sys.argv[1:] = []
            faust_worker()
        case _:
            sys.exit(main())
