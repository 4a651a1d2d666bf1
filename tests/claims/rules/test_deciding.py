"""A claim decided: the outcome that follows from its lines, what waits, and the way to it in words."""

from __future__ import annotations

from datetime import date

import pytest

from services.claims.model import Category, Determination, Event, Facts, Line, LineKind, Prior, PriorKind, State, Visit
from services.claims.rules import LAW as SHIPPED
from services.claims.rules import FactMissing, decide
from services.kit.law import Value
from tests.builders import (
    ALLOWANCE,
    DELIVERED,
    MEDICAL,
    SX_98,
    approved_before,
    delivery,
    facts,
    law_with,
    miscarriage,
    stay,
    surgery,
)

RULES: dict[str, Value | int] = SX_98 | {
    "medical.delivery.mode": "POLICY_FULL",
    "medical.spouse.pct": 1,
    "medical.antenatal.cap_per_pregnancy": 10_000,
}
LAW = law_with(RULES)
SETTLED = Prior(PriorKind.DELIVERY_SETTLED, DELIVERED)
SETTLED_AS_RESIDENT = Prior(PriorKind.RESIDENT_SETTLED, DELIVERED)


def unset(found: Determination) -> set[str]:
    """The parameters that the trace says nobody set, or that were not in force."""
    return {step[1]["name"] for step in found.steps() if step[0] in {"PARAMETER_UNSET", "PARAMETER_NOT_IN_FORCE"}}


# --- the outcome follows from the lines -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "outcome", "reasons"),
    [
        (facts(stays=[stay()]), State.APPROVED, ()),
        (facts(stays=[stay()], paid_months=()), State.PARTIALLY_APPROVED, ("CONTRIB_SHORT",)),
        (facts(stays=[stay()], wages={}), State.PENDED, ("WAGE_REQUIRED",)),
        (facts(stays=[stay()], prior=[SETTLED]), State.PARTIALLY_APPROVED, ("DUPLICATE_DELIVERY",)),
        (
            facts(stays=[stay()], prior=[SETTLED], paid_months=()),
            State.DENIED,
            ("CONTRIB_SHORT", "DUPLICATE_DELIVERY"),
        ),
        (
            facts(stays=[stay()], prior=[SETTLED, approved_before(DELIVERED)]),
            State.DUPLICATE,
            ("DUPLICATE_DELIVERY",),
        ),
        (
            facts(stays=[stay()], prior=[SETTLED_AS_RESIDENT, approved_before(DELIVERED)]),
            State.DENIED,
            ("DUPLICATE_DELIVERY", "DOUBLE_BENEFIT"),
        ),
        (facts(stays=[stay()], prior=[SETTLED], wages={}), State.PENDED, ("WAGE_REQUIRED", "DUPLICATE_DELIVERY")),
        (
            facts(visits=[Visit(date(2026, 1, 5), 10_000), Visit(date(2026, 2, 5), 1)], benefits=MEDICAL),
            State.PARTIALLY_APPROVED,
            ("CAP_REACHED",),
        ),
        (
            facts(delivery(birth_order=2, infants=2), stays=[stay()], paid_months=()),
            State.PARTIALLY_APPROVED,
            ("CONTRIB_SHORT", "THIRD_CHILD_REVIEW"),
        ),
    ],
)
def test_the_outcome_of_a_claim_follows_from_its_lines(given: Facts, outcome: State, reasons: tuple[str, ...]) -> None:
    found = decide(given, LAW)

    assert (found.outcome, found.reasons) == (outcome, reasons)


@pytest.mark.parametrize(
    ("category", "outcome", "reasons"),
    [
        (Category.EMPLOYEE, State.APPROVED, ()),
        (Category.FLEXIBLE, State.APPROVED, ()),
        (Category.UNEMPLOYMENT_BENEFIT, State.PARTIALLY_APPROVED, ("NO_EMPLOYER_WAGE_BASE",)),
        (Category.UNINSURED_EMPLOYEE, State.DENIED, ("NOT_INSURED",)),
        (Category.SPOUSE_OF_EMPLOYEE, State.APPROVED, ()),
        (Category.RESIDENT, State.APPROVED, ()),
    ],
)
def test_both_benefits_by_category(category: Category, outcome: State, reasons: tuple[str, ...]) -> None:
    found = decide(facts(category=category, stays=[stay(600_000)]), LAW)

    assert (found.outcome, found.reasons) == (outcome, reasons)


