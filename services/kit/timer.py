"""What is done every so often, beside a service's streams. Work of a timer is idempotent: two may do it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from services.kit import telemetry
from services.kit.errors import is_away, is_conflict, places

_log = telemetry.log(__name__)
T = TypeVar("T")


async def every(seconds: float, stopping: asyncio.Event, work: Callable[[], Awaitable[object]]) -> None:
    """Work now and then until stopped. What fails is tried again the next time, and stops nothing beside it."""
    for kind in ("away", "bug"):
        telemetry.TIMER_FAILED.labels(kind)  # a counter that begins at 1 shows no increase
    while not stopping.is_set():
        await tried(work)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)


async def tried(work: Callable[[], Awaitable[object]]) -> None:
    """Do it once, as every time of a timer is done: what fails is told, and stops nothing."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001  # a bug here must not end the streams of its process
        known = is_away(error) or is_conflict(error)
        telemetry.TIMER_FAILED.labels("away" if known else "bug").inc()
        (_log.warning if known else _log.error)(
            "timer failed", error=type(error).__name__, places="" if known else places(error)
        )


async def apart(
    work: Callable[[T], Awaitable[int]],
    items: Sequence[T],
    name: Callable[[T], object],
    failed: Callable[[T], object] | None = None,
) -> int:
    """Work on each of these by itself: whatever stops one, a bug, a lost race, or that it is away, stops no other.

    That one is told by its name, given to `failed`, and comes again the next time. Answers the sum of what was done.
    """
    done = 0
    for item in items:
        try:
            done += await work(item)
        except Exception as error:  # noqa: BLE001  # told, and the others go on
            known = is_away(error) or is_conflict(error)
            telemetry.TIMER_FAILED.labels("away" if known else "bug").inc()
            (_log.warning if known else _log.error)(
                "timer failed",
                about=str(name(item)),
                error=type(error).__name__,
                places="" if known else places(error),
            )
            if failed is not None:
                failed(item)
    return done


async def narrowed(
    work: Callable[[Sequence[T]], Awaitable[int]],
    items: Sequence[T],
    name: Callable[[T], object],
    failed: Callable[[T], Awaitable[object]] | None = None,
) -> int:
    """Work on all of these at once; where a bug stops that, on each half, until the one it is about stands alone.

    That one is told by its name, left as it is, and given to `failed`; the others do not wait for it. Answers how many
    were done.
    """
    if not items:
        return 0
    try:
        return await work(items)
    except Exception as error:
        if is_away(error) or is_conflict(error):
            raise  # about none of them
        if len(items) == 1:
            telemetry.TIMER_FAILED.labels("bug").inc()
            _log.error("timer failed", about=str(name(items[0])), error=type(error).__name__, places=places(error))
            if failed is not None:
                await failed(items[0])
            return 0
    middle = len(items) // 2
    return await narrowed(work, items[:middle], name, failed) + await narrowed(work, items[middle:], name, failed)
