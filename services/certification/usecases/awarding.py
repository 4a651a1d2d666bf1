"""An award becomes a certificate, or a longer term of the one that was to be renewed: one number for one award."""

from __future__ import annotations

from services.certification.model import Certificate, CertificateState, Fact, Filed, Happening, Kind, Span
from services.certification.rules.life import last_day
from services.certification.store import certificates
from services.certification.usecases import booking, renewing, standing
from services.certification.usecases.desk import Desk
from services.kit.db import Tx
from services.kit.errors import Refused
from services.kit.messages import reason


async def next_number(desk: Desk, tx: Tx, filed: Filed) -> str:
    """That of what is renewed; else one of its own, by the year of its award. What is rolled back leaves a gap."""
    if filed.kind is not Kind.NEW:
        return await renewing.number_of(tx, filed)
    return f"BJ-FFE-{desk.clock.today().year}-{await certificates.next_serial(tx):06d}"


async def award(desk: Desk, tx: Tx, filed: Filed) -> None:
    """Raises Refused in a lock-out, and for a renewal that no rule allows any more: nothing would come of it."""
    today = desk.clock.today()
    await certificates.lock_employers(tx, [filed.employer])
    await standing.may_hold(desk, tx, filed)
    if filed.kind is not Kind.NEW:
        before = await certificates.by_number(tx, filed.certificate)
        decided = await renewing.decided(desk, tx, filed, granted=True)
        after = (await booking.book(desk, tx, [decided], _cause(filed)))[filed.certificate]
        if before is None or after.now.valid_to <= before.now.valid_to:
            raise Refused(reason("RENEWAL_NOT_POSSIBLE", "name", certificate=filed.certificate))
        return
    living = [one for one in await certificates.of_employers(tx, [filed.employer]) if _lives(one)]
    end = last_day(today, desk.scheme_of(filed).figures["validity.new"].count)
    await certificates.create(tx, filed, today, Span(today, CertificateState.ACTIVE, Kind.NEW, end, Kind.NEW))
    replaced = [
        Fact(
            filed.employer, f"{_cause(filed)}/supersedes/{one.number}", "superseded/" + one.number, 1,
            Happening.SUPERSEDED, today, since=today, number=one.number,
        )
        for one in living
    ]  # fmt: skip
    if replaced:
        await certificates.add_facts(tx, replaced, desk.clock.now())
    await booking.look_again(desk, tx, [filed.employer], _cause(filed))


def _lives(one: Certificate) -> bool:
    return one.now.state in {CertificateState.ACTIVE, CertificateState.SUSPENDED}


def _cause(filed: Filed) -> str:
    return f"applications/{filed.id}"