def test_each_line_has_its_own_kind_outcome_and_reasons() -> None:
    found = decide(facts(stays=[stay(100), stay(200)], paid_months=()), LAW)

    assert [(line.kind, line.outcome, line.amount_fen, line.number) for line in found.lines] == [
        (LineKind.ALLOWANCE, State.DENIED, 0, 1),
        (LineKind.STAY, State.APPROVED, 100, 1),
        (LineKind.STAY, State.APPROVED, 200, 2),
    ]
    assert [line.reasons for line in found.lines] == [("CONTRIB_SHORT",), (), ()]


def test_a_claim_for_what_she_does_not_have_by_law_says_so() -> None:
    found = decide(facts(category=Category.SPOUSE_OF_EMPLOYEE, benefits=ALLOWANCE, stays=[stay()]), LAW)

    assert (found.outcome, found.reasons, found.lines) == (State.DENIED, ("NOT_ENTITLED",), ())
    assert [step[0] for step in found.trace] == ["NOTHING_BY_LAW"]


@pytest.mark.parametrize("category", [Category.EMPLOYEE, Category.RESIDENT, Category.UNINSURED_EMPLOYEE])
def test_medical_cost_without_a_cost_waits_for_one(category: Category) -> None:
    found = decide(facts(category=category, benefits=MEDICAL), LAW)

    assert (found.outcome, found.reasons, found.lines) == (State.PENDED, ("COSTS_REQUIRED",), ())


# --- facts it cannot do without -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "category"),
    [
        (delivery(mode=None, birth_order=None), Category.RESIDENT),
        (surgery(None), Category.UNEMPLOYMENT_BENEFIT),
        (miscarriage(None), Category.SPOUSE_OF_EMPLOYEE),
    ],
)
def test_what_no_rule_needs_may_be_left_out(event: Event, category: Category) -> None:
    assert decide(facts(event, category=category, paid_months=None, benefits=ALLOWANCE), LAW).outcome is State.DENIED


def test_a_fact_that_a_rule_needs_is_never_guessed() -> None:
    with pytest.raises(FactMissing, match=r"insured\.paid_months"):
        decide(facts(paid_months=None), LAW)
    with pytest.raises(FactMissing, match=r"event\.surgery"):
        decide(facts(surgery(None), benefits=MEDICAL, stays=[stay()]), LAW)


# --- the way to it --------------------------------------------------------------------------------------------------


def test_every_step_of_a_line_stands_with_its_line() -> None:
    found = decide(facts(stays=[stay()], own_wage_fen=810_000), LAW)
    allowance, medical = found.lines

    assert [step[0] for step in allowance.trace] == ["CONTRIBUTIONS", "WAGE_BASE", "ALLOWANCE", "PAYEE_PERSON"]
    assert [step[0] for step in medical.trace] == ["MODE_POLICY_FULL", "FULL"]
    assert {step[0] for step in found.trace} == {
        *("LEAVE_BASE", "LEAVE_LOCAL", "FUND_LEAVES_LOCAL", "LEAVE_TOTAL", "OWN_WAGE", "EMPLOYER_LEAVE", "TOPUP")
    }


def test_a_step_names_the_parameter_that_decided_with_its_value_and_how_sure_it_is() -> None:
    line: Line = decide(facts(benefits=ALLOWANCE), SHIPPED).lines[0]

    (step,) = [step for step in line.trace if step[0] == "CONTRIBUTIONS"]

    assert step[1:] == (
        {"months": 27, "needed": 12},
        "allowance.min_continuous_months",
        "12",
        "2022-05-25",
        "placeholder",
    )
