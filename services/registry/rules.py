"""What follows from what the offices state: which days change, what overlaps, and when a husband's coverage counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from services.registry.model import BEGINNING, GOES_ON, Category, Contributions, Coverage, Known, Span

_BY_HIM: Final = frozenset({None, Category.RESIDENT, Category.SPOUSE_OF_EMPLOYEE})
_TICK: Final = timedelta(microseconds=1)


class Days(Protocol):
    @property
    def first_day(self) -> date: ...
    @property
    def last_day(self) -> date: ...


def with_husband(hers: Coverage, his: Coverage) -> Coverage:
    """Social Insurance Law art. 54: the spouse without work of an insured employee has the medical benefits, from his
    contributions. Who is insured by work herself has her own; residents' insurance gives way to his.
    """
    if his.category is not Category.EMPLOYEE or hers.category not in _BY_HIM:
        return hers
    return replace(
        hers,
        category=Category.SPOUSE_OF_EMPLOYEE,
        insured_by=his.insured_by,
        is_student=False,
        wages=his.wages,
        bases=his.bases,
        contributions=his.contributions,
    )


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
    if before == after:
        return None
    days = [*_days_that_differ(before.coverage, after.coverage), *_months_that_differ(before, after)]
    return min(days, default=BEGINNING)


def _days_that_differ(before: Sequence[Span], after: Sequence[Span]) -> Iterator[date]:
    if before != after:
        for day in sorted({*_edges(before), *_edges(after)}):
            if _on(before, day) != _on(after, day):
                yield day
                return


def _edges(spans: Iterable[Span]) -> Iterator[date]:
    """Days on which something may begin or has just ended."""
    for span in spans:
        yield span.first_day
        if span.last_day < GOES_ON:
            yield span.last_day + timedelta(days=1)


def _on(spans: Iterable[Span], day: date) -> tuple[object, ...]:
    return next(((s.category, s.employer, s.is_student) for s in spans if s.first_day <= day <= s.last_day), ())


def _months_that_differ(before: Known, after: Known) -> Iterator[date]:
    was, now = before.contributions, after.contributions
    if was == now:
        return
    for month in sorted({*_month_edges(was), *_month_edges(now)}):
        if _in_month(was, month) != _in_month(now, month):
            yield _first_of(month)
            return
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
