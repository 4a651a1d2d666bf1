"""Workers with a promise broken on purpose: `python -m tests.crash.planted worker`, CRASH_PLANTED says which.

- `offset-first`: the offset is committed before the effect, as a consumer that commits on receipt does.
- `no-fence`: the offset is moved whatever it was before, as a consumer that trusts its assignment does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from services.claims.main import main
from services.kit.db import Tx
from services.kit.inbox import Batch, Inbox, Span

_attempt = Inbox._attempt
_move_fence = Inbox._move_fence


async def attempt_after_offset(self: Inbox[Any], batch: Batch, prepared: Any) -> None:
    async with self.database.transaction() as tx:
        await _move_fence(self, tx, batch.spans)
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


if __name__ == "__main__":
    match os.environ["CRASH_PLANTED"]:
        case "offset-first":
            Inbox._attempt = attempt_after_offset  # type: ignore[method-assign]
            Inbox._move_fence = move_nothing  # type: ignore[method-assign]
        case "no-fence":
            Inbox._move_fence = move_unconditionally  # type: ignore[method-assign]
        case other:
            raise SystemExit(f"no such bug: {other}")
    main()
