"""What may be done with an application, and what comes of it. Whatever is not allowed is answered with a reason.

No way leads to an award with a gate that is open or unknown, with one assessor, before the public notice has ended, or
while an objection is not settled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, NamedTuple

from services.certification.model import Application, Decision, Move, Outcome, Scheme, State, refusal
from services.certification.model.moves import MOVES
from services.certification.rules import clocks, gates
from services.kit.calendar import Calendar, YearNotHeld
from services.kit.messages import Reason, reason

_ASSESSORS_MOST: Final = 3
_ASSESSORS: Final = 2


class Done(NamedTuple):
    """What somebody did, and when: a look-up tells its gate, a sheet its assessor, a settlement whether the objection
    was right, an end its decision.
    """

    move: Move
    on: date
    by: str = ""
    gate: str = ""
    passed: bool = False
    upheld: bool = False
    decision: Decision | None = None


class Under(NamedTuple):
    """What an application goes by."""

    scheme: Scheme
    calendar: Calendar


class Attempt(NamedTuple):
    """A move that somebody wants to make."""

    application: Application
    done: Done
    under: Under


def moved(application: Application, done: Done, under: Under) -> Application | Reason:
    """The application after it, or why not. Raises YearNotHeld for a public notice that ends beyond the years held.

    Another clock that does so has no last day yet (`dated` gives it one once the year's notice is held).
    """
    if refused := refusal(application.state, done.move):
        return refused
    to = Attempt(application, done, under)
    if (check := _CHECKS.get(done.move)) and (code := check(to)):
        return reason(code)
    change = _CHANGES.get(done.move)
    after = (change(to) if change else application)._replace(state=MOVES[application.state][done.move])
    return _on_time(after, application, done.on, under)


def open_moves(application: Application) -> tuple[Move, ...]:
    return tuple(MOVES[application.state])


# --- what must be so ----------------------------------------------------------------------------------------------


def _known_gate(to: Attempt) -> str:
    return "" if to.done.gate in gates.unknown(to.under.scheme, ()) else "GATE_UNKNOWN"


def _all_looked_up(to: Attempt) -> str:
    return "GATES_NOT_LOOKED_UP" if gates.unknown(to.under.scheme, to.application.gates) else ""


def _another_assessor(to: Attempt) -> str:
    """Two assessors score alone, and a third where they disagree; nobody twice."""
    if to.done.by in (*to.application.assessors, *to.application.earlier_assessors):
        return "SAME_ASSESSOR"
    most = 1 if to.application.state is State.ASSESSMENT else _ASSESSORS_MOST
    return "ASSESSORS_ENOUGH" if len(to.application.assessors) >= most else ""


def _scored(to: Attempt) -> str:
    return "" if to.application.assessors else "SHEET_MISSING"


def _not_asked(to: Attempt) -> str:
    """Further information is asked for once."""
    return "INFORMATION_ASKED_BEFORE" if to.application.asked else ""


def _expired(to: Attempt) -> str:
    return "DEADLINE_RUNS" if to.application.due_on is None or to.done.on <= to.application.due_on else ""


def _to_be_awarded(to: Attempt) -> str:
    if gates.unknown(to.under.scheme, to.application.gates):
        return "GATES_NOT_LOOKED_UP"
    if not all(passed for _, passed in to.application.gates):
        return "GATE_IS_OPEN"
    if len(set(to.application.assessors)) < _ASSESSORS:
        return "SECOND_ASSESSOR_MISSING"
    if to.application.objections:
        return "OBJECTION_RUNS"
    decided = to.done.decision
    return "" if decided and decided.outcome is Outcome.AWARDED else "DECISION_IS_ANOTHER"


def _to_be_declined(to: Attempt) -> str:
    decided = to.done.decision
    return "" if decided and decided.outcome is Outcome.DECLINED else "DECISION_IS_ANOTHER"


def _notice_runs(to: Attempt) -> str:
    ends = to.application.notice_ends_on
    return "" if ends and to.done.on <= ends else "NOTICE_HAS_ENDED"


def _notice_ended(to: Attempt) -> str:
    ends = to.application.notice_ends_on
    return _to_be_awarded(to) or ("" if ends and to.done.on > ends else "NOTICE_RUNS")


def _objected(to: Attempt) -> str:
    return "" if to.application.objections else "OBJECTION_MISSING"


def _may_be_reviewed(to: Attempt) -> str:
    """Once, and in time."""
    if to.application.reviewed or to.application.declined_on is None:
        return "REVIEWED_BEFORE"
    last = clocks.review_asked_by(to.under.scheme, to.under.calendar, to.application.declined_on)
    return "" if to.done.on <= last else "DEADLINE_PASSED"


Check = Callable[[Attempt], str]
_CHECKS: Final[Mapping[Move, Check]] = {
    Move.LOOK_UP: _known_gate,
    Move.SCREEN: _all_looked_up,
    Move.SCORE: _another_assessor,
    Move.ASSESS: _scored,
    Move.ASK: _not_asked,
    Move.EXPIRE: _expired,
    Move.PROPOSE: _to_be_awarded,
    Move.DECLINE: _to_be_declined,
    Move.OBJECT: _notice_runs,
    Move.SETTLE: _objected,
    Move.AWARD: _notice_ended,
    Move.ASK_REVIEW: _may_be_reviewed,
}


# --- what comes of it ---------------------------------------------------------------------------------------------


def _look(to: Attempt) -> Application:
    return to.application._replace(
        gates=tuple(sorted({**dict(to.application.gates), to.done.gate: to.done.passed}.items()))
    )


def _score(to: Attempt) -> Application:
    return to.application._replace(assessors=(*to.application.assessors, to.done.by))


def _ask(to: Attempt) -> Application:
    """The clock of the authority stands still from here on."""
    due = to.application.due_on
    left = clocks.working_days_left(to.under.calendar, to.done.on, due) if due else 0
    return to.application._replace(asked=True, days_left=max(1, left))


def _propose(to: Attempt) -> Application:
    return to.application._replace(notice_ends_on=clocks.notice_ends_on(to.under.scheme, to.under.calendar, to.done.on))


def _object(to: Attempt) -> Application:
    return to.application._replace(objections=to.application.objections + 1)


def _settle(to: Attempt) -> Application:
    """Where it was right, what was scored does not stand: others score anew."""
    settled = to.application._replace(objections=to.application.objections - 1)
    return _by_others(settled) if to.done.upheld else settled


def _decline(to: Attempt) -> Application:
    return to.application._replace(declined_on=to.done.on)


def _review(to: Attempt) -> Application:
    """A panel of others scores anew."""
    return _by_others(to.application._replace(reviewed=True, earlier_assessors=()))


def _by_others(application: Application) -> Application:
    earlier = (*application.earlier_assessors, *application.assessors)
    return application._replace(earlier_assessors=earlier, assessors=())


_CHANGES: Final[Mapping[Move, Callable[[Attempt], Application]]] = {
    Move.LOOK_UP: _look,
    Move.SCORE: _score,
    Move.ASK: _ask,
    Move.PROPOSE: _propose,
    Move.OBJECT: _object,
    Move.SETTLE: _settle,
    Move.DECLINE: _decline,
    Move.ASK_REVIEW: _review,
}


def _on_time(after: Application, before: Application, on: date, under: Under) -> Application:
    """With the clock of the state it is in now. One that stood still goes on with the days that were left."""
    if after.state is before.state or after.state is None:
        return after
    if before.state is State.INFORMATION_REQUESTED and after.state is State.ASSESSMENT:
        return _going_on(after, on, under)
    return after._replace(due_on=_due_on(after.state, on, under))


def _going_on(application: Application, on: date, under: Under) -> Application:
    """A clock that stood still, with the days that were left."""
    try:
        return application._replace(due_on=under.calendar.add_working_days(on, application.days_left))
    except YearNotHeld:
        return application._replace(due_on=None)


def dated(application: Application, entered_on: date, under: Under) -> Application:
    """With the last day of a clock that began to run when its year was not held."""
    if application.state is None:
        return application
    if application.state is State.ASSESSMENT and application.asked:
        return _going_on(application, entered_on, under)
    return application._replace(due_on=_due_on(application.state, entered_on, under))


def _due_on(state: State, entered_on: date, under: Under) -> date | None:
    try:
        return clocks.due_on(under.scheme, under.calendar, state, entered_on)
    except YearNotHeld:
        return None
