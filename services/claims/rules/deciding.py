"""A claim decided: its lines, the figures, and the outcome that follows from the lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from services.claims.model import Benefit, Category, Determination, EventType, Facts, Figures, Line, LineKind, State
from services.claims.rules import duplicates, items, medical, possible, reviewed
from services.claims.rules.allowance import Allowance, allowance, on_unemployment_benefit
from services.claims.rules.employer import EmployerPart, employer_part, medical_liability
from services.claims.rules.leave import GestationMissing, Leave, father_leave, leave_of
from services.claims.rules.working import Working, note_unset, unset
from services.kit.law import Law, NotInForce, Unset

_EMPLOYED: Final = {Category.EMPLOYEE, Category.UNINSURED_EMPLOYEE}
_WITH_ALLOWANCE: Final = {*_EMPLOYED, Category.FLEXIBLE}
_NOTHING: Final = Figures()
_MEDICAL: Final = {LineKind.STAY, LineKind.SURGERY, LineKind.VISIT, LineKind.ITEM}


def decide(facts: Facts, law: Law) -> Determination:
    """Decide one claim under one law. Raises FactMissing where a rule needs a fact that was not stated.

    What cannot be is an ERROR; what a person must look at, or what the authority has not set, is PENDED.
    """
    working = Working(law.on(event=facts.event.date, decision=facts.decision_date))
    if impossible := possible.problems(facts):
        working.cite("OUT_OF_RANGE", "PLAUSIBLE", fields=", ".join(impossible))
        return _without_lines(State.ERROR, "FACT_OUT_OF_RANGE", working)
    reviewed.note(facts, working)
    if facts.reviewed.denied:
        return _without_lines(State.DENIED, facts.reviewed.denied, working)
    try:
        birth = facts.event.type is EventType.DELIVERY
        if birth and not facts.event.registered and working.rates["policy.require_registration"].flag:
            working.by("REGISTRATION", "policy.require_registration")
            return _without_lines(State.PENDED, "REGISTRATION_REQUIRED", working)
        return _decided(facts, law, working)
    except (Unset, NotInForce) as error:
        note_unset(error, working)
        return _without_lines(State.PENDED, "PARAMETER_UNSET", working)


def _without_lines(
    outcome: State, reason: str, working: Working, figures: Figures = _NOTHING, notes: tuple[str, ...] = ()
) -> Determination:
    return Determination(outcome, (reason, *notes), figures, trace=tuple(working.steps))


class Cash(NamedTuple):
    """The allowance with the leave it pays for, and the employer's part. None: not asked for, or not hers by law."""

    allowance: Allowance | None = None
    leave: Leave | None = None
    employer: EmployerPart = EmployerPart()


def _decided(facts: Facts, law: Law, working: Working) -> Determination:
    cash = _cash(facts, law, working)
    lines = [cash.allowance.line] if cash.allowance else []
    if Benefit.MEDICAL in facts.benefits:
        lines += _medical(facts, law)
    father_days, notes = father_leave(facts.father, facts.event, working)
    employed = cash.leave if facts.insured.category in _EMPLOYED else None
    if employed:
        notes = (*employed.notes, *notes)
    if not lines:
        return _nothing_to_decide(facts, Figures(father_leave_days=father_days), notes, working)
    figures = Figures(
        employed.days if employed else 0,
        employed.end if employed else None,
        father_days,
        cash.leave.fund_days if cash.leave else 0,
        cash.allowance.line.amount_fen if cash.allowance else 0,
        cash.allowance.line.payee if cash.allowance else None,
        sum([line.amount_fen for line in lines if line.kind in _MEDICAL]),
        sum([line.amount_fen for line in lines if line.kind is LineKind.CATASTROPHIC]),
        *cash.employer,
        cash.allowance.months if cash.allowance else 0,
    )
    return Determination(_outcome(lines), _reasons(lines, notes), figures, tuple(lines), tuple(working.steps))


def _nothing_to_decide(facts: Facts, figures: Figures, notes: tuple[str, ...], working: Working) -> Determination:
    """Medical cost is everybody's, but none was stated; an allowance is not this category's by law."""
    if Benefit.MEDICAL in facts.benefits:
        working.cite("COSTS_MISSING", "INSURANCE_55")
        return _without_lines(State.PENDED, "COSTS_REQUIRED", working, figures, notes)
    working.cite("NOTHING_BY_LAW", "INSURANCE_54", category=facts.insured.category)
    return _without_lines(State.DENIED, "NOT_ENTITLED", working, figures, notes)


def _medical(facts: Facts, law: Law) -> list[Line]:
    lines: list[Line] = []
    if facts.stays:
        stays = medical.stays(facts, law)
        lines += [stay.line for stay in stays]
        if catastrophic := medical.catastrophic(facts, stays, law):
            lines.append(catastrophic)
    if facts.visits:
        lines += items.visits(facts, law)
    if facts.items:
        lines += items.items(facts, law)
    return lines


def _cash(facts: Facts, law: Law, working: Working) -> Cash:
    category = facts.insured.category
    if Benefit.ALLOWANCE not in facts.benefits:
        return Cash(employer=EmployerPart(liability_fen=medical_liability(facts, working)))
    if category is Category.UNEMPLOYMENT_BENEFIT:
        return Cash(Allowance(on_unemployment_benefit(working.rates)))
    if category not in _WITH_ALLOWANCE:
        return Cash()
    if second := duplicates.of_allowance(facts, Working(working.rates)):
        return Cash(Allowance(second))
    return _cash_of_leave(facts, law, working)


def _cash_of_leave(facts: Facts, law: Law, working: Working) -> Cash:
    employed = facts.insured.category in _EMPLOYED
    try:
        leave = leave_of(facts.event, law, employed=employed)
    except GestationMissing:
        waiting = Working(working.rates)
        waiting.cite("GESTATION_MISSING", "LABOUR_7_2")
        return Cash(Allowance(waiting.refused(LineKind.ALLOWANCE, State.PENDED, "GESTATION_REQUIRED")))
    except (Unset, NotInForce) as error:
        return Cash(Allowance(unset(error, Working(working.rates), LineKind.ALLOWANCE)))
    working.steps += leave.steps
    owed = allowance(facts, leave, working.rates)
    return Cash(owed, leave, employer_part(facts, leave, owed.line, working) if employed else EmployerPart())


def _outcome(lines: Iterable[Line]) -> State:
    """A claim waits if one line does; it is partly approved if some lines are; else it is what its lines are."""
    outcomes = {line.outcome for line in lines}
    if State.PENDED in outcomes:
        return State.PENDED
    if State.APPROVED in outcomes:
        return State.APPROVED if len(outcomes) == 1 else State.PARTIALLY_APPROVED
    return State.DUPLICATE if outcomes == {State.DUPLICATE} else State.DENIED


def _reasons(lines: Iterable[Line], notes: Iterable[str]) -> tuple[str, ...]:
    """Every reason once, in the order of the lines."""
    found = [reason for line in lines for reason in line.reasons]
    found += notes
    return tuple(dict.fromkeys(found)) if found else ()
