"""A certificate, its issuer, and time, as the tests of what is published of it use them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from joserfc.jwk import ECKey

from services.certification.credential import Bits, Issuer, Keys, Lists, Place, read_keys, sign_list, trusted
from services.certification.issued import Issued, Office

FONTS = Path(__file__).parents[2] / "build" / "fonts"  # where `make unit` puts the font
URL = "https://certification.example.gov.cn"
NOW = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)
PLACE = Place.of(4_711)
ISSUED = Issued(
    number="BJ-FFE-2026-000123",
    employer="宝鸡市渭滨区示例机械制造有限责任公司",
    uscc="91610302MA6XA1B21P",
    scheme="baoji-family-friendly/1",
    awarded_on=date(2026, 12, 1),
    valid_to=date(2029, 11, 30),
    office=Office("宝鸡市示例机关", "Example Office of Baoji"),
)


def pem() -> bytes:
    return ECKey.generate_key("P-256").as_pem(private=True)


KEYS: Keys = read_keys(pem())
ISSUER: Issuer = trusted(URL, KEYS)


def lists(
    *,
    revoked: Iterable[int] = (),
    suspended: Iterable[int] = (),
    keys: Keys = KEYS,
    now: datetime = NOW,
    sheet: int = 0,
) -> Lists:
    lasts = timedelta(hours=1)
    return Lists(
        sign_list(Bits.of(revoked), "revocation", sheet, url=URL, keys=keys, now=now, lasts=lasts),
        sign_list(Bits.of(suspended), "suspension", sheet, url=URL, keys=keys, now=now, lasts=lasts),
    )
