"""A run goes on: chunk after chunk of whatever it is at, and its end."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.kit.db import Tx
from services.kit.errors import Refused
from services.kit.messages import reason
from services.kit.timer import apart
from services.treasury.model import Run, RunState
from services.treasury.store import heard, holding, payments, runs
from services.treasury.usecases.approving import (
    LINES_MAX,
    cancel_chunk,
    check_chunk,
    commit_chunk,
    keep_chunk,
    stale_before,
)
from services.treasury.usecases.asking import in_hand
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.usecases.planning import plan_chunk

CHUNKS_AT_ONCE: Final = 4  # while a person waits; a larger run goes on in the background


async def advance(pay: PayDesk, run_id: UUID, chunks_max: int | None = None) -> Run:
    """Go on with a run until there is nothing more to do, or for so many chunks; in a HOLD only with taking back what
    was cancelled before it.
    """
    done = committed = checked = 0
    while chunks_max is None or done < chunks_max:
        run = await _found(pay, run_id)
        if run.state == RunState.CANCELLED and run_id in await runs.unfinished(pay.database, stale_before(pay)):
            await cancel_chunk(pay, run)
        elif await holding.is_held(pay.database):
            return run
        elif run.state == RunState.PLANNING:
            await plan_chunk(pay, run)
        elif run.state == RunState.APPROVED and not run.is_ready:
            committed = await commit_chunk(pay, run, committed)
        elif run.state == RunState.APPROVED and run.sent_by is None and run.is_stale(stale_before(pay)):
            checked = await check_chunk(pay, run, checked)
        elif run.sent_by is not None and (lines := await payments.kept_whole(pay.database, run_id, LINES_MAX)):
            await keep_chunk(pay, lines)
        else:
            return run
        done += 1
    return await _found(pay, run_id)


async def advance_all(pay: PayDesk) -> int:
    """A run that cannot go on stops no other; answers how many went on."""

    async def one(run_id: UUID) -> int:
        await advance(pay, run_id)
        return 1

    return await apart(one, await runs.unfinished(pay.database, stale_before(pay)), lambda run_id: f"run {run_id}")


async def close(pay: PayDesk, tx: Tx, run_id: UUID, etag: str, actor: str) -> Run:
    """Every payment has ended, no break names one, and statements have what was paid, or a person says why not."""
    run = await in_hand(tx, run_id, etag, RunState.CLOSED)
    if await heard.disputed(tx, run_id):
        raise Refused(reason("RUN_HAS_UNMATCHED", "name"))
    if await heard.unproven(tx, run_id):
        raise Refused(reason("RUN_HAS_BREAKS", "name"))
    after = run._replace(state=RunState.CLOSED, number=run.number + 1, closed_by=actor, closed_at=pay.desk.clock.now())
    await runs.save_run(tx, after)
    return after


async def _found(pay: PayDesk, run_id: UUID) -> Run:
    run = await runs.run_by_id(pay.database, run_id)
    if run is None:
        raise ValueError(f"run {run_id} is gone")
    return run
