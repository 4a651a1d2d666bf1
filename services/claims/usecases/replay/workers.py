"""The processes that decide again: each has a connection of its own, sees the one snapshot, and is told its chunks."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any, Final, NamedTuple, cast

from services.claims.store import replay as store
from services.claims.store.replay import Filter, Key
from services.claims.usecases.replay import again, draft
from services.kit import law as laws
from services.kit.errors import Unavailable, is_away
from services.kit.law import Law

_AHEAD: Final = 2  # chunks a worker holds, so that it need not wait for the next


class Order(NamedTuple):
    """What every worker is told once. `draft` is the content of a law; `cases_max` None: all of them."""

    dsn: str
    snapshot: str
    wanted: Filter
    draft: str | None
    cases_max: int | None


class Chunk(NamedTuple):
    number: int
    above: Key
    up_to: Key


class WorkerDied(RuntimeError):
    """A worker ended without a word; its own traceback is on standard error."""


def results(order: Order, chunks: Iterable[Chunk], jobs: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """What each chunk comes to, as they are finished. Raises Unavailable when the database is away."""
    left = iter(chunks)
    with _started(order, jobs) as pipes:
        open_chunks = 0
        for pipe in [*pipes] * _AHEAD:
            open_chunks += _give(pipe, left)
        while open_chunks:
            for ready in wait(pipes):
                pipe = cast("Connection", ready)
                number, result = _taken(pipe)
                open_chunks += _give(pipe, left) - 1
                yield number, result


def _give(pipe: Connection, left: Iterator[Chunk]) -> int:
    chunk = next(left, None)
    if chunk is None:
        return 0
    try:
        pipe.send(chunk)
    except OSError as error:
        raise WorkerDied from error
    return 1


def _taken(pipe: Connection) -> tuple[int, dict[str, Any]]:
    try:
        number, result = pipe.recv()
    except (EOFError, OSError) as error:
        raise WorkerDied from error
    if number is None:
        raise Unavailable(result)
    return number, result


@contextmanager
def _started(order: Order, jobs: int) -> Iterator[Sequence[Connection]]:
    """Workers that end with us: whoever holds the other end of a worker's pipe keeps it alive, and that is we alone."""
    context = multiprocessing.get_context("spawn")  # a fork would take our connection and loop along
    processes, pipes = [], []
    # Ctrl-C reaches the whole group of processes; it is for us to stop the workers.
    asked = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, order), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            pipes.append(ours)
    finally:
        signal.signal(signal.SIGINT, asked)
    try:
        yield pipes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _work(pipe: Connection, order: Order) -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000_000, 20, 20)  # nothing that deciding makes is a cycle
    try:
        asyncio.run(_decide_again(pipe, order))
    except (EOFError, BrokenPipeError):
        return  # whoever gave us work is gone
    except (OSError, *store.DatabaseError) as error:
        if not is_away(error):
            raise
        pipe.send((None, type(error).__name__))


async def _decide_again(pipe: Connection, order: Order) -> None:
    kept: dict[str, Law | str] = {}
    law = laws.from_content(order.draft) if order.draft is not None else None
    async with store.connected(order.dsn) as connection, store.sharing(connection, order.snapshot):
        while True:
            chunk: Chunk = pipe.recv()
            read = store.stored if law is None else store.latest
            rows = await read(connection, chunk.above, chunk.up_to, order.wanted)
            for digest in {row["law_digest"] for row in rows} - kept.keys():
                kept[digest] = _law(digest, await store.law_content(connection, digest))
            if law is None:
                found = [difference._asdict() for difference in again.different(rows, kept)]
                told: dict[str, Any] = {}
            else:
                chunked = draft.Chunk(law, kept)
                for row in rows:
                    chunked.take(row)
                found, told = chunked.cases, chunked.as_data()
            result = {"rows": len(rows), "different": len(found), "cases": found[: order.cases_max], **told}
            pipe.send((chunk.number, result))


def _law(digest: str, content: str | None) -> Law | str:
    """The law as it was stored, or the word of what is wrong with it."""
    if content is None:
        return "LAW_MISSING"
    if hashlib.sha256(content.encode()).hexdigest() != digest:
        return "LAW_ALTERED"
    try:
        return laws.from_content(content)
    except (ValueError, LookupError, TypeError):
        return "LAW_UNREADABLE"
