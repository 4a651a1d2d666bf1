"""Looking at claims again by and by: a figure of one employer may touch thousands. Each batch is a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from services.claims import store
from services.claims.store import Look, wages
from services.claims.usecases.again import decide_again, look
from services.claims.usecases.office import Office
from services.claims.wire.registry import WagesChanged
from services.kit import telemetry
from services.kit.db import Database, Tx
from services.kit.timer import narrowed

_TRIES: Final = 100
_TRY_EVERY_S: Final = 0.05
_log = telemetry.log(__name__)


async def hear_wages(tx: Tx, changed: Sequence[WagesChanged]) -> None:
    """Note whose figures changed. From here on, nobody decides by an older look-up."""
    noted = [wages.Changed(one.employer, one.version, one.recorded_at, year) for one in changed for year in one.years]
    if noted:
        await wages.hear(tx, noted)


async def queue_by_wages(office: Office, database: Database) -> None:
    """Queue the claims that rest on figures that changed.

    A claim that is being written by a look-up from before may not have met the change, and is not to be seen yet: so
    first, whoever writes now must have ended.
    """
    touched = await wages.touched(database, office.settings.look_again_employers_max)
    if not touched or not await _have_ended(database):
        return
    async with database.transaction() as tx:
        await wages.queue(tx, touched)


async def _have_ended(database: Database) -> bool:
    """Whether all who write at this moment have ended soon; if not, the next time is early enough."""
    begun = await wages.begun(database)
    for _ in range(_TRIES):
        if await wages.have_ended(database, begun):
            return True
        await asyncio.sleep(_TRY_EVERY_S)
    return False


async def look_again(office: Office, database: Database) -> int:
    """Decide a batch of the claims that are queued again, where the registry answers otherwise; answers how many."""
    queued = await store.to_look_at(database, office.settings.timer_claims_max)
    if not queued:
        return 0
    return await narrowed(partial(_look_again, office, database), queued, lambda one: one[0])


async def _look_again(office: Office, database: Database, queued: Sequence[tuple[UUID, Look | None]]) -> int:
    """Whoever is faster has them: they leave the queue under their persons' locks, with what became of them."""
    answers = await look(office, sorted({one for _, one in queued if one}))
    async with database.transaction() as tx:
        await store.lock_persons(tx, {one.person for _, one in queued if one})
        known = await store.of_claims(tx, await store.take_up(tx, [claim_id for claim_id, _ in queued]))
        outcome = await decide_again(office, tx, known, answers, cause="timer")
    _log.info("looked again", claims=len(queued), changed=len(outcome.changes), asked=len(outcome.asked))
    return len(queued)
