"""Civil dates of Asia/Shanghai, and months as plain integers (`year * 12 + month - 1`)."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

_LAST_MS: Final = 253_402_214_399_000  # the end of 9999-12-30: Shanghai is in the calendar's last day by then
YEARS: Final = range(1900, 2200)  # in which something of ours can have happened or fall due
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


def month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def month_end(month: int) -> date:
    year, index = divmod(month, 12)
    return date(year, index + 1, calendar.monthrange(year, index + 1)[1])


def month_text(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def last_day(first: date, days: int) -> date:
    """The last of `days` calendar days that begin with `first`."""
    return first + timedelta(days=days - 1)


def civil(instant: datetime) -> date:
    return instant.astimezone(SHANGHAI).date()


def instants_of(day: date) -> tuple[datetime, datetime]:
    """When a civil day begins, and when the next one does. Raises OverflowError at the ends of the calendar."""
    begin = datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)
    return begin, begin + timedelta(days=1)


_EIGHT_HOURS_S: Final = 8 * 3600
_DAY_S: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_EPOCH_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)


def civil_of(seconds: int) -> date:
    """The civil date of an instant given in seconds since 1970. Shanghai has no summer time since 1991."""
    return date.fromordinal(_EPOCH + (seconds + _EIGHT_HOURS_S) // _DAY_S)


def from_proto(value: Date) -> date:
    """Raises ValueError for a day the calendar does not have."""
    return date(value.year, value.month, value.day)


@lru_cache(maxsize=4096)
def to_proto(value: date) -> Date:
    """One message for all who ask for the day: it is copied into another, never changed."""
    return Date(year=value.year, month=value.month, day=value.day)


def stamp(message: Timestamp, instant: datetime) -> None:
    """Set a message's instant; a third of the cost of its own `FromDatetime`, which every receipt would pay."""
    since = instant - _EPOCH_INSTANT
    message.seconds, message.nanos = since.days * _DAY_S + since.seconds, since.microseconds * 1000


def from_ms(timestamp_ms: int) -> datetime:
    """The instant of a record. A sender may set any timestamp; one outside the calendar becomes its nearest end."""
    return datetime.fromtimestamp(min(max(timestamp_ms, 0), _LAST_MS) / 1000, UTC)
