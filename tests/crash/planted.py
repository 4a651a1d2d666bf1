"""Roles to break on purpose: `python -m tests.crash.planted worker | relay`, CRASH_PLANTED names what is wrong.

- `nothing`: a sound worker. It, like the others, can be told to hang at the worst moment: with its batch read, looked
  up and in a transaction, before the fence moves. It is told by a file of its process id in the folder CRASH_STALLS.
- `offset-first`: the offset is committed before the effect, as a consumer that commits on receipt does.
- `no-fence`: the offset is moved whatever it was before, as a consumer that trusts its assignment does.
- `delete-first`: a relay that deletes its events before the broker has them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from services.claims.main import main
from services.kit.db import Tx
from services.kit.inbox import Inbox
from services.kit.relay import Relay, Sent
from services.kit.set_aside import SetAside
from services.kit.stream import Batch, Span

_attempt = Inbox._attempt
_move_fence = Inbox._move_fence
_publish = Relay._publish


async def attempt_after_offset(self: Inbox[Any], batch: Batch, prepared: Any) -> None:
    async with self.database.transaction() as tx:
        await _move_fence(self, tx, batch.spans)
    await asyncio.sleep(0.05)  # as below
    await _attempt(self, batch, prepared)


async def move_nothing(self: Inbox[Any], tx: Tx, spans: Sequence[Span]) -> None:
    """The offset stands already."""


async def move_unconditionally(self: Inbox[Any], tx: Tx, spans: Sequence[Span]) -> None:
    for span in sorted(spans, key=lambda span: (span.topic, span.partition)):
        await tx.execute(
            "UPDATE consumed SET next_offset = $4 WHERE consumer = $1 AND topic = $2 AND partition = $3",
            self.stream.consumer,
            span.topic,
            span.partition,
            span.until,
        )


async def publish_after_delete(self: Relay, producer: Any, rows: Sequence[Any], aside: SetAside) -> Sent:
    await self.database.fetch("DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows])
    await asyncio.sleep(0.1)  # the bug's window, wide enough for a kill to meet it on a fast machine too
    return await _publish(self, producer, rows, aside)


Move = Callable[[Inbox[Any], Tx, Sequence[Span]], Awaitable[None]]


def hanging_before(move: Move) -> Move:
    """Before moving the fence, stop as SIGSTOP stops a process, if told to. Whatever else the process has open is ended
    by PostgreSQL, and others go on only then; this transaction it leaves, or it would do the fence's work."""

    async def hang_and_move(self: Inbox[Any], tx: Tx, spans: Sequence[Span]) -> None:
        told = Path(os.environ["CRASH_STALLS"]) / str(os.getpid())
        if told.exists():
            told.unlink()
            await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            os.kill(os.getpid(), signal.SIGSTOP)
        await move(self, tx, spans)

    return hang_and_move


if __name__ == "__main__":
    fence: Move = _move_fence
    match os.environ["CRASH_PLANTED"]:
        case "nothing":
            pass
        case "offset-first":
            Inbox._attempt = attempt_after_offset  # type: ignore[method-assign]
            fence = move_nothing
        case "no-fence":
            fence = move_unconditionally
        case "delete-first":
            Relay._publish = publish_after_delete  # type: ignore[method-assign]
        case other:
            raise SystemExit(f"no such bug: {other}")
    Inbox._move_fence = hanging_before(fence)  # type: ignore[method-assign, assignment]
    main()
