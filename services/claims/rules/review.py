"""Review, reckoned: when it is due by law, how much hangs on it, and whether one person may decide it alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from services.claims.model import ClaimKind, Determination
from services.claims.model.review import RISK
from services.kit.calendar import Calendar, YearNotHeld
from services.kit.law import Law, NotInForce

# 社会保险经办条例 art. 20(2), 20(3). It names no term for direct settlement; that of reimbursement is taken.
_TERM: Final = {
    ClaimKind.ALLOWANCE: "deadline.allowance_working_days",
    ClaimKind.REIMBURSEMENT: "deadline.reimbursement_working_days",
    ClaimKind.PROVIDER_SETTLEMENT: "deadline.reimbursement_working_days",
}

_DAY: Final = timedelta(days=1)
_TERM_DAYS_MAX: Final = 366  # longer than any term, whatever the holidays of a year that is not held


def due_on(kind: ClaimKind, received: date, law: Law, calendar: Calendar) -> date | None:
    """The last working day on which the claim may be decided, counted from the day after its receipt.

    None: it lies in a year whose holidays are not announced yet, so it is later than every day that can be told.
    """
    try:
        days = law.on(decision=received)[_TERM[kind]].count
        return calendar.add_working_days(received, days)
    except (YearNotHeld, NotInForce):
        return None


def overdue_before(kind: ClaimKind, law: Law, calendar: Calendar, today: date) -> date:
    """What was received before this day should be decided by now: its last day is over."""
    day = today
    for _ in range(_TERM_DAYS_MAX):
        due = due_on(kind, day, law, calendar)
        if due is not None and due < today:
            return day + _DAY
        day -= _DAY
    return day


def question(reasons: Iterable[str]) -> str | None:
    """The reason a person must look at, the one on which most hangs; None if no person can decide it."""
    return max((code for code in reasons if code in RISK), key=lambda code: RISK[code], default=None)


def needs_second(determination: Determination, risk: int, law: Law, today: date) -> bool:
    """社会保险经办条例 art. 37: business of high risk has split roles and graded review."""
    rates, figures = law.on(decision=today), determination.figures
    amount_fen = figures.allowance_fen + figures.medical_fen + figures.catastrophic_fen
    by_amount, by_risk = rates["review.second_from_fen"], rates["review.second_from_risk"]
    if by_amount.is_set and amount_fen >= by_amount.number:
        return True
    return by_risk.is_set and risk >= by_risk.number * 100
