"""When a statement proves that a payment was not made.

A bank that got a file after its cut-off pays on its next working day. So it is proven by the statement of the first
working day on which it could be paid **and** that of the working day after, both whole, and on neither of them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from services.kit.calendar import Calendar, YearNotHeld

_DAY = timedelta(days=1)


def proof_days(intent_on: date, execute_on: date, calendar: Calendar) -> tuple[date, ...] | None:
    """The days whose statements are needed; None where holidays are not known, and nothing is ever proven."""
    day = max(intent_on, execute_on)
    try:
        while not calendar.is_working_day(day):
            day += _DAY
        return day, calendar.add_working_days(day, 1)
    except YearNotHeld:
        return None


def is_proven(needed: Collection[date] | None, covered: Collection[date]) -> bool:
    return needed is not None and set(needed) <= set(covered)
