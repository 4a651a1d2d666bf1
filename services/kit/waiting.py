"""Waiting for what is away: delays that grow, and the loop that goes on until it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from random import random

from services.kit import telemetry
from services.kit.errors import is_away

SHORTEST_S, LONGEST_S = 0.1, 5.0
_log = telemetry.log(__name__)


def backoff() -> Iterator[float]:
    """Delays in seconds, doubling to a ceiling, spread so that workers do not come back in step."""
    delay = SHORTEST_S
    while True:
        yield delay * (0.5 + random())  # noqa: S311  # spreading, not secrecy
        delay = min(delay * 2, LONGEST_S)


async def persevere(action: Callable[[], Awaitable[object]], stopping: asyncio.Event) -> None:
    """Do it, and again for as long as something it needs is away; give up only when told to stop."""
    for delay in backoff():
        if stopping.is_set():
            return
        try:
            await action()
        except Exception as error:
            if not is_away(error):
                raise
            _log.warning("waiting", error=type(error).__name__, seconds=round(delay, 2))
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), delay)
        else:
            return
