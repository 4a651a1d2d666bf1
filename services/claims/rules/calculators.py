"""Figures that no claim is needed for: parental leave (育儿假) and the national child-care allowance (育儿补贴)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from services.kit.law import Law


class ParentalLeave(NamedTuple):
    """What one parent may take for one child in the child's year that holds the day asked for."""

    birth: date
    year: int  # of the child's life, from 1
    first: date
    last: date
    days: int


class ChildCareAllowance(NamedTuple):
    """The whole allowance of one child. `by_year` holds each calendar year with its fen."""

    birth: date
    months: int
    amount_fen: int
    by_year: tuple[tuple[int, int], ...]


def anniversary(birth: date, years: int) -> date:
    """The birthday; of 29 February, 28 February in a common year."""
    try:
        return birth.replace(year=birth.year + years)
    except ValueError:
        return date(birth.year + years, 2, 28)


def parental_leave(births: Iterable[date], on: date, law: Law) -> list[ParentalLeave]:
    """Days of parental leave for each child, until the third birthday; each parent has them for each child.

    陕西省人口与计划生育条例. The year is the child's, from birthday to birthday; nothing is carried over.
    """
    found = []
    for birth in births:
        rates = law.on(birth=max(birth, on), event=max(birth, on))
        until = rates["leave.parental.until_age_years"].count
        if birth <= on < anniversary(birth, until):
            year = next(n for n in range(1, until + 1) if on < anniversary(birth, n))
            first, last = anniversary(birth, year - 1), anniversary(birth, year) - timedelta(days=1)
            found.append(ParentalLeave(birth, year, first, last, rates["leave.parental.days_per_year"].count))
    return found


def child_care_allowance(birth: date, law: Law) -> ChildCareAllowance:
    """The national allowance from 2025-01-01: a sum a year until the third birthday, whatever the order of birth.

    Children born before it began have it for the months that were left of their three years.
    """
    rates = law.on(birth=birth)
    yearly, monthly = (rates[f"child_care_allowance.{name}"].count for name in ("yearly", "monthly_before_start"))
    years = rates["child_care_allowance.until_age_years"].count
    start, first_birth = (rates[f"child_care_allowance.{name}"].day for name in ("from", "birth_from"))
    if birth < first_birth:
        return ChildCareAllowance(birth, 0, 0, ())
    if birth >= start:
        return ChildCareAllowance(
            birth, years * 12, yearly * years, tuple((birth.year + n, yearly) for n in range(years))
        )
    months = (birth.year + years - start.year) * 12 + birth.month
    by_year = [(start.year + n, min(12, months - 12 * n) * monthly) for n in range((months + 11) // 12)]
    return ChildCareAllowance(birth, months, sum(fen for _, fen in by_year), tuple(by_year))
