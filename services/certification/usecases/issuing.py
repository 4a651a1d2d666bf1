"""What is published of a certificate: its credential, the code on its paper, the paper, and the lists of what ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from services.certification.credential import Bits, Keys, Lists, Place, address, issue, read_keys, sign_list
from services.certification.credential.status import LENGTH
from services.certification.issued import Issued, Office
from services.certification.model import Certificate, Scheme
from services.certification.paper import Press, press_of
from services.certification.store import looking
from services.kit.db import Database
from services.kit.errors import Refused
from services.kit.messages import reason


@dataclass(frozen=True, slots=True)
class Issuing:
    """`url`: where what we publish is found, without a slash at its end. `fonts`: where the paper's font is, if it is
    not where Debian puts it.
    """

    url: str
    keys: Keys
    fonts: Path | None = None

    def signed(self, certificate: Certificate, scheme: Scheme) -> Certificate:
        """With a credential of its present term. The code on the paper stays: it holds the number alone."""
        place = place_of(certificate)
        return certificate._replace(
            credential=issue(issued(certificate, scheme), place, self.url, self.keys),
            code=certificate.code or address(certificate.number, self.url, self.keys),
        )

    async def paper(self, certificate: Certificate, scheme: Scheme) -> bytes:
        """PDF, in a thread of its own. Raises Invalid or Refused for what cannot be printed."""
        return await asyncio.to_thread(self._press().pdf, issued(certificate, scheme), certificate.code)

    async def lists(self, database: Database, sheet: int, now: datetime, lasts: timedelta) -> Lists:
        """The two signed lists of a sheet, as the certificates stand now."""
        ended, suspended = await bits(database, sheet)
        return Lists(
            sign_list(ended, "revocation", sheet, url=self.url, keys=self.keys, now=now, lasts=lasts),
            sign_list(suspended, "suspension", sheet, url=self.url, keys=self.keys, now=now, lasts=lasts),
        )

    def _press(self) -> Press:
        """Opened once: reading the font takes longer than a page."""
        if self.fonts not in _PRESSES:
            _PRESSES[self.fonts] = press_of(self.fonts) if self.fonts and self.fonts.is_dir() else press_of()
        return _PRESSES[self.fonts]


_PRESSES: Final[dict[Path | None, Press]] = {}


def issuing_of(url: str, keys: Sequence[Path], fonts: Path | None = None) -> Issuing | None:
    """Of PEM files: the first signs, all verify. None without any. Raises Invalid."""
    if not url or not keys:
        return None
    signing, *earlier = [path.read_bytes() for path in keys]
    return Issuing(url.rstrip("/"), read_keys(signing, earlier), fonts)


def issued(certificate: Certificate, scheme: Scheme) -> Issued:
    return Issued(
        certificate.number,
        certificate.employer_name,
        certificate.uscc,
        f"{scheme.id}/{scheme.version}",
        certificate.awarded_on,
        certificate.now.valid_to,
        Office(scheme.issuer.zh, scheme.issuer.en),
    )


def place_of(certificate: Certificate) -> Place:
    return Place.of(certificate.serial - 1)


async def bits(database: Database, sheet: int) -> tuple[Bits, Bits]:
    """Of one sheet: what is over for good before its day, and what is suspended."""
    first = sheet * LENGTH + 1
    ended, suspended = await looking.bits(database, range(first, first + LENGTH))
    return Bits.of(one - first for one in ended), Bits.of(one - first for one in suspended)


def needed(issuing: Issuing | None) -> Issuing:
    """Raises Refused where nothing can be signed here."""
    if issuing is None:
        raise Refused(reason("CERTIFICATE_KEYS_MISSING"))
    return issuing


def renewed(issuing: Issuing | None, certificate: Certificate, scheme: Scheme) -> Certificate:
    """Signed for its present term; without keys it has no credential until there are."""
    return issuing.signed(certificate, scheme) if issuing else certificate._replace(credential="")
