"""Review, reckoned: due dates by law, what a person is asked, when two are needed, and findings laid over facts."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from services.claims.model import (
    ClaimKind,
    DenyReason,
    Determination,
    EventType,
    Facts,
    Figures,
    Prior,
    PriorKind,
    Reviewed,
    State,
)
from services.claims.model.review import RISK, TABLE, Move, ReviewState, Supplement, allowed
from services.claims.rules import LAW, decide, review, reviewed
from services.kit.calendar import CALENDAR
from services.kit.law import canonical
from tests.builders import DELIVERED, SX_98, TODAY, approved_before, delivery, facts, law_with

LAW_98 = law_with(SX_98)
RATES = LAW_98.on(event=DELIVERED, decision=TODAY)


# --- due by law ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "received", "due"),
    [
        (ClaimKind.ALLOWANCE, date(2026, 11, 23), date(2026, 12, 7)),  # 10 working days, art. 20(3)
        (ClaimKind.ALLOWANCE, date(2026, 9, 24), date(2026, 10, 15)),  # over two holidays, a make-up day between
        (ClaimKind.REIMBURSEMENT, date(2026, 10, 30), date(2026, 12, 11)),  # 30 working days, art. 20(2)
        (ClaimKind.PROVIDER_SETTLEMENT, date(2026, 10, 30), date(2026, 12, 11)),
        (ClaimKind.REIMBURSEMENT, date(2026, 11, 19), date(2026, 12, 31)),  # the last day that can be told
        (ClaimKind.REIMBURSEMENT, date(2026, 11, 20), None),  # the holidays of the next year are not announced
        (ClaimKind.ALLOWANCE, date(2026, 12, 17), date(2026, 12, 31)),
        (ClaimKind.ALLOWANCE, date(2026, 12, 18), None),
        (ClaimKind.ALLOWANCE, date(2023, 11, 30), None),  # the day before the term came into force
    ],
)
def test_a_claim_is_due_by_its_kind_in_working_days_from_receipt(
    kind: ClaimKind, received: date, due: date | None
) -> None:
    assert review.due_on(kind, received, LAW, CALENDAR) == due


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_the_question_is_the_reason_on_which_most_hangs() -> None:
    assert review.question(["WAGE_REQUIRED", "DELIVERY_DATE_REVIEW", "THIRD_CHILD_REVIEW"]) == "DELIVERY_DATE_REVIEW"


@pytest.mark.parametrize("code", ["PARAMETER_UNSET", "AWAITING_COVERAGE", "PERSON_UNKNOWN", "CONTRIB_SHORT"])
def test_what_no_person_can_decide_is_no_question(code: str) -> None:
    assert review.question([code]) is None


def test_risks_are_from_0_to_100() -> None:
    assert all(0 <= risk <= 100 for risk in RISK.values())


# --- two persons -----------------------------------------------------------------------------------------------------


def owed(allowance: int = 0, medical: int = 0, catastrophic: int = 0) -> Determination:
    figures = Figures(allowance_fen=allowance, medical_fen=medical, catastrophic_fen=catastrophic)
    return Determination(State.APPROVED, (), figures)


@pytest.mark.parametrize(
    ("determination", "risk", "needed"),
    [
        (owed(2_999_999), 0, False),
        (owed(3_000_000), 0, True),
        (owed(3_000_001), 0, True),
        (owed(1_000_000, 1_000_000, 999_999), 0, False),
        (owed(1_000_000, 1_000_000, 1_000_000), 0, True),
        (owed(), 59, False),
        (owed(), 60, True),
        (owed(), 61, True),
    ],
)
def test_a_second_person_is_needed_from_an_amount_or_a_risk_on(
    determination: Determination, risk: int, *, needed: bool
) -> None:
    assert review.needs_second(determination, risk, LAW, TODAY) is needed


def test_a_city_may_set_its_own_limits_or_none() -> None:
    strict = LAW.given({"review.second_from_fen": "1"})
    none = LAW.given({"review.second_from_fen": "null", "review.second_from_risk": "null"})

    assert review.needs_second(owed(1), 0, strict, TODAY)
    assert not review.needs_second(owed(10**9), 100, none, TODAY)


# --- moves -----------------------------------------------------------------------------------------------------------


def test_what_is_closed_does_not_move() -> None:
    assert allowed(ReviewState.CLOSED) == ()


def test_only_a_proposal_is_disagreed_with_and_it_is_neither_pended_nor_returned() -> None:
    assert TABLE[Move.DISAGREED].since == {ReviewState.PROPOSED}
    assert not {Move.PENDED, Move.RETURNED, Move.WITHDRAWN, Move.PROPOSED} & set(allowed(ReviewState.PROPOSED))


def test_a_move_that_ends_a_review_says_to_what_it_came() -> None:
    ends = {move for move, leads in TABLE.items() if leads.to is ReviewState.CLOSED}

    assert {move for move, leads in TABLE.items() if leads.outcome} == ends


# --- findings --------------------------------------------------------------------------------------------------------


def laid(given: Facts, **found: object) -> Facts:
    return reviewed.lay_over(given, Supplement(**found), RATES)  # type: ignore[arg-type]


def test_nothing_found_changes_nothing() -> None:
    given = facts()

    assert laid(given) == given
    assert decide(laid(given), LAW_98) == decide(given, LAW_98)


@pytest.mark.parametrize(("infants", "order", "is_asked"), [(1, 2, False), (2, 2, True), (2, 1, False), (3, 1, True)])
def test_a_third_child_is_a_question_where_only_the_infants_make_three(
    infants: int, order: int, *, is_asked: bool
) -> None:
    given = facts(delivery(infants=infants, birth_order=order))

    names = reviewed.unasked(given, Supplement(third_child=True), RATES)

    assert names == ([] if is_asked else ["third_child"])


def test_a_birth_of_third_order_is_no_question_and_a_finding_does_not_take_its_days() -> None:
    given = facts(delivery(birth_order=3))

    assert decide(laid(given, third_child=False), LAW_98).figures == decide(given, LAW_98).figures


def test_a_finding_that_a_third_child_counts_gives_its_days_and_no_money() -> None:
    given = facts(delivery(infants=2, birth_order=2))

    applies, not_so = (decide(laid(given, third_child=found), LAW_98) for found in (True, False))

    assert applies.figures.leave_days - not_so.figures.leave_days == 15
    assert applies.figures.allowance_fen == not_so.figures.allowance_fen
    assert "THIRD_CHILD_REVIEW" not in (*applies.reasons, *not_so.reasons)


@pytest.mark.parametrize(("days", "is_asked"), [(-1, True), (0, False), (1, True), (150, True), (151, False)])
def test_an_event_near_is_a_question_within_the_window(days: int, *, is_asked: bool) -> None:
    other = date.fromordinal(DELIVERED.toordinal() - days)
    given = facts(prior=(approved_before(other),))

    assert (reviewed.unasked(given, Supplement(same_event=True), RATES) == []) is is_asked


def test_the_same_event_is_a_duplicate_and_another_is_approved() -> None:
    given = facts(prior=(approved_before(date(2026, 1, 10)),))

    assert decide(given, LAW_98).outcome is State.PENDED
    assert decide(laid(given, same_event=True), LAW_98).outcome is State.DUPLICATE
    assert decide(laid(given, same_event=False), LAW_98).outcome is State.APPROVED


def test_a_finding_is_about_events_near_only() -> None:
    far, near = approved_before(date(2024, 1, 10)), approved_before(date(2026, 1, 10))
    miscarriage = Prior(PriorKind.ALLOWANCE_APPROVED, date(2026, 1, 12), EventType.MISCARRIAGE)

    found = laid(facts(prior=(far, near, miscarriage)), same_event=False).prior

    assert [one.same_event for one in found] == [None, False, None]


@pytest.mark.parametrize("why", DenyReason)
def test_a_denial_pays_nothing_and_says_why(why: DenyReason) -> None:
    determination = decide(facts()._replace(reviewed=Reviewed(denied=why)), LAW_98)

    assert (determination.outcome, determination.reasons) == (State.DENIED, (why,))
    assert determination.figures == Figures()


# --- what is stored --------------------------------------------------------------------------------------------------


def test_facts_nobody_reviewed_are_stored_as_they_were_before() -> None:
    told = canonical(facts(prior=(approved_before(date(2025, 1, 1)),)).as_data())

    assert not {"reviewed", "third_child", "same_event"} & set(told.split('"'))


@pytest.mark.parametrize(
    "given",
    [
        laid(facts(delivery(infants=2, birth_order=2)), third_child=True),
        laid(facts(delivery(infants=2, birth_order=2)), third_child=False),
        laid(facts(prior=(approved_before(date(2026, 1, 10)),)), same_event=True),
        laid(facts(prior=(approved_before(date(2026, 1, 10)),)), same_event=False),
        laid(facts(), employer_confirmed=True),
        facts()._replace(reviewed=Reviewed(employer_confirmed=True, denied=DenyReason.PAPERS_FALSE)),
    ],
)
def test_findings_are_decided_again_from_what_is_stored_to_the_byte(given: Facts) -> None:
    again = Facts.from_data(json.loads(canonical(given.as_data())))

    assert again == given
    assert canonical(decide(again, LAW_98).as_data()) == canonical(decide(given, LAW_98).as_data())


def test_more_risk_never_needs_fewer_persons() -> None:
    needed = [review.needs_second(owed(), risk, LAW, TODAY) for risk in range(101)]

    assert all(later >= earlier for earlier, later in pairwise(needed))
    assert Decimal("0.6") == LAW.on(decision=TODAY)["review.second_from_risk"].number
