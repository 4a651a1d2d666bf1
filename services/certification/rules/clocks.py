"""Clocks of the procedure, in working days of the yearly notice. They stand still while the applicant answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from services.certification.model import Scheme, State
from services.kit.calendar import Calendar

# By the state that has to be left in time. A public notice is followed by the days in which it is decided.
STEPS: Final[Mapping[State, tuple[str, ...]]] = {
    State.SUBMITTED: ("step.completeness",),
    State.RETURNED: ("step.correction",),
    State.SCREENING: ("step.screening",),
    State.ASSESSMENT: ("step.assessment",),
    State.INFORMATION_REQUESTED: ("step.information",),
    State.VERIFICATION: ("step.verification",),
    State.REVIEW: ("step.review",),
    State.PUBLIC_NOTICE: ("step.public_notice", "step.decision"),
    State.DECISION_REVIEW: ("review.decided_within",),
}


def due_on(scheme: Scheme, calendar: Calendar, state: State, entered_on: date) -> date | None:
    """The last day on which it may still stand so; None where no clock runs. Raises YearNotHeld."""
    if state not in STEPS:
        return None
    days = sum(scheme.figures[name].count for name in STEPS[state])
    return calendar.add_working_days(entered_on, days)


def notice_ends_on(scheme: Scheme, calendar: Calendar, published_on: date) -> date:
    """The last day of the public notice; the day of publication does not count. Raises YearNotHeld."""
    return calendar.add_working_days(published_on, scheme.figures["step.public_notice"].count)


def review_asked_by(scheme: Scheme, calendar: Calendar, declined_on: date) -> date:
    """The last day on which a review of the decision may be asked for. Raises YearNotHeld."""
    return calendar.add_working_days(declined_on, scheme.figures["review.asked_within"].count)


def working_days_left(calendar: Calendar, today: date, due: date) -> int:
    """Working days after today, up to and with the last; 0 once it is past. Raises YearNotHeld."""
    return sum(calendar.is_working_day(today + timedelta(days=one)) for one in range(1, (due - today).days + 1))
