"""What takes too long for every bench: two workers beside one, the memory of a worker, and the cost of a long history.

    python -m tests.bench.long [HISTORY]

The same backlog is measured at 10 000 claims on file and at HISTORY of them, each time by a worker that was just
started, and after a vacuum and a checkpoint: what a bulk load leaves to the database falls on neither. Between the two
one worker takes everything in, and its resident memory is read on the way.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer
from rich.console import Console
from rich.table import Table

from deploy.local.stack import Stack
from tests.bench import load
from tests.bench.__main__ import EVENTS, INTAKE, ends, heard, measure_backlog

RESULT = Path("build/bench-long.json")
FIRST, STEP, BACKLOG = 10_000, 50_000, 30_000
_console = Console(stderr=True)
_persons = count()


def resident_mb(pid: int) -> float:
    """The resident memory of a process, now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def newcomers(stack: Stack, how_many: int) -> Sequence[tuple[bytes, bytes]]:
    """Claims of women the registry has just been told of."""
    people = [next(_persons) for _ in range(how_many)]
    await load.fill_registry(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator, people[0], how_many)
    return [(load.key(person), load.claim(person, f"N-{person}")) for person in people]


async def take_in(stack: Stack, how_many: int) -> None:
    """Add to what is on file, by the worker that runs."""
    broker = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    watcher = AIOKafkaConsumer(EVENTS, bootstrap_servers=broker)
    await watcher.start()
    wanted = await ends(watcher, EVENTS) + how_many
    await load.produce(broker, INTAKE, await newcomers(stack, how_many))
    while await ends(watcher, EVENTS) < wanted:  # noqa: ASYNC110  # what is watched is another process
        await asyncio.sleep(0.2)
    await watcher.stop()


async def rest(stack: Stack) -> None:
    """Have the database do what it has put off, so that it does not do it while something is measured."""
    for service in ("claims", "registry"):
        connection = await asyncpg.connect(f"{stack.environment['DATABASE_URL']}/cradle_{service}")
        await connection.execute("VACUUM (ANALYZE)", timeout=600)
        await connection.execute("CHECKPOINT", timeout=600)
        await connection.close()


async def measure(stack: Stack, history: int) -> dict[str, float]:
    await take_in(stack, FIRST)
    first = await newcomers(stack, BACKLOG)
    await rest(stack)
    one = await measure_backlog(stack, first)
    _console.print(f"one worker {one:,.0f}/s ...")
    both = await newcomers(stack, 2 * BACKLOG)
    await rest(stack)
    two = await measure_backlog(stack, both, workers=2)
    _console.print(f"two workers {two:,.0f}/s; on to {history:,} claims ...")
    memory = {}
    for on_file in range(FIRST + 3 * BACKLOG, history, STEP):
        await take_in(stack, STEP)
        memory[on_file + STEP] = resident_mb(stack.pid("claims-worker") or 0)
        _console.print(f"  {on_file + STEP:,}: {memory[on_file + STEP]:.0f} MB")
    await heard(stack)
    last = await newcomers(stack, BACKLOG)
    await rest(stack)
    later = await measure_backlog(stack, last)
    return {
        "claims_per_s": round(one),
        "claims_per_s_by_two": round(two),
        "history": history,
        "claims_per_s_on_history": round(later),
        "cost_on_history": round(one / later, 2),
        "memory_mb_first": round(min(list(memory.values())[:2]), 1),
        "memory_mb_last": round(max(list(memory.values())[-2:]), 1),
    }


def main() -> None:
    history = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with Stack("bench-long", settings={"CRADLE_TODAY": load.TODAY.isoformat()}) as stack:
        stack.stop_role("treasury-worker")  # it would reserve on the same two cores what is being measured
        figures = asyncio.run(measure(stack, history))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    table = Table("figure", "value", title="bench, the long form")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
