"""How an employer stands on a day, by the dates that are known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from services.registry.model import Arrear, Unpaid, Violation, ViolationDates, ViolationState

_DAY = timedelta(days=1)


def unpaid_on(arrears: Iterable[Arrear], day: date) -> Unpaid:
    """Social Insurance Law art. 60, 86: what was due before the day and is not paid by it. A lawful deferment
    (缓缴) is no arrears in its term, its last day included.
    """
    found = [(one, first) for one in arrears if (first := _in_arrears_from(one)) <= day and not _is_paid(one, day)]
    return Unpaid(sum(one.amount_fen for one, _ in found), min((first for _, first in found), default=None))


def _in_arrears_from(one: Arrear) -> date:
    return max(one.due_on, one.deferred_until or one.due_on) + _DAY


def _is_paid(one: Arrear, day: date) -> bool:
    return one.paid_on is not None and one.paid_on <= day


def violation_on(violation: Violation, day: date) -> Violation | None:
    """The violation as far as it had come by that day; None if it was not opened yet. A deadline goes with its talk."""
    dates = violation.dates
    if dates.opened_on > day:
        return None
    talked, upheld, closed = (_by(one, day) for one in (dates.talked_on, dates.upheld_on, dates.closed_on))
    due = dates.due_on if talked or not dates.talked_on else None
    return violation._replace(
        dates=ViolationDates(dates.opened_on, talked, due, upheld, closed),
        decision=violation.decision if upheld else "",
    )


def _by(reached: date | None, day: date) -> date | None:
    return reached if reached is not None and reached <= day else None


def state_of(dates: ViolationDates) -> ViolationState:
    if dates.closed_on:
        return ViolationState.CLOSED
    if dates.upheld_on:
        return ViolationState.UPHELD
    return ViolationState.TALKED if dates.talked_on else ViolationState.OPENED


def first_disorder(dates: ViolationDates) -> str | None:
    """The name of the first date that lies before one it must follow; None if they are in order."""
    talked_on = dates.talked_on or dates.opened_on
    last = max(dates.opened_on, talked_on, dates.upheld_on or dates.opened_on)
    pairs = (
        ("talked_on", dates.talked_on, dates.opened_on),
        ("due_on", dates.due_on, talked_on),
        ("upheld_on", dates.upheld_on, dates.opened_on),
        ("closed_on", dates.closed_on, last),
    )
    return next((name for name, given, after in pairs if given is not None and given < after), None)
