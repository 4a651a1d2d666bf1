"""What a credential says: the certificate in the words of W3C Verifiable Credentials 2.0. No person stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from services.certification.credential.keys import Keys
from services.certification.credential.signed import CREDENTIAL, instant, sign
from services.certification.credential.status import Place, entries, place_in
from services.certification.issued import Issued, Office
from services.kit.dates import SHANGHAI, civil

CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
_TYPES: Final = ["VerifiableCredential", "FamilyFriendlyEmployerCredential"]


@dataclass(frozen=True, slots=True)
class Said:
    """A credential as read."""

    issuer: str
    issued: Issued
    valid_from: datetime
    place: Place


def issue(issued: Issued, place: Place, url: str, keys: Keys) -> str:
    """The credential, signed. A longer term (extension) is a new one of the same number and place."""
    return sign(_said(issued, place, url), CREDENTIAL, keys)


def _said(issued: Issued, place: Place, url: str) -> dict[str, Any]:
    return {
        "@context": [CONTEXT, {"@vocab": f"{url}/terms#"}],
        "id": f"{url}/certificates/{issued.number}",
        "type": _TYPES,
        "issuer": {"id": url, "name": _both(issued.office)},
        "validFrom": _from(issued.awarded_on),
        "validUntil": (datetime.combine(issued.valid_to, time(23, 59, 59), SHANGHAI)).isoformat(),
        "credentialSubject": {
            "type": "Employer",
            "name": issued.employer,
            "unifiedSocialCreditCode": issued.uscc,
            "certificateNumber": issued.number,
            "scheme": issued.scheme,
            **({"tier": issued.tier} if issued.tier else {}),
        },
        "credentialStatus": entries(place, url),
    }


def read(payload: Mapping[str, Any]) -> Said:
    """Raises ValueError, TypeError or KeyError for what is not one of ours, though a key of ours signed it."""
    if payload["@context"][0] != CONTEXT or payload["type"] != _TYPES:
        raise ValueError
    subject, issuer = payload["credentialSubject"], payload["issuer"]
    names = {entry["@language"]: _text(entry["@value"]) for entry in issuer["name"]}
    first = instant(payload["validFrom"])
    issued = Issued(
        number=_text(subject["certificateNumber"]),
        employer=_text(subject["name"]),
        uscc=_text(subject["unifiedSocialCreditCode"]),
        scheme=_text(subject["scheme"]),
        awarded_on=civil(first),
        valid_to=civil(instant(payload["validUntil"])),
        office=Office(names["zh-CN"], names["en"]),
        tier=_text(subject.get("tier", "")),
    )
    return Said(_text(issuer["id"]), issued, first, place_in(payload["credentialStatus"], _text(issuer["id"])))


def over(issued: Issued, now: datetime) -> bool:
    """The last day counts to its end, in Shanghai."""
    return civil(now) >= issued.valid_to + timedelta(days=1)


def _from(day: date) -> str:
    return datetime.combine(day, time(), SHANGHAI).isoformat()


def _both(office: Office) -> list[dict[str, str]]:
    return [{"@value": office.zh, "@language": "zh-CN"}, {"@value": office.en, "@language": "en"}]


def _text(stated: object) -> str:
    if not isinstance(stated, str):
        raise TypeError
    return stated
