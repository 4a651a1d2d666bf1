"""Watching claims: one look a tick at all that are watched, however many watch them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from services.claims import store
from services.claims.model import Claim
from services.claims.model.moves import FINAL
from services.kit.db import Database
from services.kit.errors import Unavailable
from services.kit.settings import Settings
from services.kit.waiting import persevere


@dataclass(slots=True)
class Watching:
    database: Database
    settings: Settings
    watchers: dict[UUID, set[asyncio.Event]] = field(default_factory=lambda: defaultdict(set))
    versions: dict[UUID, int] = field(default_factory=dict)
    watched: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stopping: asyncio.Event) -> None:
        await persevere(partial(self._look, stopping), stopping)

    async def _look(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            if self.watchers:
                await self._tell(await store.versions(self.database, list(self.watchers)))
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), self.settings.watch_tick_ms / 1000)

    async def _tell(self, versions: dict[UUID, int]) -> None:
        for claim_id, version in versions.items():
            if version > self.versions.get(claim_id, 0):
                self.versions[claim_id] = version
                for watcher in self.watchers.get(claim_id, ()):
                    watcher.set()

    async def changes(self, claim: Claim, after: int) -> AsyncGenerator[Claim, None]:
        """The claim as it stands, if that is above `after`, then each time it has changed; ends with its last state."""
        if sum(map(len, self.watchers.values())) >= self.settings.watchers_max:
            raise Unavailable("too many watch already")
        changed = asyncio.Event()
        self.watchers[claim.id].add(changed)
        try:
            changed.set()  # what changed before we were among the watchers
            while True:
                await changed.wait()
                changed.clear()
                current = await store.claim_by_id(self.database, claim.id)
                if current is None:
                    return
                if current.version > after:
                    after = current.version
                    yield current
                if current.state in FINAL:
                    return
        finally:
            self.watchers[claim.id].discard(changed)
            if not self.watchers[claim.id]:
                del self.watchers[claim.id]
                self.versions.pop(claim.id, None)
