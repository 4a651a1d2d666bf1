"""How an employer stands as a certificate holder, when it applies and when it is awarded."""

from __future__ import annotations

from datetime import date

from services.certification.model import Filed, Happening, Standing
from services.certification.rules import life
from services.certification.rules.happened import life_of
from services.certification.store import certificates
from services.certification.usecases import renewing
from services.certification.usecases.desk import Desk
from services.kit.db import Database, Tx
from services.kit.errors import Refused
from services.kit.messages import reason


async def of_employer(desk: Desk, source: Database | Tx, filed: Filed) -> Standing | None:
    """Today, without what this application has brought about itself, and without what was not granted: it may be
    applied for again. None for one that was never certified.
    """
    held = await certificates.latest_of(source, filed.employer)
    if held is None:
        return None
    known = (await certificates.facts(source, [filed.employer])).get(filed.employer, ())
    others = [one for one in known if one.number in {"", held.number} and one.about != renewing.about(filed)]
    lived = life_of(held.awarded_on, others)
    open_or_granted = tuple(one for one in lived.renewals if one.granted or one.decided_on is None)
    return life.standing(lived._replace(renewals=open_or_granted), desk.schemes[held.scheme], desk.clock.today())


async def locked_until(desk: Desk, source: Database | Tx, filed: Filed) -> date | None:
    """The last day of its lock-out (锁定期): by a certificate that was revoked, or by a veto event that was upheld when
    it held none.
    """
    years = desk.scheme_of(filed).figures["lock_out"].count
    known = (await certificates.facts(source, [filed.employer])).get(filed.employer, ())
    upheld = [one.since for one in known if one.happening is Happening.VETO and not one.number and one.since]
    held = await of_employer(desk, source, filed)
    found = [held.locked_until if held else None, *[life.locked_until(day, years) for day in upheld]]
    return max((day for day in found if day), default=None)


async def may_hold(desk: Desk, tx: Tx, filed: Filed) -> None:
    """Raises Refused in a lock-out that began while it was decided."""
    locked = await locked_until(desk, tx, filed)
    if locked and desk.clock.today() <= locked:
        raise Refused(reason("LOCKED_OUT", "name"))
