"""Proves that aiokafka and Faust get on with the Kafka of the local stack: `python -m tools.prove_stack`.

Every proof runs on a real stack with real kills. Run it again when a client or the broker changes version; names of
proofs (send, batch, takeover, restart, crash, away, faust, faust-crash) choose among them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.partitioner import DefaultPartitioner
from rich.console import Console
from rich.table import Table

from deploy.local import kafka
from deploy.local.process import Process
from deploy.local.roles import Role
from deploy.local.stack import Stack

RECORDS = 20_000
KEYS = 500
PARTITIONS = 6
PAYLOAD = b"x" * 480
SERVICE = "prove"
SETTLE_S = 60.0
MEMBER = Role("member", (sys.executable, "-m", "tools.prove_stack", "worker", "member"), answers_readyz=False)
FAUST = Role("faust", (sys.executable, "-m", "tools.prove_stack", "worker", "faust"), answers_readyz=False)


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


@asynccontextmanager
async def consuming(stack: Stack, *topics: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=servers, enable_auto_commit=False, **options)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def everything(consumer: AIOKafkaConsumer, topic: str) -> AsyncIterator[Any]:
    """Every record of a topic up to its present end, each partition in the log's order."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    ends = await consumer.end_offsets(partitions)
    while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
        for records in (await consumer.getmany(timeout_ms=300)).values():
            for record in records:
                yield record


async def read_all(stack: Stack, topic: str) -> dict[int, list[int]]:
    """The numbers in each partition of a topic."""
    found: dict[int, list[int]] = defaultdict(list)
    async with consuming(stack) as consumer:
        async for record in everything(consumer, topic):
            found[record.partition].append(int.from_bytes(record.value[:4]))
    return found


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
    return {int(found) for found in re.findall(r"producerId: (-?\d+)", dump.stdout)}


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
        later = f"member <> $1 AND at > $2 AND partition IN ({theirs})"
        gap = f"SELECT extract(epoch FROM min(at) - $2) FROM seen WHERE {later}"
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


