"""What anybody may ask of a certificate: by its number, by the code on its paper, by its credential; and the lists and
keys by which others answer that alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

from services.certification.credential import (
    Bits,
    Issuer,
    Keys,
    Lists,
    number_in,
    place_of,
    published,
    sign_list,
    trusted,
    verify,
)
from services.certification.issued import Verification, unconfirmed, unknown
from services.kit.clock import Clock
from services.kit.messages import Reason

_NUMBER: Final = re.compile(r"[0-9A-Z-]{1,64}")


class Register(Protocol):
    """What is published of the certificates that were awarded."""

    async def verified(self, number: str, now: datetime) -> Verification:
        """How the certificate of a number stands; one answer for all that are none."""

    async def bits(self, sheet: int) -> tuple[Bits, Bits] | None:
        """What is over for good, and what is suspended; None for a sheet that no certificate has its place in."""


@dataclass(frozen=True, slots=True)
class Desk:
    """`lasts`: how long a list is good for, and so how long a copy of it may not know of a revocation."""

    register: Register
    keys: Keys
    url: str
    clock: Clock
    lasts: timedelta

    @property
    def issuer(self) -> Issuer:
        return trusted(self.url, self.keys)


async def by_number(desk: Desk, number: str) -> Verification:
    wanted = number.strip().upper()
    now = desk.clock.now()
    return await desk.register.verified(wanted, now) if _NUMBER.fullmatch(wanted) else unknown(now)


async def by_code(desk: Desk, code: str) -> Verification:
    number = number_in(code.strip(), desk.issuer)
    return unconfirmed(number, desk.clock.now()) if isinstance(number, Reason) else await by_number(desk, number)


async def by_credential(desk: Desk, token: str) -> Verification:
    """As whoever holds the keys and the lists would find it."""
    now, issuer = desk.clock.now(), desk.issuer
    place = place_of(token.strip(), issuer, now)
    if isinstance(place, Reason):
        return unconfirmed(place, now)
    lists = await status_lists(desk, place.sheet)
    return verify(token.strip(), issuer, lists or Lists("", ""), desk.clock.now())


async def status_lists(desk: Desk, sheet: int) -> Lists | None:
    """Signed now; None for a sheet that does not exist."""
    bits = await desk.register.bits(sheet)
    if bits is None:
        return None
    now = desk.clock.now()
    signed = partial(sign_list, sheet=sheet, url=desk.url, keys=desk.keys, now=now, lasts=desk.lasts)
    return Lists(signed(bits[0], "revocation"), signed(bits[1], "suspension"))


def key_set(desk: Desk) -> dict[str, Any]:
    return published(desk.keys)
