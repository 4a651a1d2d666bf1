"""Award or decline by gates, sheets of assessors, floor and threshold; and again, byte for byte."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certification import rules
from services.certification.model import (
    Decision,
    Dimension,
    Employer,
    Facts,
    Indicator,
    IndicatorKind,
    Kind,
    Outcome,
    Points,
    Sheet,
    Size,
    StepView,
    Why,
)
from services.certification.rules import decide
from services.certification.rules.gates import look
from services.certification.rules.measuring import Impossible
from services.certification.wire.notice import notice
from services.kit.law import canonical
from services.kit.messages import Language
from tests.certification.sheets import LARGE, LATEST, PASSED, SME, answer, best, facts, figures, indicator


def of_points(*dimensions: str, size: Size = Size.LARGE, kind: Kind = Kind.NEW) -> Facts:
    return Facts(Employer(size, 0, 0, ""), PASSED, kind, Points(tuple(map(Decimal, dimensions))))


# --- assessors --------------------------------------------------------------------------------------------------------


def test_one_assessor_is_not_enough() -> None:
    for given_sheets in ((), (best("a"),)):
        decision = decide(facts(*given_sheets), LATEST)

        assert (decision.outcome, decision.reasons) == (Outcome.REVIEW, (Why.SECOND_ASSESSOR_MISSING,))


def test_the_same_assessor_twice_cannot_be() -> None:
    assert decide(facts(best("a"), best("a")), LATEST).outcome is Outcome.ERROR


def test_the_second_sheet_counts_where_two_agree() -> None:
    decision = decide(facts(best("a"), best("b", without=["care_support.nursery_places"])), LATEST)

    assert (decision.outcome, decision.score) == (Outcome.AWARDED, Decimal("95.00"))


def test_more_than_five_points_apart_need_a_third() -> None:
    """5 points of nursery places are not more than five; with half a point more they are."""
    at = ["care_support.nursery_places"]
    above = [*at, "attitude.co_parenting"]

    assert decide(facts(best("a"), best("b", without=at)), LATEST).outcome is Outcome.AWARDED
    decision = decide(facts(best("a"), best("b", without=above)), LATEST)
    assert (decision.outcome, decision.reasons) == (Outcome.REVIEW, (Why.THIRD_ASSESSOR_NEEDED,))


def test_one_who_passes_and_one_who_does_not_need_a_third_however_near() -> None:
    """70 and 69 points of a large employer."""
    less = [Dimension.CARE_SUPPORT, "career.retention_12m", "career.pay_after_leave", "work_arrangement.flex_share"]
    passing = best("a", without=less)
    failing = best("b", without=[*less, "work_arrangement.core_hours"])

    assert decide(facts(passing, best("c", without=less)), LATEST).score == Decimal("70.00")
    assert decide(facts(passing, failing), LATEST).reasons == (Why.THIRD_ASSESSOR_NEEDED,)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
def test_the_middle_one_of_three_counts(order: tuple[int, ...]) -> None:
    sheets = [best("a"), best("b", without=[Dimension.CARE_SUPPORT]), best("c", without=[Dimension.ATTITUDE])]

    decision = decide(facts(*[sheets[number] for number in order]), LATEST)

    assert (decision.outcome, decision.score) == (Outcome.AWARDED, Decimal("90.00"))


# --- gates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", LATEST.of(IndicatorKind.GATE), ids=lambda gate: gate.id)
def test_no_points_make_up_for_a_gate(gate: Indicator) -> None:
    shown = tuple((name, name != gate.id) for name, _ in PASSED)

    decision = decide(facts(best("a"), best("b"))._replace(gates=shown), LATEST)

    assert (decision.outcome, decision.reasons) == (Outcome.DECLINED, (gate.reason,))
    assert decision.score == Decimal("100.00")


def test_a_gate_that_nobody_looked_up_cannot_be_decided_about() -> None:
    with pytest.raises(rules.FactMissing) as missing:
        decide(facts(best("a"), best("b"))._replace(gates=PASSED[1:]), LATEST)

    assert missing.value.path == PASSED[0][0]


@pytest.mark.parametrize(
    ("name", "shown", "employer", "expected"),
    [
        ("gate.open_violation.labour", {"open": 0}, LARGE, True),
        ("gate.open_violation.labour", {"open": 1}, LARGE, False),
        ("gate.open_violation.labour", {}, LARGE, None),
        ("gate.arrears.insured", {"insured": 99, "liable": 100}, LARGE, False),
        ("gate.arrears.insured", {"insured": 100, "liable": 100}, LARGE, True),
        ("gate.arrears.insured", {"insured": 0, "liable": 0}, LARGE, True),
        ("gate.arrears.premium", {"unpaid_fen": 1}, LARGE, False),
        ("gate.leave_refused.maternity", {"granted": 9, "requests": 9, "forced_returns": 0}, LARGE, True),
        ("gate.leave_refused.maternity", {"granted": 8, "requests": 9, "forced_returns": 0}, LARGE, False),
        ("gate.leave_refused.maternity", {"granted": 9, "requests": 9, "forced_returns": 1}, LARGE, False),
        ("gate.leave_refused.care", {"granted": 0, "requests": 0, "days_pay_cut": 0}, LARGE, True),
        ("gate.nursing_room", {"rooms": 0}, LARGE._replace(women=99), True),
        ("gate.nursing_room", {"rooms": 0}, LARGE._replace(women=100), False),
        ("gate.nursing_room", {"rooms": 1}, LARGE._replace(women=101), True),
    ],
)
def test_a_gate_is_passed_by_what_was_looked_up(
    name: str, shown: dict[str, int], employer: Employer, expected: bool | None
) -> None:
    assert look(indicator(name), {key: figures(one) for key, one in shown.items()}, employer) is expected


def test_more_insured_than_liable_cannot_be() -> None:
    with pytest.raises(Impossible):
        look(indicator("gate.arrears.insured"), {"insured": figures(2), "liable": figures(1)}, LARGE)


# --- facts that cannot be, and what a person must look at -------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        facts(best("a"), best("b"), employer=LARGE._replace(women=1001)),
        facts(best("a"), best("b"), employer=LARGE._replace(size=Size.SME)),
        facts(best("a"), best("b"), best("c"), best("d")),
        facts(best("a"), Sheet("b", (answer("attitude.no_such", published=1),))),
        facts(best("a"), Sheet("b", (answer("attitude.policy_published", published=2),))),
        facts(best("a"), Sheet("b", (*best("b").answers, answer("attitude.policy_published", published=1)))),
        of_points("11", "0", "0", "0", "0", "0"),
    ],
)
def test_facts_that_cannot_be_are_an_error_and_decide_nothing(wrong: Facts) -> None:
    decision = decide(wrong, LATEST)

    assert (decision.outcome, decision.reasons, decision.score) == (Outcome.ERROR, (Why.FACT_OUT_OF_RANGE,), None)


def test_a_dimension_that_mostly_does_not_apply_waits_for_a_person_who_may_accept_it() -> None:
    nobody = Employer(Size.LARGE, 1000, 0, "I")
    waiting = facts(best("a"), best("b"), employer=nobody)

    decision = decide(waiting, LATEST)
    assert decision.outcome is Outcome.REVIEW
    assert Why.DIMENSION_MOSTLY_NOT_APPLICABLE in decision.reasons
    accepted = decide(waiting._replace(accepted=tuple(Dimension)), LATEST)
    assert accepted.outcome is Outcome.AWARDED


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_its_own_threshold(kind: Kind) -> None:
    scheme = rules.schemes.given(LATEST, {f"threshold.{kind.lower()}.large": "75"})
    at, below = (
        of_points("10", "10", "25", "15", "10", "5", kind=kind),
        of_points("10", "10", "25", "15", "9.99", "5", kind=kind),
    )

    assert decide(at, scheme).outcome is Outcome.AWARDED
    assert decide(below, scheme).reasons == (Why.SCORE_BELOW_THRESHOLD,)
    assert decide(below, LATEST).outcome is Outcome.AWARDED


# --- the trace, and again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [facts(best("a"), best("b")), facts(best("a", SME), best("b", SME), employer=SME)])
def test_every_criterion_has_a_step_in_both_languages(one: Facts) -> None:
    decision = decide(one, LATEST)

    steps = [StepView.of(step) for step in decision.trace]
    named = [step.values["indicator"] for step in steps if "indicator" in step.values]
    assert {name for name in named if not name.startswith("bonus")} == {
        one.id for one in LATEST.indicators if one.kind is not IndicatorKind.BONUS
    }
    zh, en = (notice(decision, None, LATEST, language) for language in Language)
    assert zh.count("\n") == en.count("\n") >= len(steps) - 1
    assert "护理假使用率" in zh
    assert "father care-leave take-up" in en
    assert "a placeholder" in en


def test_figures_that_decide_tell_how_sure_they_are() -> None:
    decision = decide(of_points("6", "9", "16", "12", "14", "6"), LATEST)

    steps = {step.rule: step for step in map(StepView.of, decision.trace)}
    assert (steps["THRESHOLD"].parameter, steps["THRESHOLD"].value) == ("threshold.new.large", "70")
    assert (steps["FLOOR"].status, steps["FLOOR"].since) == ("placeholder", "2026-11-23")


def points() -> st.SearchStrategy[Points]:
    parts = [st.decimals(0, LATEST.dimensions[one].most, places=3) for one in Dimension]
    return st.builds(Points, st.tuples(*parts), st.decimals(0, 5, places=2))


SHEETS = st.lists(
    st.sets(st.sampled_from([one.id for one in LATEST.of(IndicatorKind.SCORED)]), max_size=20), min_size=2, max_size=3
)


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    gates = tuple((name, draw(st.booleans())) for name, _ in PASSED)
    kind, employer = draw(st.sampled_from(list(Kind))), draw(st.sampled_from([LARGE, SME]))
    if draw(st.booleans()):
        return Facts(employer, gates, kind, draw(points()))
    sheets = [best(f"assessor-{number}", employer, without=out) for number, out in enumerate(draw(SHEETS))]
    return Facts(employer, gates, kind, sheets=tuple(sheets))


@given(any_facts())
def test_whatever_was_decided_is_decided_again_byte_for_byte(one: Facts) -> None:
    stored_facts, decision = canonical(one.as_data()), decide(one, LATEST)

    assert rules.again(stored_facts, LATEST.content, rules.REVISION) == canonical(decision.as_data())
    assert canonical(Decision.from_data(orjson.loads(canonical(decision.as_data()))).as_data()) == canonical(
        decision.as_data()
    )


@given(any_facts())
def test_an_award_has_every_gate_the_floor_and_the_threshold(one: Facts) -> None:
    decision = decide(one, LATEST)

    if decision.outcome is Outcome.AWARDED:
        assert all(passed for _, passed in one.gates)
        assert decision.score is not None
        assert decision.score >= (70 if one.employer.size is Size.LARGE else 60)
        assert decision.dimensions[list(Dimension).index(Dimension.MATERNITY_PROTECTION)] >= 15
        assert decision.reasons == ()
    if decision.outcome is Outcome.DECLINED:
        assert decision.reasons
    if decision.score is not None:
        assert decision.score == min(Decimal(100), sum(decision.dimensions, start=Decimal(0)) + decision.bonus)
