"""What is done every so often, beside a service's streams. Work of a timer is idempotent: two may do it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from services.kit import telemetry
from services.kit.errors import is_away, is_conflict, places

_log = telemetry.log(__name__)


async def every(seconds: float, stopping: asyncio.Event, work: Callable[[], Awaitable[object]]) -> None:
    """Work now and then until stopped. What fails is tried again the next time, and stops nothing beside it."""
    for kind in ("away", "bug"):
        telemetry.TIMER_FAILED.labels(kind)  # a counter that begins at 1 shows no increase
    while not stopping.is_set():
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # a bug here must not end the streams of its process
            known = is_away(error) or is_conflict(error)
            telemetry.TIMER_FAILED.labels("away" if known else "bug").inc()
            (_log.warning if known else _log.error)(
                "timer failed", error=type(error).__name__, places="" if known else places(error)
            )
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)
