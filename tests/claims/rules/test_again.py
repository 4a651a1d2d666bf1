"""What a claim waits for, and what is in her favour when it is decided again."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.claims.model import Category, ClaimKind, Coverage, Determination, Figures, State
from services.claims.rules import BETTER, SAME, WORSE, compared, decide, waits_after, waits_before
from services.claims.rules.again import Compared
from tests.builders import ALLOWANCE, delivery, facts, law_with, month, spans

KNOWN = Coverage(UUID(int=1), Category.EMPLOYEE, "e-1", "e-1", (), (), (), reported_to_month=month("2026-10"))
LAW = law_with({"allowance.min_continuous_months": 12})


# --- before it is decided -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coverage", "waits"),
    [
        (KNOWN, ()),
        (KNOWN._replace(is_known=False, category=None), ("AWAITING_COVERAGE", "PERSON_UNKNOWN")),
        (KNOWN._replace(person=None), ("AWAITING_COVERAGE", "PERSON_UNKNOWN")),
        (KNOWN._replace(category=None), ("AWAITING_COVERAGE", "COVERAGE_MISSING")),
        (KNOWN._replace(insured_by="e-2"), ("EMPLOYER_MISMATCH",)),
        (KNOWN._replace(category=Category.FLEXIBLE, insured_by=""), ()),
        (KNOWN._replace(category=Category.UNINSURED_EMPLOYEE, insured_by=""), ()),
    ],
)
def test_an_allowance_waits_for_the_person_her_coverage_and_her_employer(
    coverage: Coverage, waits: tuple[str, ...]
) -> None:
    assert waits_before(ClaimKind.ALLOWANCE, coverage, "e-1") == waits


def test_medical_cost_does_not_ask_for_an_employer() -> None:
    assert waits_before(ClaimKind.REIMBURSEMENT, KNOWN._replace(insured_by="e-2"), "") == ()


# --- after it is decided --------------------------------------------------------------------------------------------

SHORT = decide(facts(benefits=ALLOWANCE, paid_months=spans("2025-12..2026-03")), LAW)
ENOUGH = decide(facts(benefits=ALLOWANCE), LAW)


@pytest.mark.parametrize(
    ("reported_to", "waits"),
    [
        ("2026-02", ("AWAITING_COVERAGE", "CONTRIBUTIONS_NOT_REPORTED")),
        ("2026-03", ()),
        ("2026-04", ()),
    ],
)
def test_too_few_months_wait_while_the_month_of_the_event_is_not_reported(
    reported_to: str, waits: tuple[str, ...]
) -> None:
    assert waits_after(delivery(), KNOWN._replace(reported_to_month=month(reported_to)), SHORT) == waits


def test_nothing_reported_at_all_is_not_reported() -> None:
    assert waits_after(delivery(), KNOWN._replace(reported_to_month=0), SHORT) != ()


def test_what_is_approved_need_not_wait_for_more_months() -> None:
    assert waits_after(delivery(), KNOWN._replace(reported_to_month=month("2026-02")), ENOUGH) == ()


# --- decided again --------------------------------------------------------------------------------------------------


def made(outcome: State, allowance_fen: int = 0, medical_fen: int = 0, *reasons: str) -> Determination:
    return Determination(outcome, reasons, Figures(allowance_fen=allowance_fen, medical_fen=medical_fen))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (made(State.APPROVED, 100), made(State.APPROVED, 99), WORSE),
        (made(State.APPROVED, 100), made(State.APPROVED, 100), SAME),
        (made(State.APPROVED, 100), made(State.APPROVED, 101), BETTER),
        (made(State.DENIED), made(State.APPROVED, 1), BETTER),
        (made(State.APPROVED, 1), made(State.DENIED), WORSE),
        (made(State.DENIED), made(State.DENIED), SAME),
        (made(State.DENIED), made(State.DUPLICATE), SAME),
        (made(State.PARTIALLY_APPROVED, 0, 5), made(State.APPROVED, 0, 5), BETTER),
        (made(State.APPROVED, 100), made(State.PENDED), WORSE),
        (made(State.DENIED), made(State.PENDED), WORSE),
        (made(State.PENDED, 0, 0, "WAGE_REQUIRED"), made(State.PENDED, 0, 0, "WAGE_REQUIRED"), SAME),
        (made(State.PENDED, 0, 0, "WAGE_REQUIRED"), made(State.PENDED, 0, 0, "PARAMETER_UNSET"), BETTER),
        (made(State.PENDED), made(State.DENIED), BETTER),
        (made(State.PENDED), made(State.APPROVED, 1), BETTER),
    ],
)
def test_it_is_the_money_then_the_outcome_that_tells(
    before: Determination, after: Determination, found: Compared
) -> None:
    assert compared(before, after) == found
