"""How an employer stands as a certificate holder, when it applies."""

from __future__ import annotations

from services.certification.model import Filed, Standing
from services.certification.rules import life
from services.certification.rules.happened import life_of
from services.certification.store import certificates
from services.certification.usecases import renewing
from services.certification.usecases.desk import Desk
from services.kit.db import Database, Tx


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
