"""Appeals, reckoned: until when one may be filed, by when it is decided, and what may not come of it."""

from __future__ import annotations

from datetime import date, timedelta

from services.claims.model import Determination, State
from services.claims.rules.again import WORSE, compared
from services.kit.calendar import Calendar, YearNotHeld
from services.kit.law import Law, NotInForce

_DAY = timedelta(days=1)


def last_day(notified: date, law: Law, calendar: Calendar) -> date | None:
    """The last day on which an appeal may be filed: the day of the notice is left out, and a period that would end on
    a day off ends on the working day after it (民法典 art. 201, 203). None: the authority has set no period.

    Where the year's holidays are not held the days that are known not to be worked on are passed over.
    """
    window = law.on(decision=notified)["appeal.window_days"]
    if not window.is_set:
        return None
    day = notified + timedelta(days=window.count)
    try:
        while not calendar.is_working_day(day):
            day += _DAY
    except YearNotHeld:
        while day.isoweekday() > 5:  # Saturday and Sunday
            day += _DAY
    return day


def due_on(filed: date, law: Law, calendar: Calendar) -> date | None:
    """The working day by which it is decided. None: nobody has set one, or it lies in a year that is not held."""
    try:
        days = law.on(decision=filed)["appeal.decide_working_days"]
        return calendar.add_working_days(filed, days.count) if days.is_set else None
    except (YearNotHeld, NotInForce):
        return None


def is_worse(before: Determination | None, after: Determination) -> bool:
    """行政复议法 art. 63: whoever appeals does not come off worse for it."""
    if before is None or before.outcome is State.PENDED:
        return False
    return compared(before, after) == WORSE
