"""How fast stored determinations are decided again, and what deciding costs beside parsing.

`python -m tests.bench.replay` measures this part alone, on a database of its own.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

import psutil
from cradle.claims.v1 import intake_pb2
from google.type.date_pb2 import Date

from deploy.local.stack import Stack
from services.claims import rules
from services.claims.model import Facts
from services.claims.usecases.replay import Asked, replay
from services.kit.migrations import migrate
from tests.bench import load
from tests.bench.mixed import mixed
from tests.claims.stored import contents, stored
from tests.claims.written import Written, claim_id, decided, of_old, write

ROWS: Final = 200_000
DIFFERENT: Final = 20_000  # claims that are made and decided; the rest repeat them under other numbers
OLD_EVERY: Final = 5  # one row in five is of an earlier revision of the rules
NEIGHBOURS: Final = 200  # claims of the same few days, repeated until the next
BATCH: Final = 500
T = TypeVar("T")


def history(rows: int, facts: Sequence[Facts]) -> Iterator[Written]:
    """As many determinations, new and old ones beside each other; ids are in the order of time, and so are the days."""
    new = [decided(0, one, rules.LAW) for one in facts]
    old = list(of_old(0, stored()))
    for n in range(rows):
        days = n * len(new) // rows // NEIGHBOURS * NEIGHBOURS
        made = old[n % len(old)] if n % OLD_EVERY == 0 else new[(days + n % NEIGHBOURS) % len(new)]
        yield made._replace(claim=claim_id(n + 1), county=f"6103{n % 12:02d}")


def per_s(dsn: str, rows: int) -> float:
    """Rows a second of a whole replay, its start and its plan in it; none may come out otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        report = replay(dsn, Asked(), psutil.cpu_count() or 1, Path(folder) / "checkpoint")
        elapsed = time.perf_counter() - begun
    assert (report.rows, report.different) == (rows, 0), report.cases[:3]
    return rows / elapsed


def median_us(work: Callable[[T], object], given: Sequence[T]) -> float:
    """The median of batches of 500, of one of them, in microseconds."""
    took, left = [], iter(given)
    while len(batch := list(islice(left, BATCH))) == BATCH:
        begun = time.perf_counter()
        for one in batch:
            work(one)
        took.append((time.perf_counter() - begun) / BATCH)
    return median(took) * 1e6


def message(number: int, facts: Facts) -> bytes:
    """The claim on the intake topic, 485 bytes as the raw ceiling parses them."""
    intake = intake_pb2.ClaimIntake.FromString(load.claim(number, f"M-{number}"))
    body, event = intake.submit.claim, facts.event
    body.event.date.CopyFrom(Date(year=event.date.year, month=event.date.month, day=event.date.day))
    body.event.infants, body.event.birth_order = event.infants, event.birth_order or 0
    body.event.dystocia = event.dystocia
    return intake.SerializeToString()


def measure(stack: Stack) -> dict[str, float]:
    facts = list(mixed(DIFFERENT))
    values = [message(n, one) for n, one in enumerate(facts)]
    parse_us = median_us(lambda value: intake_pb2.ClaimIntake.FromString(value).submit.claim, values)
    decide_us = median_us(lambda one: rules.decide(one, rules.LAW), facts)
    begun = time.perf_counter()
    for one in facts:
        rules.decide(one, rules.LAW)
    decides_per_s = DIFFERENT / (time.perf_counter() - begun)
    dsn = filled(stack, ROWS, facts)
    return {
        "replay_per_s": round(max(per_s(dsn, ROWS) for _ in range(2))),
        "replay_rows": ROWS,
        "decides_per_s": round(decides_per_s),
        "decide_us": round(decide_us, 1),
        "parse_us": round(parse_us, 2),
        "decide_vs_parse": round(decide_us / parse_us, 1),
    }


def filled(stack: Stack, rows: int, facts: Sequence[Facts]) -> str:
    """A database with a history in it; its address."""
    dsn = stack.create_database(f"replay_{rows}")
    migrate(dsn, "claims")
    write(dsn, history(rows, facts), [(rules.LAW.digest, rules.LAW.content), *contents().items()])
    return dsn


if __name__ == "__main__":
    with Stack("bench-replay", roles=()) as alone:
        json.dump(measure(alone), sys.stdout, indent=2)
