"""What anybody may ask of a certificate: by its number, by the code on its paper, by its credential; and the lists and
keys by which others answer that alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from services.certification.credential import (
    Issuer,
    Keys,
    Lists,
    number_in,
    place_of,
    published,
    trusted,
    verify,
)
from services.certification.credential.status import LENGTH
from services.certification.issued import Verification, unconfirmed, unknown
from services.certification.store import looking
from services.certification.usecases import desk as office
from services.certification.usecases import issuing, publishing
from services.kit.clock import Clock
from services.kit.messages import Reason

_NUMBER: Final = re.compile(r"[0-9A-Z-]{1,64}")


class Register(Protocol):
    """What is published of the certificates that were awarded."""

    async def verified(self, number: str, now: datetime) -> Verification:
        """How the certificate of a number stands; one answer for all that are none."""

    async def lists(self, sheet: int, now: datetime) -> Lists | None:
        """Signed as they stand now; None for a sheet that no certificate has its place in."""


@dataclass(frozen=True, slots=True)
class Published:
    """The register as the tables have it. `lasts`: how long a list is good for, and so a copy may not know of a
    revocation.
    """

    desk: office.Desk
    lasts: timedelta

    async def verified(self, number: str, now: datetime) -> Verification:
        return await publishing.verified(self.desk, number, now)

    async def lists(self, sheet: int, now: datetime) -> Lists | None:
        database = self.desk.database
        if sheet * LENGTH >= max(await looking.last_serial(database), 1):
            return None
        return await issuing.needed(self.desk.issuing).lists(database, sheet, now, self.lasts)


@dataclass(frozen=True, slots=True)
class Desk:
    register: Register
    keys: Keys
    url: str
    clock: Clock

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
    lists = await desk.register.lists(place.sheet, now)
    return verify(token.strip(), issuer, lists or Lists("", ""), desk.clock.now())


async def status_lists(desk: Desk, sheet: int) -> Lists | None:
    return await desk.register.lists(sheet, desk.clock.now())


def key_set(desk: Desk) -> dict[str, Any]:
    return published(desk.keys)
