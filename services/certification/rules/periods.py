"""Which months are assessed, and what transition and small numbers allow."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from services.certification.model import Scheme, Size
from services.kit.dates import month_end, month_of


class Period(NamedTuple):
    """Whole months, both in, as year * 12 + month - 1."""

    first: int
    last: int

    @property
    def months(self) -> int:
        return self.last - self.first + 1

    @property
    def days(self) -> tuple[date, date]:
        return date(self.first // 12, self.first % 12 + 1, 1), month_end(self.last)


def assessed(scheme: Scheme, submitted_on: date, staffed_since: date = date.min) -> Period:
    """考核期: the whole months before the month of submission; of a young employer, those it had staff in."""
    last = month_of(submitted_on) - 1
    first = last - scheme.figures["period.months"].count + 1
    began = month_of(staffed_since) + (staffed_since.day != 1)  # its first whole month
    return Period(max(first, began), last)


def is_long_enough(scheme: Scheme, period: Period) -> bool:
    return period.months >= scheme.figures["period.months_min"].count


def in_transition(scheme: Scheme, submitted_on: date, period: Period) -> Period | None:
    """The stretch that an applicant may choose for all ratios at once; None where there is no choice."""
    starts, ends = scheme.figures["transition.starts_on"].day, scheme.figures["transition.ends_on"].day
    stretch = Period(max(period.first, month_of(starts)), period.last)
    if not starts <= submitted_on <= ends or stretch == period:
        return None
    return stretch if stretch.months >= scheme.figures["transition.months_min"].count else None


def lookback(scheme: Scheme, size: Size, submitted_on: date, denominator: int) -> Period | None:
    """The longer stretch that an SME may choose for a ratio of few cases; None where there is no choice."""
    if size is not Size.SME or not 0 < denominator < scheme.figures["small_numbers.below"].count:
        return None
    last = month_of(submitted_on) - 1
    return Period(last - scheme.figures["small_numbers.lookback"].count + 1, last)


def without_voluntary(scheme: Scheme, denominator: int, voluntary: int) -> int:
    """The denominator without those who declined in writing of their own will, where it is still small."""
    if denominator >= scheme.figures["small_numbers.below"].count:
        return denominator
    return max(0, denominator - min(voluntary, scheme.figures["small_numbers.exclusions_max"].count))
