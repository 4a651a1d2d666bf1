"""What becomes arrears by time alone is told by no event, so the registry is asked again about certificate holders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.certification.model import Fact, Happening, Suspension
from services.certification.store import certificates
from services.certification.usecases import following
from services.certification.usecases.desk import Desk
from services.certification.wire.employers import instant_rank

_MAX: Final = 1_000  # employers of one transaction


async def ask_again(desk: Desk) -> int:
    """Books what the registry says otherwise than it was last known; answers for how many. Once a day is enough."""
    count, after = 0, 0
    while holders := await certificates.holders(desk.database, after, _MAX):
        after = holders[-1][0]
        count += await _ask(desk, [employer for _, employer in holders])
    return count


async def _ask(desk: Desk, employers: Sequence[UUID]) -> int:
    today, now = desk.clock.today(), desk.clock.now()
    before = await certificates.facts(desk.database, employers)
    unpaid = await desk.register.unpaid_since(employers, today)
    async with desk.database.transaction() as tx:
        await certificates.lock_employers(tx, employers)
        known = await certificates.facts(tx, employers)
        found = []
        for employer in employers:
            last = _last(known.get(employer, ()))
            if last != _last(before.get(employer, ())):
                continue  # it was told while the registry answered, and may be newer than the answer
            since = unpaid.get(employer)
            if since != (last.since if last else None):
                rank = max(instant_rank(now), last.rank + 1 if last else 0)
                found.append(
                    Fact(
                        employer, f"arrears/{today}", "arrears", rank, Happening.ARREARS, today, Suspension.ARREARS,
                        since, actor="service/registry",
                    )
                )  # fmt: skip
        await following.follow(desk, tx, found)
        return len(found)


def _last(facts: Sequence[Fact]) -> Fact | None:
    """The latest word on arrears."""
    told = [one for one in facts if one.happening is Happening.ARREARS]
    return max(told, key=lambda one: one.rank, default=None)
