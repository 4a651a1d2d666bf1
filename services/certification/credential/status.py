"""Which credentials are revoked and which suspended: two lists of bits, signed anew each time and good for hours.

W3C Bitstring Status List 1.0: a bit for each credential at an index that never changes, gzip, base64url; 131 072 bits,
the least that the standard allows, so that the size tells nothing.
"""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from services.certification.credential.keys import Issuer, Keys
from services.certification.credential.signed import CREDENTIAL, UNREADABLE, instant, opened, sign
from services.kit.errors import Invalid
from services.kit.messages import Reason, reason

Purpose = Literal["revocation", "suspension"]
PURPOSES: Final[tuple[Purpose, Purpose]] = ("revocation", "suspension")
LENGTH: Final = 131_072
_BYTES: Final = LENGTH // 8
_TOKEN_BYTES_MAX: Final = 64 * 1024  # bits at random do not compress: 16 KiB, and a third more twice
_CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
_TYPES: Final = ["VerifiableCredential", "BitstringStatusListCredential"]
_GZIP: Final = 31  # zlib's word for a gzip header
_SKEW: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a credential's bits are: the number of the list, and the index in it. Given once, never given again."""

    sheet: int
    index: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < LENGTH or self.sheet < 0:
            raise Invalid(reason("STATUS_INDEX_RANGE", "index", last=LENGTH - 1))

    @classmethod
    def of(cls, serial: int) -> Place:
        """The place of the n-th credential ever issued, from 0."""
        return cls(*divmod(serial, LENGTH))


@dataclass(frozen=True, slots=True)
class Bits:
    """The most significant bit of the first byte is index 0."""

    raw: bytes

    @classmethod
    def of(cls, indexes: Iterable[int]) -> Bits:
        raw = bytearray(_BYTES)
        for index in indexes:
            if not 0 <= index < LENGTH:
                raise Invalid(reason("STATUS_INDEX_RANGE", "index", last=LENGTH - 1))
            raw[index >> 3] |= 0x80 >> (index & 7)
        return cls(bytes(raw))

    def has(self, index: int) -> bool:
        return bool(self.raw[index >> 3] & 0x80 >> (index & 7))


@dataclass(frozen=True, slots=True)
class Lists:
    """The two signed lists of a sheet, as a verifier has fetched them."""

    revocation: str
    suspension: str


def address(url: str, purpose: Purpose, sheet: int) -> str:
    return f"{url}/status/{purpose}/{sheet}"


def entries(place: Place, url: str) -> list[dict[str, str]]:
    """As a credential names its bits."""
    return [
        {
            "type": "BitstringStatusListEntry",
            "statusPurpose": purpose,
            "statusListIndex": str(place.index),
            "statusListCredential": address(url, purpose, place.sheet),
        }
        for purpose in PURPOSES
    ]


def place_in(stated: Any, url: str) -> Place:
    """Raises ValueError, TypeError or KeyError unless both lists are named, at the same place of this issuer."""
    sheet = re.search(r"/(\d{1,9})\Z", stated[0]["statusListCredential"])
    index = re.fullmatch(r"\d{1,6}", stated[0]["statusListIndex"])
    if sheet is None or index is None or int(index[0]) >= LENGTH:
        raise ValueError
    place = Place(int(sheet[1]), int(index[0]))
    if stated != entries(place, url):
        raise ValueError
    return place


def sign_list(
    bits: Bits, purpose: Purpose, sheet: int, *, url: str, keys: Keys, now: datetime, lasts: timedelta
) -> str:
    """What is published at `address`; `lasts` bounds how long a revocation may be unknown to who keeps a copy."""
    packed = base64.urlsafe_b64encode(gzip.compress(bits.raw, mtime=0)).decode().rstrip("=")
    where = address(url, purpose, sheet)
    payload = {
        "@context": [_CONTEXT],
        "id": where,
        "type": _TYPES,
        "issuer": url,
        "validFrom": now.isoformat(),
        "validUntil": (now + lasts).isoformat(),
        "credentialSubject": {
            "id": f"{where}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": f"u{packed}",
        },
    }
    return sign(payload, CREDENTIAL, keys)


def read_list(token: str, purpose: Purpose, sheet: int, issuer: Issuer, now: datetime) -> Bits | Reason:
    """Never raises; a list of another purpose, sheet, issuer or time is none."""
    payload = opened(token, CREDENTIAL, issuer.keys, _TOKEN_BYTES_MAX)
    if isinstance(payload, Reason):
        return reason("CREDENTIAL_STATUS_UNREADABLE")
    try:
        bits, first, last = _read(payload, purpose, sheet, issuer.url)
    except (*UNREADABLE, zlib.error):
        return reason("CREDENTIAL_STATUS_UNREADABLE")
    return bits if first - _SKEW <= now <= last else reason("CREDENTIAL_STATUS_STALE")


def _read(payload: Mapping[str, Any], purpose: Purpose, sheet: int, url: str) -> tuple[Bits, datetime, datetime]:
    subject = payload["credentialSubject"]
    named = (payload["type"], payload["issuer"], payload["id"], subject["statusPurpose"])
    if named != (_TYPES, url, address(url, purpose, sheet), purpose):
        raise ValueError
    return Bits(_unpacked(subject["encodedList"])), instant(payload["validFrom"]), instant(payload["validUntil"])


def _unpacked(encoded: str) -> bytes:
    """No more is unpacked than a list may have, whatever was packed."""
    if encoded[:1] != "u":
        raise ValueError
    packed = base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4))
    raw = zlib.decompressobj(_GZIP).decompress(packed, _BYTES + 1)
    if len(raw) != _BYTES:
        raise ValueError
    return raw
