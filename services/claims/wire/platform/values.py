"""The texts of a message as values: yuan to whole fen, days and instants of Asia/Shanghai, small whole numbers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from services.claims.wire.platform.sheet import Sheet
from services.kit.dates import SHANGHAI, YEARS, civil

_YUAN: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")
_MORE_DECIMALS: Final = re.compile(r"[0-9]{1,12}\.[0-9]{3,}")
_WHOLE: Final = re.compile(r"[0-9]{1,4}")
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EIGHT_HOURS: Final = timedelta(hours=8)
_ABOUT: Final = timedelta(minutes=15)  # two clocks that mean the same moment


def fen(sheet: Sheet, path: str) -> int | None:
    """An amount in yuan as whole fen, exactly; None where there is none or it is no amount."""
    text = sheet.stated(path)
    if not text:
        return None
    match = _YUAN.fullmatch(text)
    if match is None:
        sheet.unmapped("PLATFORM_AMOUNT_DECIMALS" if _MORE_DECIMALS.fullmatch(text) else "PLATFORM_AMOUNT_FORM", path)
        return None
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def whole(sheet: Sheet, path: str, least: int, most: int) -> int | None:
    """A whole number within bounds; None, and told, otherwise."""
    text = sheet.stated(path)
    if not text:
        return None
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        sheet.unmapped("PLATFORM_NUMBER_RANGE", path, least=least, most=most)
        return None
    return int(text)


def instant(sheet: Sheet, path: str) -> datetime | None:
    """A moment. Without an offset it is the platform's clock, Asia/Shanghai; with another one that is told."""
    text = sheet.stated(path)
    if not text:
        return None
    match = _INSTANT.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        offset = (match[3] or "").replace("Z", "+00:00")
        found = datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}")
        if found.year not in YEARS:  # at the ends of the calendar another zone's day is none
            raise ValueError
    except ValueError:
        sheet.unmapped("PLATFORM_TIME_FORM", path)
        return None
    if found.tzinfo is None:
        return found.replace(tzinfo=SHANGHAI).astimezone(UTC)
    if found.utcoffset() != EIGHT_HOURS:
        sheet.doubt("PLATFORM_TIME_OFFSET", path)
    return found.astimezone(UTC)


def day(sheet: Sheet, path: str) -> date | None:
    """A civil date, or the civil date of a moment."""
    text = sheet.stated(path)
    if not _DAY.fullmatch(text):
        moment = instant(sheet, path)
        return civil(moment) if moment else None
    try:
        return date.fromisoformat(text)
    except ValueError:
        sheet.unmapped("PLATFORM_TIME_FORM", path)
        return None


def is_eight_hours_behind(one: datetime, other: datetime) -> bool:
    """Whether the first looks like the second written in UTC."""
    return abs(other - one - EIGHT_HOURS) <= _ABOUT
