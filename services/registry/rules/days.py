"""Which days a change concerns, which spans do not fit, and when something is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from services.registry.model import BEGINNING, GOES_ON, Contributions, Known, Span

_TICK: Final = timedelta(microseconds=1)


class Days(Protocol):
    @property
    def first_day(self) -> date: ...
    @property
    def last_day(self) -> date: ...


def first_unfit(spans: Sequence[Days]) -> int | None:
    """The place of the first span that ends before it begins, or that overlaps an earlier one in time."""
    reached: date | None = None
    for place, span in sorted(enumerate(spans), key=lambda placed: (placed[1].first_day, placed[0])):
        if span.last_day < span.first_day or (reached is not None and span.first_day <= reached):
            return place
        reached = span.last_day
    return None


def instant_after(now: datetime, last: datetime | None) -> datetime:
    """When it is recorded: now, but never at or before what was recorded last, whatever the clocks of two machines."""
    return now if last is None else max(now, last + _TICK)


def first_difference(before: Known, after: Known) -> date | None:
    """The first day that may be answered otherwise than before; None if none is."""
    days = [
        *_days_that_differ(before.coverage, after.coverage),
        *_months_that_differ(before.contributions, after.contributions),
    ]
    return min(days, default=None)


def _days_that_differ(before: Sequence[Span], after: Sequence[Span]) -> Iterator[date]:
    edges = sorted({*_edges(before), *_edges(after)}) if before != after else ()
    yield from [day for day in edges if _on(before, day) != _on(after, day)][:1]


def _edges(spans: Iterable[Span]) -> Iterator[date]:
    """Days on which something may begin or has just ended."""
    for span in spans:
        yield span.first_day
        if span.last_day < GOES_ON:
            yield span.last_day + timedelta(days=1)


def _on(spans: Iterable[Span], day: date) -> tuple[object, ...]:
    return next(((s.category, s.employer, s.is_student) for s in spans if s.first_day <= day <= s.last_day), ())


def _months_that_differ(was: Contributions, now: Contributions) -> Iterator[date]:
    edges = sorted({*_month_edges(was), *_month_edges(now)})
    first = next((month for month in edges if _in_month(was, month) != _in_month(now, month)), None)
    if first is not None:
        yield _first_of(first)
    if was.reported_to_month != now.reported_to_month:
        yield _first_of(min(was.reported_to_month, now.reported_to_month) + 1)


def _month_edges(given: Contributions) -> Iterator[int]:
    for first, last in given.paid_months:
        yield from (first, last + 1)
    for month, _ in given.back_paid:
        yield from (month, month + 1)


def _in_month(given: Contributions, month: int) -> tuple[object, ...]:
    on_time = any(first <= month <= last for first, last in given.paid_months)
    return on_time, tuple(day for late, day in given.back_paid if late == month)


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1) if month >= 12 else BEGINNING
