"""Gates are looked up by themselves as soon as a file is accepted (跨部门比对)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.certification.model import State
from services.certification.store import applications
from services.certification.usecases import assessing
from services.certification.usecases.desk import Desk
from services.kit.timer import narrowed

_MAX: Final = 100  # each time


async def screen(desk: Desk) -> int:
    """One question for all that wait; those whose gates are all known go on. Answers how many were looked at."""
    return await narrowed(
        lambda ids: _screen(desk, ids), await applications.standing_in(desk.database, State.SCREENING, _MAX), str
    )


async def _screen(desk: Desk, ids: Sequence[UUID]) -> int:
    waiting = [one for one in [await applications.by_id(desk.database, each) for each in ids] if one]
    found = await desk.register.gates(waiting, desk.clock.today())
    for one in waiting:
        async with desk.database.transaction() as tx:
            filed = await applications.lock(tx, one.id)
            if filed is None or filed.number != one.number or filed.application.state is not State.SCREENING:
                continue  # somebody was faster; it is looked at again the next time
            known = dict(filed.application.gates)
            new = [answer for answer in found.get(one.id, ()) if answer[0].indicator not in known]
            await assessing.screened(desk, tx, await assessing.look_up(desk, tx, filed, new))
    return len(waiting)