async def until_true(question: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + SETTLE_S
    while not question():
        if time.monotonic() > deadline_s:
            raise TimeoutError
        await asyncio.sleep(0.05)


# -- the broker goes away --


async def broker_restart(stack: Stack, *, kill: bool) -> Proof:
    word = "killed" if kill else "restarted"
    topic = f"prove.broker.{word}"
    stack.create_topic(topic, PARTITIONS)
    async with consuming(stack, topic, group_id=topic, auto_offset_reset="earliest") as consumer:
        reading = asyncio.create_task(follow(consumer))
        async with producing(stack) as producer:
            sending = asyncio.create_task(send_paced(producer, topic))
            await asyncio.sleep(1.5)
            began_s = time.monotonic()
            await asyncio.to_thread(stack.broker_stop, kill=kill)
            await asyncio.to_thread(stack.broker_start)
            down_s = time.monotonic() - began_s
            longest_s = await sending
        followed = await asyncio.wait_for(reading, SETTLE_S)
    in_log, figures = audit(await read_all(stack, topic))
    was_read, _ = audit(followed)
    figures = f"{figures}; the same read live: {was_read}; down {down_s:.1f} s, longest send {longest_s:.1f} s"
    return Proof(f"broker {word} while producing and consuming", in_log and was_read, figures)


async def send_paced(producer: AIOKafkaProducer, topic: str, pause_s: float = 0.1) -> float:
    """Send with pauses, for other things to happen meanwhile; answer how long the slowest answer took."""
    slowest_s = 0.0
    for first in range(0, RECORDS, 500):
        began_s = time.monotonic()
        numbers = range(first, first + 500)
        await asyncio.gather(*[await producer.send(topic, value_of(n), key_of(n)) for n in numbers])
        slowest_s = max(slowest_s, time.monotonic() - began_s)
        await asyncio.sleep(pause_s)
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
    import faust  # noqa: PLC0415  # an extra, and slow to import, of which only these processes have need

    broker = f"kafka://{os.environ['KAFKA_BOOTSTRAP_SERVERS']}"
    app = faust.App(
        os.environ["PROVE_TOPIC"], broker=broker, web_enabled=False, topic_partitions=PARTITIONS, store="memory://",
        broker_rebalance_timeout=4, broker_session_timeout=4, broker_heartbeat_interval=1, broker_commit_interval=0.2,
        topic_disable_leader=True, datadir=f"{os.environ['PROVE_FOLDER']}-{os.getpid()}",
    )  # fmt: skip
    topic = app.topic(
        os.environ["PROVE_TOPIC"], key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    counts = app.Table("counts", default=int, partitions=PARTITIONS)

    handled = 0

    @app.agent(topic)
    async def count(stream: Any) -> None:
        nonlocal handled
        async for key, _ in stream.items():  # noqa: PERF102  # a stream of events and not a dict
            counts[key.decode()] += 1
            handled += 1
            if handled % 50 == 0:
                print(f"handled {handled}", flush=True)  # Faust makes a log line of every piece that print writes

    return app


def faust_worker() -> None:
    import faust  # noqa: PLC0415  # an extra, and slow to import, of which only these processes have need

    faust.Worker(faust_app(), loglevel="INFO").execute_from_commandline()


def handled_by(worker: Process) -> int:
    """How many events a worker says that it has handled."""
    said = re.findall(r"handled (\d+)\s", worker.command.log.read_text())
    return int(said[-1]) if said else 0


async def faust_counts(stack: Stack, *, kill: bool) -> Proof:
    """Count while a second worker joins and leaves; the records go on coming all the time."""
    word = "dies" if kill else "leaves"
    topic = f"prove.faust.{word}"
    stack.create_topic(topic, PARTITIONS)
    env = {"PROVE_TOPIC": topic, "PROVE_FOLDER": str(stack.folder / topic)}
    role = replace(FAUST, name=topic)  # and so a log of its own
    first = await asyncio.to_thread(stack.start_role, role, env)
    await counted(stack, topic, 0)
    async with producing(stack) as producer:
        sending = asyncio.create_task(send_paced(producer, topic, pause_s=0.6))
        await counted(stack, topic, RECORDS // 10)
        second = await asyncio.to_thread(stack.start_role, role, env)
        await until_true(lambda: handled_by(second) >= RECORDS // 20)
        await asyncio.sleep(2)  # long enough to be in the middle of its commits
        await asyncio.to_thread(second.kill, restart=False) if kill else await asyncio.to_thread(second.stop)
        left_in_time = not sending.done()
        await sending
    total = await counted(stack, topic, RECORDS)
    await asyncio.to_thread(first.stop)
    again = total - RECORDS
    shares = f"first handled {handled_by(first)}, second {handled_by(second)}"
    figures = f"{total} counted of {RECORDS}: {again} again ({again / RECORDS:.1%}), none lost; {shares}"
    return Proof(f"Faust: a second worker joins and {word}", total >= RECORDS and left_in_time, figures)


async def counted(stack: Stack, topic: str, enough: int) -> int:
    """Wait until the table's changelog sums up to enough, and no longer grows; answer the sum."""
    deadline_s = time.monotonic() + SETTLE_S
    before, total = -1, await table_total(stack, topic)
    while total < enough or (enough == RECORDS and total != before):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"Faust counted {total}")
        await asyncio.sleep(0.5)
        before, total = total, await table_total(stack, topic)
    return total


async def table_total(stack: Stack, topic: str) -> int:
    """The sum of the table, read from its changelog; -1 while that is not there."""
    changelog = f"{topic}-counts-changelog"
    async with consuming(stack) as consumer:
        if changelog not in await consumer.topics():
            return -1
        latest = {record.key: json.loads(record.value) async for record in everything(consumer, changelog)}
    return sum(latest.values())


PROOFS: dict[str, Callable[[Stack], Awaitable[Proof]]] = {
    "send": idempotent_send,
    "batch": idempotent_batches,
    "takeover": takeover,
    "restart": lambda stack: broker_restart(stack, kill=False),
    "crash": lambda stack: broker_restart(stack, kill=True),
    "away": stop_without_broker,
    "faust": lambda stack: faust_counts(stack, kill=False),
    "faust-crash": lambda stack: faust_counts(stack, kill=True),
}


async def prove(stack: Stack, names: Sequence[str]) -> list[Proof]:
    results = []
    for name in names:
        results.append(await PROOFS[name](stack))
        print(results[-1].name, "holds" if results[-1].holds else "DOES NOT HOLD", flush=True)
    return results


def main(names: Sequence[str]) -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells every refused connection; we refuse many
    with Stack(f"prove-{os.getpid()}", ()) as stack:
        results = asyncio.run(prove(stack, names or tuple(PROOFS)))
    table = Table("proof", "holds", "seen", title=f"aiokafka and Faust against Kafka {kafka.version()}", min_width=100)
    for result in results:
        table.add_row(result.name, "[green]yes[/]" if result.holds else "[red]NO[/]", result.figures)
    Console(width=160).print(table)
    if not all(result.holds for result in results):
        return 1
    stack.remove()
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["worker", "member"]:
            asyncio.run(member())
        case ["worker", "faust"]:
            sys.argv[1:] = []
            faust_worker()
        case names:
            sys.exit(main(names))
