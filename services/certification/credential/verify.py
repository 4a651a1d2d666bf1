"""Whether a credential holds. Who verifies brings the issuer's published keys and the two lists; nobody is asked."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.certification.credential.credential import Said, over, read
from services.certification.credential.keys import Issuer
from services.certification.credential.signed import CREDENTIAL, UNREADABLE, opened
from services.certification.credential.status import Bits, Lists, Place, read_list
from services.certification.issued import Found, Outcome, Verification, known, unconfirmed
from services.kit.messages import Reason, reason

_TOKEN_BYTES_MAX: Final = 8 * 1024


def verify(token: str, issuer: Issuer, lists: Lists, now: datetime) -> Verification:
    """Never raises. Revoked counts before expired, expired before suspended; nothing is valid without fresh lists."""
    said = _said(token, issuer, now)
    if isinstance(said, Reason):
        return unconfirmed(said, now)
    found = _standing(said, issuer, lists, now)
    return unconfirmed(found, now) if isinstance(found, Reason) else known(found, said.issued, now)


def place_of(token: str, issuer: Issuer, now: datetime) -> Place | Reason:
    """Where the bits are that tell whether it holds, of a credential of ours. Never raises."""
    said = _said(token, issuer, now)
    return said if isinstance(said, Reason) else said.place


def _standing(said: Said, issuer: Issuer, lists: Lists, now: datetime) -> Found | Reason:
    revoked = read_list(lists.revocation, "revocation", said.place.sheet, issuer, now)
    suspended = read_list(lists.suspension, "suspension", said.place.sheet, issuer, now)
    if isinstance(revoked, Bits) and revoked.has(said.place.index):
        return Outcome.REVOKED
    if over(said.issued, now):
        return Outcome.EXPIRED
    for found in (revoked, suspended):
        if isinstance(found, Reason):
            return found
        if found.has(said.place.index):
            return Outcome.SUSPENDED
    return Outcome.VALID


def _said(token: str, issuer: Issuer, now: datetime) -> Said | Reason:
    payload = opened(token, CREDENTIAL, issuer.keys, _TOKEN_BYTES_MAX)
    if isinstance(payload, Reason):
        return payload
    if "aud" in payload:  # ours are for everyone; one for somebody is another thing
        return reason("CREDENTIAL_AUDIENCE")
    try:
        said = read(payload)
    except UNREADABLE:
        return reason("CREDENTIAL_UNREADABLE")
    if said.issuer != issuer.url:
        return reason("CREDENTIAL_ISSUER")
    return said if said.valid_from <= now else reason("CREDENTIAL_NOT_YET")
