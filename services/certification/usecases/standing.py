"""How an employer stands as a certificate holder, when it applies and when it is awarded."""

from __future__ import annotations

from datetime import date

from services.certification.model import CertificateState, Filed, Happening, Standing
from services.certification.rules import life
from services.certification.rules.happened import life_of
from services.certification.store import certificates
from services.certification.usecases import renewing
from services.certification.usecases.desk import Desk
from services.kit.db import Database, Tx
from services.kit.errors import Refused
from services.kit.messages import reason


async def of_employer(
    desk: Desk, source: Database | Tx, filed: Filed, on: date | None = None, *, with_own: bool = False
) -> Standing | None:
    """Today or `on` a day, without what this application has brought about itself, and without what was not granted: it
    may be applied for again. None for one that was never certified.
    """
    held = await certificates.latest_of(source, filed.employer)
    if held is None:
        return None
    known = (await certificates.facts(source, [filed.employer])).get(filed.employer, ())
    mine = [one for one in known if one.number in {"", held.number}]
    lived = life_of(held.awarded_on, [one for one in mine if with_own or one.about != renewing.about(filed)])
    open_or_granted = tuple(one for one in lived.renewals if one.granted or one.decided_on is None)
    day = on or desk.clock.today()
    return life.standing(lived._replace(renewals=open_or_granted), desk.schemes[held.scheme], day)


async def applied_on(desk: Desk, source: Database | Tx, filed: Filed) -> date:
    """The day that its kind goes by: of its first submission, as long as what it would renew lives; else today."""
    since = await renewing.applied_since(source, filed)
    held = await of_employer(desk, source, filed, with_own=True) if since else None
    lives = held and held.state in {CertificateState.ACTIVE, CertificateState.SUSPENDED}
    return since if since and lives else desk.clock.today()


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
