"""Watching things change: one look a tick at all that are watched, however many watch them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar
from uuid import UUID

from services.kit.errors import Unavailable
from services.kit.settings import Settings
from services.kit.waiting import persevere

T = TypeVar("T")


@dataclass(slots=True)
class Watching(Generic[T]):
    """`versions` answers those of many by id, `load` one of them; `version_of` and `is_final` look at one that is
    loaded.
    """

    settings: Settings
    versions: Callable[[Collection[UUID]], Awaitable[dict[UUID, int]]]
    load: Callable[[UUID], Awaitable[T | None]]
    version_of: Callable[[T], int]
    is_final: Callable[[T], bool]
    watchers: dict[UUID, set[asyncio.Event]] = field(default_factory=lambda: defaultdict(set))
    known: dict[UUID, int] = field(default_factory=dict)

    async def run(self, stopping: asyncio.Event) -> None:
        await persevere(partial(self._look, stopping), stopping)

    async def _look(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            if self.watchers:
                self._tell(await self.versions(list(self.watchers)))
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), self.settings.watch_tick_ms / 1000)

    def _tell(self, versions: dict[UUID, int]) -> None:
        for one, version in versions.items():
            if version > self.known.get(one, 0):
                self.known[one] = version
                for watcher in self.watchers.get(one, ()):
                    watcher.set()

    async def changes(self, watched: UUID, after: int) -> AsyncGenerator[T, None]:
        """It as it stands, if that is above `after`, then each time it has changed; ends with its last state.

        Raises Unavailable while too many watch.
        """
        if sum(map(len, self.watchers.values())) >= self.settings.watchers_max:
            raise Unavailable("too many watch already")
        changed = asyncio.Event()
        self.watchers[watched].add(changed)
        try:
            changed.set()  # what changed before we were among the watchers
            while True:
                await changed.wait()
                changed.clear()
                if (current := await self.load(watched)) is None:
                    return
                if self.version_of(current) > after:
                    after = self.version_of(current)
                    yield current
                if self.is_final(current):
                    return
        finally:
            self.watchers[watched].discard(changed)
            if not self.watchers[watched]:
                del self.watchers[watched]
                self.known.pop(watched, None)
