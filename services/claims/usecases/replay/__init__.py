"""Stored determinations decided again on all cores: does each come out as it was, or what would a draft change?

- `again`: by their own law and rules, to the byte.
- `draft`: the latest of each claim under a draft of the law, line beside line.
- `checkpoint`: what is done, so that an interrupted run goes on.
- `workers`: the processes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import SEEK_END
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import IO, Any, Final, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from services.claims import rules
from services.claims.store import replay as store
from services.claims.store.replay import FIRST, Filter, Key
from services.claims.usecases.replay.checkpoint import Checkpoint, opened
from services.claims.usecases.replay.draft import Cost
from services.claims.usecases.replay.workers import Chunk, Order, WorkerDied, results
from services.kit.errors import Invalid
from services.kit.law import Law
from services.kit.messages import reason

__all__ = ["Asked", "Cost", "Report", "Watch", "WorkerDied", "replay"]

CHUNK_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What to decide again. `draft`: under this law instead of each one's own. `cases_max`: how many are told of."""

    since: date | None = None
    county: str = ""
    sample: int | None = None
    seed: int = 0
    draft: Law | None = None
    cases_max: int | None = None
    changes: Path | None = None  # every case, as NDJSON

    def as_data(self, dsn: str) -> dict[str, Any]:
        """What makes it the same replay, so that it may be gone on with."""
        address = urlsplit(dsn)
        return {
            "database": f"{address.hostname}:{address.port}{address.path}",
            "rules": rules.REVISION,
            "since": self.since.isoformat() if self.since else None,
            "county": self.county,
            "sample": self.sample,
            "seed": self.seed,
            "draft": self.draft.digest if self.draft else None,
            "cases_max": self.cases_max,
            "changes": str(self.changes.absolute()) if self.changes else None,
        }

    def checkpoint(self, dsn: str) -> Path:
        """The name of the checkpoint if none is given."""
        digest = hashlib.sha256(orjson.dumps(self.as_data(dsn))).hexdigest()
        return Path(f"cradle-replay-{digest[:12]}.ndjson")


class Watch:
    """Who is told how it goes; does nothing by itself."""

    def began(self, checkpoint: Path, rows: int, resumed: int) -> None:
        """`rows`: in the table, of which `resumed` lie in chunks that were finished before."""

    def went_on(self, rows: int, different: int, per_s: float) -> None:
        """So many rows of the table are done."""


@dataclass(slots=True)
class Report:
    """`rows` were decided, `resumed` of them in earlier runs; `cases` are the first that differ, by key."""

    rows: int = 0
    different: int = 0
    resumed: int = 0
    seconds: float = 0.0
    cases: list[dict[str, Any]] = field(default_factory=list)
    cost: Cost | None = None

    @property
    def same(self) -> int:
        return self.rows - self.different

    @property
    def per_s(self) -> float:
        return (self.rows - self.resumed) / self.seconds if self.seconds else 0.0


def replay(dsn: str, asked: Asked, jobs: int, checkpoint: Path, watch: Watch | None = None) -> Report:
    """Decide again. Raises Invalid for a file that cannot be used, Unavailable when the database is away."""
    begun = perf_counter()
    with opened(checkpoint, asked.as_data(dsn)) as memory, _changes(asked.changes, memory) as changes:
        resumed = sum(result["rows"] for result in memory.done.values())
        with _snapshot(dsn) as shared:
            if memory.plan is None:
                memory.begin(shared.run(_plan(shared.connection, asked)))
            _decide(Work(dsn, shared.name, asked, jobs), memory, changes, watch or Watch())
        report = _report(asked, memory)
        memory.end(keep=asked.draft is None and bool(report.different))
    report.resumed, report.seconds = resumed, perf_counter() - begun
    return report


@dataclass(frozen=True, slots=True)
class Shared:
    """The connection that holds the snapshot, and its name. Its loop runs when asked, never beside other code."""

    connection: store.Connection
    name: str
    run: Callable[[Coroutine[Any, Any, Any]], Any]


