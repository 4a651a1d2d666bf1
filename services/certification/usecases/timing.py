"""What days do to applications: those whose applicant lets the last day pass, and clocks that had no last day yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.certification.model import Move, State
from services.certification.model.moves import CLOSED
from services.certification.rules.applications import dated
from services.certification.store import applications
from services.certification.usecases.desk import Desk
from services.certification.usecases.moving import SYSTEM, done, move
from services.kit import telemetry
from services.kit.timer import narrowed

_MAX: Final = 200  # each time


async def expire(desk: Desk) -> int:
    """RETURNED lapses; what was not answered is scored on what is there. Looked at again once locked: twice is once."""

    async def some(ids: Sequence[UUID]) -> int:
        for one in ids:
            async with desk.database.transaction() as tx:
                filed = await applications.lock(tx, one)
                late = filed is not None and filed.application.state in {State.RETURNED, State.INFORMATION_REQUESTED}
                due = filed.application.due_on if filed else None
                if filed and late and due and due < desk.clock.today():
                    await move(desk, tx, filed, done(desk, Move.EXPIRE, SYSTEM))
        return len(ids)

    return await narrowed(some, await applications.expired(desk.database, desk.clock.today(), _MAX), str)


async def watch(desk: Desk) -> None:
    """Tell operators how many wait in each state, and how many of them past their last day."""
    found = {
        state: (count, late) for state, count, late in await applications.waiting(desk.database, desk.clock.today())
    }
    for state in State:
        if state not in CLOSED:
            count, late = found.get(state, (0, 0))
            telemetry.APPLICATIONS.labels(state).set(count)
            telemetry.APPLICATIONS_OVERDUE.labels(state).set(late)


async def date(desk: Desk) -> int:
    """Gives clocks that began in a year whose notice was not held their last day, once it is."""
    count = 0
    for one, entered_on in await applications.undated(desk.database, _MAX):
        async with desk.database.transaction() as tx:
            filed = await applications.lock(tx, one)
            if filed is None:
                continue
            found = dated(filed.application, entered_on, desk.under(filed))
            if found != filed.application:
                await applications.set_due(tx, filed.id, found.due_on)
                count += 1
    return count
