"""What is published of one certificate: credential, paper, and the answer of the public page by its number."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.certification.issued import Found, Outcome, Verification, known, unknown
from services.certification.model import Certificate, CertificateState
from services.certification.store import certificates
from services.certification.usecases import issuing
from services.certification.usecases.desk import Desk

_OUTCOMES: Final[dict[CertificateState, Found]] = {
    CertificateState.ACTIVE: Outcome.VALID,
    CertificateState.SUSPENDED: Outcome.SUSPENDED,
    CertificateState.EXPIRED: Outcome.EXPIRED,
    CertificateState.REVOKED: Outcome.REVOKED,
    CertificateState.SURRENDERED: Outcome.REVOKED,
    CertificateState.SUPERSEDED: Outcome.REVOKED,
}


async def signed(desk: Desk, one: Certificate) -> Certificate:
    """With its credential as it was signed with the award or its last extension. Raises Refused without keys.

    What was awarded before there was a key is signed now, once.
    """
    if one.credential:
        return one
    made = issuing.needed(desk.issuing).signed(one, desk.schemes[one.scheme])
    async with desk.database.transaction() as tx:
        await certificates.sign(tx, one.number, made.credential, made.code)
        return await certificates.by_number(tx, one.number) or made


async def paper(desk: Desk, one: Certificate) -> bytes:
    return await issuing.needed(desk.issuing).paper(await signed(desk, one), desk.schemes[one.scheme])


async def verified(desk: Desk, number: str, now: datetime) -> Verification:
    """How the certificate of a number stands today; one answer for all that are none."""
    one = await certificates.by_number(desk.database, number)
    if one is None:
        return unknown(now)
    (*_, last) = await certificates.history(desk.database, number, desk.clock.today())
    return known(_OUTCOMES[last.state], issuing.issued(one._replace(now=last), desk.schemes[one.scheme]), now)
