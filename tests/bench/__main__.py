"""`make bench`: the product against the raw ceiling, on one stack, in one run; prints and writes build/bench.json."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import quantiles

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from cradle.claims.v1 import receipt_pb2
from rich.console import Console
from rich.table import Table

from deploy.local.stack import Stack
from tests.bench import certificates, load, lookup, orders, paper, raw, replay, runs

RECORDS = 30_000
LATENCY_S = 15
COVERAGE = "registry.coverage.v1"
INTAKE, RECEIPT, EVENTS = "claims.intake.v1.hospitals", "claims.receipt.v1.hospitals", "claims.claim.v1"
RESULT = Path("build/bench.json")
_console = Console(stderr=True)


async def make_topics(broker: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    await admin.create_topics([NewTopic(name, 6, 1) for name in (raw.TOPIC_IN, raw.TOPIC_OUT)])
    await admin.close()


async def measure_raw(environment: Mapping[str, str], records: Sequence[tuple[bytes, bytes]]) -> float:
    """The ceiling, in a process of its own, over a backlog."""
    broker = environment["KAFKA_BOOTSTRAP_SERVERS"]
    await make_topics(broker)
    await load.produce(broker, raw.TOPIC_IN, records)
    dsn = f"{environment['DATABASE_URL']}/cradle_claims"
    command = [sys.executable, "-m", "tests.bench.raw", broker, dsn, str(len(records))]
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    connection = await asyncpg.connect(dsn)
    await connection.execute("DROP TABLE raw_claim, raw_outbox")
    await connection.close()
    return float(json.loads(done.stdout)["raw_per_s"])


async def ends(consumer: AIOKafkaConsumer, topic: str) -> int:
    places = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or {0})]
    return sum((await consumer.end_offsets(places)).values())


async def heard(stack: Stack) -> None:
    """Return when the worker has heard of everybody's coverage: what is measured afterwards is claims alone."""
    watcher = AIOKafkaConsumer(COVERAGE, bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"])
    await watcher.start()
    claims = await asyncpg.connect(f"{stack.environment['DATABASE_URL']}/cradle_claims")
    registry = await asyncpg.connect(f"{stack.environment['DATABASE_URL']}/cradle_registry")
    taken = "SELECT COALESCE(sum(next_offset), 0) FROM consumed WHERE consumer = 'claims.coverage'"
    while True:
        waiting = await registry.fetchval("SELECT EXISTS (SELECT FROM outbox)")
        if not waiting and await ends(watcher, COVERAGE) <= await claims.fetchval(taken):
            break
        await asyncio.sleep(0.2)
    await claims.close()
    await registry.close()
    await watcher.stop()


async def measure_backlog(stack: Stack, records: Sequence[tuple[bytes, bytes]], workers: int = 1) -> float:
    """Claims a second from the intake to an event on its topic, over a backlog that waits when the workers start.

    More than one are measured from when the last is ready and a quarter is taken: a group that changes hands rests
    meanwhile. One is left running.
    """
    broker = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    await heard(stack)
    stack.stop_role("claims-worker")
    watcher = AIOKafkaConsumer(EVENTS, bootstrap_servers=broker)
    await watcher.start()
    before = await ends(watcher, EVENTS)
    await load.produce(broker, INTAKE, records)
    started: list[str] = []

    def start() -> None:
        started.extend(stack.start_role("claims-worker").name for _ in range(workers))

    starting = asyncio.create_task(asyncio.to_thread(start))
    first: tuple[float, int] | None = None
    while True:
        seen = await ends(watcher, EVENTS) - before
        if first is None and (seen if workers == 1 else starting.done() and 4 * seen > len(records)):
            first = (time.perf_counter(), seen)
        if seen >= len(records):
            break
        # Looking costs the broker, too: more often only where the end is near.
        await asyncio.sleep(0.05 if 10 * seen >= 9 * len(records) else 0.25)
    elapsed = time.perf_counter() - first[0] if first else 0.0
    await starting
    for more in started[1:]:
        stack.stop_role(more)
    await watcher.stop()
    return (len(records) - first[1]) / elapsed if first else 0.0


async def measure_latency(broker: str, records: Sequence[tuple[bytes, bytes]], per_s: float) -> tuple[float, float]:
    """Median and 99th percentile, in ms, from the instant a claim was due to be sent to its receipt read back."""
    watcher = AIOKafkaConsumer(RECEIPT, bootstrap_servers=broker, auto_offset_reset="latest")
    await watcher.start()
    await watcher.seek_to_end()
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all", enable_idempotence=True)
    await producer.start()
    seen: dict[str, float] = {}

    async def watch() -> None:
        while len(seen) < len(records):
            for batch in (await watcher.getmany(timeout_ms=100)).values():
                for record in batch:
                    seen.setdefault(receipt_pb2.ClaimReceipt.FromString(record.value).claim_number, time.time())

    watching = asyncio.create_task(watch())
    due = await load.send_open_loop(producer, INTAKE, records, per_s)
    await asyncio.wait_for(watching, 60)
    await producer.stop()
    await watcher.stop()
    numbers = [f"L-{n}" for n in range(len(records))]
    marks = quantiles([(seen[number] - at) * 1000 for number, at in zip(numbers, due, strict=True)], n=100)
    return marks[49], marks[98]


def is_compiled(stack: Stack, role: str) -> bool:
    """Whether the running role says so; else what is measured is plain Python."""
    address = stack.process(role).command.env["CRADLE_METRICS_LISTEN"]
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        return b'cradle_build_info{compiled="true"}' in answer.read()


def peak_mb(pid: int) -> float:
    """The high-water mark of a process's resident memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


async def bench(stack: Stack) -> dict[str, float]:
    broker, registry = stack.environment["KAFKA_BOOTSTRAP_SERVERS"], stack.environment["CRADLE_REGISTRY_TARGET"]
    backlog = [(load.key(n), load.claim(n, f"B-{n}")) for n in range(RECORDS)]
    _console.print("raw ceiling ...")
    raw_per_s = await measure_raw(stack.environment, backlog)
    _console.print(f"  {raw_per_s:,.0f}/s; the product ...")
    await load.fill_registry(registry, stack.operator, 0, RECORDS)
    claims_per_s = await measure_backlog(stack, backlog)
    _console.print(f"  {claims_per_s:,.0f}/s; latency at half of it ...")
    count = int(claims_per_s / 2 * LATENCY_S)
    await load.fill_registry(registry, stack.operator, RECORDS, count)
    p50_ms, p99_ms = await measure_latency(
        broker, [(load.key(RECORDS + n), load.claim(RECORDS + n, f"L-{n}")) for n in range(count)], claims_per_s / 2
    )
    _console.print("  the same backlog again, on what is on file by now ...")
    history, first = RECORDS + count, RECORDS + count
    later = [(load.key(first + n), load.claim(first + n, f"H-{n}")) for n in range(RECORDS)]
    await load.fill_registry(registry, stack.operator, first, RECORDS)
    later_per_s = await measure_backlog(stack, later)
    _console.print("  allowances and what hospitals have settled, mixed ...")
    await load.fill_registry(registry, stack.operator, first + RECORDS, RECORDS // 2)
    mixed_per_s = await measure_backlog(stack, load.mixed(first + RECORDS, RECORDS, "M"))
    return {
        "raw_per_s": round(raw_per_s),
        "claims_per_s": round(claims_per_s),
        "claims_vs_raw": round(claims_per_s / raw_per_s, 3),
        "p50_ms": round(p50_ms, 1),
        "p99_ms": round(p99_ms, 1),
        "peak_mb": round(peak_mb(stack.pid("claims-worker") or 0), 1),
        "claims_per_s_later": round(later_per_s),
        "history": history,
        "claims_mixed_per_s": round(mixed_per_s),
        "claims_mixed_vs_raw": round(mixed_per_s / raw_per_s, 3),
        "bytes_per_claim": load.SIZE,
        "records": RECORDS,
        "cores": psutil.cpu_count() or 0,
        "compiled": is_compiled(stack, "claims-worker"),
    }


def main() -> None:
    settings = {"CRADLE_TODAY": load.TODAY.isoformat()}
    _console.print("look-ups of the registry ...")
    with Stack("bench-lookup", ()) as stack:  # a statement of a few ms: not what a load before left to be vacuumed
        lookup_ms = asyncio.run(lookup.measure(stack))
    with Stack("bench", settings=settings) as stack:
        stack.stop_role("treasury-worker")  # it would reserve on the same two cores what is being measured
        figures = {**asyncio.run(bench(stack)), "coverage_lookup_ms": lookup_ms}
        _console.print("  stored determinations decided again ...")
        figures |= replay.measure(stack)
        _console.print("  certificates ...")
        stack.stop_role("certification-worker")  # it would sweep what is being measured
        figures |= asyncio.run(certificates.measure(stack))
        figures["pdf_ms"] = paper.measure(60)["pdf_ms"]
    _console.print("  orders to reserved postings ...")
    with Stack("bench-orders", settings=settings) as stack:  # a treasury that has seen no order yet
        figures |= asyncio.run(orders.measure(stack))
    _console.print(f"  a run of {runs.PAYMENTS:,} payments ...")
    figures |= runs.apart()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    table = Table("figure", "value", title="bench")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