@contextmanager
def _snapshot(dsn: str) -> Iterator[Shared]:
    with asyncio.Runner() as runner:
        opened_here = AsyncExitStack()

        async def hold() -> tuple[store.Connection, str]:
            connection = await opened_here.enter_async_context(store.connected(dsn))
            return connection, await opened_here.enter_async_context(store.snapshot(connection))

        try:
            yield Shared(*runner.run(hold()), runner.run)
        finally:
            runner.run(opened_here.aclose())


async def _plan(connection: store.Connection, asked: Asked) -> dict[str, Any]:
    """Where to cut, and the hash that draws the sample, as the checkpoint keeps them."""
    bounds, rows = await store.plan(connection, CHUNK_ROWS)
    wanted = Filter(asked.since, asked.county, asked.seed)
    if asked.sample is not None:
        wanted = await store.sampled(connection, wanted, asked.sample, latest=asked.draft is not None)
    return {"rows": rows, "hash_max": wanted.hash_max, "bounds": [(str(claim), version) for claim, version in bounds]}


class Work(NamedTuple):
    dsn: str
    snapshot: str
    asked: Asked
    jobs: int


def _decide(work: Work, memory: Checkpoint, changes: IO[bytes] | None, watch: Watch) -> None:
    """Have every chunk decided that is not yet, and remember each."""
    asked, plan = work.asked, memory.plan or {}
    ends = [Key(UUID(claim), version) for claim, version in plan["bounds"]]
    chunks = [Chunk(number, above, up_to) for number, (above, up_to) in enumerate(pairwise([FIRST, *ends]))]
    left = [chunk for chunk in chunks if chunk.number not in memory.done]
    sizes = [CHUNK_ROWS] * (len(chunks) - 1) + [plan["rows"] - CHUNK_ROWS * (len(chunks) - 1)]
    done, decided = sum(sizes[number] for number in memory.done), 0
    different = sum(result["different"] for result in memory.done.values())
    watch.began(memory.path, plan["rows"], done)
    order = Order(
        work.dsn,
        work.snapshot,
        Filter(asked.since, asked.county, asked.seed, plan["hash_max"]),
        asked.draft.content if asked.draft else None,
        None if changes else asked.cases_max,
    )
    begun = perf_counter()
    for number, result in results(order, left, min(work.jobs, len(left))):
        if changes is not None:
            changes.writelines(orjson.dumps(case) + b"\n" for case in result["cases"])
            changes.flush()
            result["changes_at"] = changes.tell()
        memory.finish(number, {**result, "cases": result["cases"][: asked.cases_max]})
        done, decided, different = done + sizes[number], decided + result["rows"], different + result["different"]
        watch.went_on(done, different, decided / (perf_counter() - begun))


@contextmanager
def _changes(path: Path | None, memory: Checkpoint) -> Iterator[IO[bytes] | None]:
    """The file of all cases, cut back to what the checkpoint knows of."""
    if path is None:
        yield None
        return
    known = max((result["changes_at"] for result in memory.done.values()), default=0)
    try:
        with path.open("r+b" if known else "wb") as file:
            if file.seek(0, SEEK_END) < known:
                raise Invalid(reason("REPLAY_CHANGES_LOST", "--changes", file=path, checkpoint=memory.path))
            file.seek(known)
            file.truncate()
            yield file
    except OSError as error:
        raise Invalid(reason("REPLAY_FILE", "--changes", file=path, problem=error.strerror or "")) from error


def _report(asked: Asked, memory: Checkpoint) -> Report:
    finished = [memory.done[number] for number in sorted(memory.done)]
    cases = [case for result in finished for case in result["cases"]]
    cost = Cost() if asked.draft else None
    if cost is not None:
        for result in finished:
            cost.take(result)
    return Report(
        rows=sum(result["rows"] for result in finished),
        different=sum(result["different"] for result in finished),
        cases=cases[: asked.cases_max],
        cost=cost,
    )
