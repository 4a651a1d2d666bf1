"""What must hold for all facts under all laws."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.model import (
    Category,
    Determination,
    Facts,
    LineKind,
    Payee,
    State,
    Surgery,
)
from services.claims.rules import FactMissing, decide
from services.claims.wire.notice import step_text
from services.kit import law as laws
from services.kit.dates import month_of
from services.kit.law import canonical
from services.kit.messages import Language, reason
from tests.claims.rules.drawn import LAWS, any_claim, any_facts, any_law, some_facts

MEDICAL: Final = {LineKind.STAY, LineKind.SURGERY, LineKind.VISIT, LineKind.ITEM}
PAYS: Final = {State.APPROVED}

# --- amounts --------------------------------------------------------------------------------------------------------


@given(any_claim, any_law)
def test_nothing_is_ever_negative_and_the_fund_pays_no_more_days_than_there_are(claim: Facts, law: int) -> None:
    found = decide(claim, LAWS[law])
    figures = found.figures

    assert all(value >= 0 for value in figures if isinstance(value, int))
    assert all(line.amount_fen >= 0 for line in found.lines)
    if figures.leave_days:
        assert figures.fund_days <= figures.leave_days


@given(any_claim, any_law)
def test_the_lines_add_up_to_the_figures_and_pay_only_where_approved(claim: Facts, law: int) -> None:
    found = decide(claim, LAWS[law])

    def total(kinds: Iterable[LineKind]) -> int:
        return sum(line.amount_fen for line in found.lines if line.kind in set(kinds))

    assert found.figures.allowance_fen == total([LineKind.ALLOWANCE])
    assert found.figures.medical_fen == total(MEDICAL)
    assert found.figures.catastrophic_fen == total([LineKind.CATASTROPHIC])
    assert all(line.outcome in PAYS for line in found.lines if line.amount_fen)
    assert all((line.payee is not None) == (line.outcome in PAYS) for line in found.lines)


@given(any_facts, any_law, st.integers(0, 60), st.integers(0, 60))
def test_a_longer_paid_history_never_pays_less(claim: Facts, law: int, back: int, length: int) -> None:
    event = month_of(claim.event.date)
    paid = claim.insured.paid_months or ()
    longer = claim.insured._replace(paid_months=(*paid, (event - back - length, event - back)))

    before, after = decide(claim, LAWS[law]).figures, decide(claim._replace(insured=longer), LAWS[law]).figures

    assert after.allowance_fen >= before.allowance_fen
    assert after.continuous_months >= before.continuous_months


@given(any_claim, any_law)
def test_no_stay_is_paid_above_its_policy_range_but_by_a_flat_rate_to_the_hospital(claim: Facts, law: int) -> None:
    found = decide(claim, LAWS[law])

    for line in found.lines:
        if line.kind not in {LineKind.STAY, LineKind.SURGERY}:
            continue
        flat = any(step[0] == "FLAT" for step in line.trace)
        if not flat:
            assert line.amount_fen <= claim.stays[line.number - 1].policy_range_fen
        elif line.payee is Payee.PERSON:
            assert line.amount_fen <= sum(stay.policy_range_fen for stay in claim.stays)


@given(any_claim, any_law)
def test_insurances_together_never_pay_more_than_a_resident_had_to(claim: Facts, law: int) -> None:
    found = decide(claim._replace(insured=claim.insured._replace(category=Category.RESIDENT)), LAWS[law])

    if found.figures.catastrophic_fen and all(step[0] != "FLAT" for step in found.steps()):
        paid = sum(line.amount_fen for line in found.lines if line.kind is LineKind.STAY)
        ranges = sum(stay.policy_range_fen for stay in claim.stays)
        assert paid + found.figures.catastrophic_fen <= ranges


@given(any_claim, any_law, st.integers(0, 2), st.integers(0, 3_000_000))
def test_a_higher_policy_range_never_pays_less(claim: Facts, law: int, which: int, more_fen: int) -> None:
    dearer = tuple(
        stay._replace(policy_range_fen=stay.policy_range_fen + more_fen * (number == which))
        for number, stay in enumerate(claim.stays)
    )

    before, after = decide(claim, LAWS[law]).figures, decide(claim._replace(stays=dearer), LAWS[law]).figures

    assert after.medical_fen + after.catastrophic_fen >= before.medical_fen + before.catastrophic_fen


@given(any_facts, any_law)
def test_fund_and_employer_together_never_pay_less_than_her_own_wage(claim: Facts, law: int) -> None:
    found = decide(claim, LAWS[law])
    own = claim.insured.own_monthly_wage_fen

    if found.outcome is State.APPROVED and claim.insured.category is Category.EMPLOYEE and own is not None:
        figures = found.figures
        assert figures.employer_topup_fen is not None
        together = figures.allowance_fen + figures.employer_topup_fen
        assert together >= Fraction(own * figures.fund_days, 30) - Fraction(1, 2)


# --- outcome and reasons --------------------------------------------------------------------------------------------


@given(any_claim, any_law)
def test_the_outcome_follows_from_the_lines(claim: Facts, law: int) -> None:
    found = decide(claim, LAWS[law])
    outcomes = [line.outcome for line in found.lines]

    if not outcomes:
        assert found.outcome in {State.DENIED, State.PENDED}
        assert found.figures.allowance_fen == found.figures.medical_fen == 0
    elif State.PENDED in outcomes:
        assert found.outcome is State.PENDED
    elif set(outcomes) == {State.APPROVED}:
        assert found.outcome is State.APPROVED
    elif State.APPROVED in outcomes:
        assert found.outcome is State.PARTIALLY_APPROVED
    else:
        assert found.outcome is (State.DUPLICATE if set(outcomes) == {State.DUPLICATE} else State.DENIED)


@given(any_claim, any_law)
def test_the_reasons_are_those_of_the_lines_and_what_a_reviewer_is_told(claim: Facts, law: int) -> None:
    found = decide(claim, LAWS[law])
    of_lines = {code for line in found.lines for code in line.reasons}

    assert len(set(found.reasons)) == len(found.reasons)
    assert of_lines <= set(found.reasons)
    alone = {"NOT_ENTITLED", "COSTS_REQUIRED", "REGISTRATION_REQUIRED", "PARAMETER_UNSET"} if not found.lines else set()
    assert set(found.reasons) - of_lines <= {"THIRD_CHILD_REVIEW"} | alone
    assert all(bool(line.reasons) == (line.outcome not in PAYS) for line in found.lines)


@given(any_claim, any_law)
def test_every_determination_can_be_put_into_words_in_both_languages(claim: Facts, law: int) -> None:
    found = decide(claim, LAWS[law])

    for language in Language:
        for step in found.steps():
            said = step_text(step, language)
            assert said.strip()
            assert "{" not in said
        assert all(reason(code).text(language) for code in found.reasons)


# --- stored and decided again ---------------------------------------------------------------------------------------


@given(any_claim)
def test_facts_come_back_from_canonical_json_as_they_were(claim: Facts) -> None:
    stored = canonical(claim.as_data())

    again = Facts.from_data(json.loads(stored))

    assert again == claim
    assert canonical(again.as_data()) == stored


@given(any_claim, any_law)
def test_a_determination_comes_back_from_canonical_json_as_it_was(claim: Facts, law: int) -> None:
    stored = canonical(decide(claim, LAWS[law]).as_data())

    assert canonical(Determination.from_data(json.loads(stored)).as_data()) == stored


@given(any_claim, any_law)
def test_deciding_again_from_what_is_stored_gives_the_same_bytes(claim: Facts, law: int) -> None:
    first = canonical(decide(claim, LAWS[law]).as_data())
    facts_on_file, law_on_file = canonical(claim.as_data()), LAWS[law].content

    restored = laws.from_content(law_on_file)
    again = decide(Facts.from_data(json.loads(facts_on_file)), restored)

    assert restored.digest == LAWS[law].digest
    assert canonical(again.as_data()) == first


# --- facts that are missing -----------------------------------------------------------------------------------------


def stated(claim: Facts, path: str) -> object:
    """The fact of this path; a path that does not exist raises."""
    return {
        "event.delivery_mode": claim.event.mode,
        "event.birth_order": claim.event.birth_order,
        "event.surgery": claim.event.surgery,
        "insured.paid_months": claim.insured.paid_months,
    }[path]


@given(any_claim, any_law, st.sets(st.sampled_from(["mode", "birth_order", "surgery", "paid_months"])))
def test_a_missing_fact_is_named_by_a_path_that_is_missing(claim: Facts, law: int, left_out: set[str]) -> None:
    event, insured = claim.event, claim.insured
    bare = claim._replace(
        event=event._replace(
            mode=None if "mode" in left_out else event.mode,
            birth_order=None if "birth_order" in left_out else event.birth_order,
            surgery=None if "surgery" in left_out else event.surgery,
        ),
        insured=insured._replace(paid_months=None if "paid_months" in left_out else insured.paid_months),
    )

    if (path := missing_of(bare, law)) is not None:
        assert stated(bare, path) is None
        assert stated(claim, path) is not None


def missing_of(claim: Facts, law: int) -> str | None:
    try:
        decide(claim, LAWS[law])
    except FactMissing as missing:
        return missing.path
    return None


@pytest.mark.parametrize("surgery", list(Surgery))
def test_facts_of_every_surgery_can_be_stored(surgery: Surgery) -> None:
    drawn = some_facts(Random(1))
    claim = drawn._replace(event=drawn.event._replace(surgery=surgery, date=date(2024, 2, 29)))

    assert Facts.from_data(json.loads(canonical(claim.as_data()))) == claim
