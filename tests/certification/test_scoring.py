"""Indicators by their tiers, each just below, at and above; dimensions, rounding, bonus; what does not apply."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certification.model import (
    Answer,
    Comparison,
    Dimension,
    Employer,
    Indicator,
    IndicatorKind,
    Sheet,
    Size,
    Tier,
)
from services.certification.rules.measuring import Impossible
from services.certification.rules.scoring import Found, hundredths, of_sheet, score, size_of
from services.certification.rules.working import Working
from tests.certification.sheets import LARGE, LATEST, SME, answer, best, indicator, reaching

SCORED = (*LATEST.of(IndicatorKind.SCORED), *LATEST.of(IndicatorKind.BONUS))
TIERS = [
    pytest.param(one, number, id=f"{one.id}-{number}")
    for one in SCORED
    for number in range(len(one.tiers))
    if not one.measure.flag and not one.measure.together
]
A_LITTLE = Decimal("0.001")


def employer_of(one: Indicator) -> Employer:
    return SME if LARGE.size not in one.applies.sizes else LARGE


def points(one: Indicator, given: Answer) -> Decimal | None:
    return score(one, given, employer_of(one)).points


def below(one: Indicator, number: int) -> Decimal:
    return one.tiers[number + 1].points if number + 1 < len(one.tiers) else Decimal(0)


@pytest.mark.parametrize(("one", "number"), TIERS)
def test_every_tier_just_below_at_and_above(one: Indicator, number: int) -> None:
    tier = one.tiers[number]
    bound = tier.bounds[0]
    better, worse = (A_LITTLE, -A_LITTLE) if bound.test is Comparison.AT_LEAST else (-A_LITTLE, A_LITTLE)

    at = points(one, reaching(one, tier, employer_of(one)))
    assert at == (below(one, number) if bound.test is Comparison.LESS_THAN else tier.points)
    if bound.value + worse >= 0:
        assert points(one, reaching(one, tier, employer_of(one), worse)) == below(one, number)
    possible = bound.value + better >= 0 and not (one.measure.share and bound.value + better > 1)
    if possible:
        assert points(one, reaching(one, tier, employer_of(one), better)) == tier.points


@pytest.mark.parametrize("one", [one for one in SCORED if one.measure.flag], ids=lambda one: one.id)
def test_yes_has_all_points_and_no_has_none(one: Indicator) -> None:
    yes = reaching(one, one.tiers[0], employer_of(one))
    no = Answer(one.id, tuple((n, (Decimal(0),) if n == one.measure.part[0] else f) for n, f in yes.quantities))

    assert points(one, yes) == one.points
    assert points(one, no) == 0


@pytest.mark.parametrize("one", SCORED, ids=lambda one: one.id)
def test_what_was_not_shown_scores_nothing_and_stays(one: Indicator) -> None:
    found = score(one, None, employer_of(one))

    assert found == Found(Decimal(0), "CRITERION_NOT_SHOWN")


@pytest.mark.parametrize(
    ("area", "fittings", "expected"),
    [("10", 8, "2"), ("9.99", 8, "1"), ("10", 7, "1"), ("6", 6, "1"), ("5.99", 6, "0.5"), ("3", 5, "0.5"),
     ("2.9", 8, "0"), ("12", 4, "0")],
)  # fmt: skip
def test_a_nursing_room_needs_area_and_fittings(area: str, fittings: int, expected: str) -> None:
    given = answer("maternity_protection.nursing_room", area_m2=area, fittings=fittings)

    assert points(indicator(given.indicator), given) == Decimal(expected)


@pytest.mark.parametrize(
    ("channel", "sessions", "outreach", "expected"),
    [(1, 4, 1, "1.5"), (1, 4, 0, "0.75"), (1, 1, 0, "0.75"), (1, "0.9", 1, "0"), (0, 9, 1, "0"), (1, "3.9", 1, "0.75")],
)
def test_mental_health_needs_channel_sessions_and_outreach(
    channel: int, sessions: int | str, outreach: int, expected: str
) -> None:
    name = "occupational_health.mental_health"
    given = answer(name, channel=channel, sessions_per_100=sessions, outreach=outreach)

    assert points(indicator(name), given) == Decimal(expected)


# --- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answers", "satisfied", "staff", "expected"),
    [
        (100, 60, 60, 1000, "1.5"),  # response of 0.60
        (101, 60, 60, 1000, "0"),
        (12, 10, 10, 1000, "1.5"),  # ten answers
        (12, 9, 9, 1000, "0"),
        (9, 9, 9, 9, "1.5"),  # all of nine
        (9, 8, 8, 9, "0"),
    ],
)
def test_a_survey_needs_response_and_answers(
    asked: int, answers: int, satisfied: int, staff: int, expected: str
) -> None:
    name = "attitude.staff_survey"
    size = Employer(size_of(LATEST, staff), staff, 0, "C")
    found = score(indicator(name), answer(name, asked=asked, answers=answers, satisfied=satisfied), size)

    assert found.points == Decimal(expected)


def test_a_survey_that_nobody_answered_is_not_spread() -> None:
    name = "attitude.staff_survey"

    assert points(indicator(name), answer(name, asked=0, answers=0, satisfied=0)) == 0


@pytest.mark.parametrize(("most", "expected"), [("35.9", 4), (36, 4), ("36.1", 0)])
def test_nobody_may_pass_36_hours_of_overtime(most: str | int, expected: int) -> None:
    name = "work_arrangement.overtime_hours"
    given = answer(name, overtime_hours=[100, 300, 50], full_time=[100, 100, 100], most_of_one_hours=most)

    assert points(indicator(name), given) == expected


def test_overtime_is_that_of_the_worst_month() -> None:
    name = "work_arrangement.overtime_hours"
    given = answer(name, overtime_hours=[100, 1000, 50], full_time=[100, 100, 100], most_of_one_hours=20)

    assert points(indicator(name), given) == 3  # 10 hours are not less than 10


def test_activities_are_those_of_the_poorer_year() -> None:
    name = "attitude.co_parenting"

    assert points(indicator(name), answer(name, activities=[5, 1])) == Decimal("0.5")
    assert points(indicator(name), answer(name, activities=[2, 2])) == 1


def test_parental_leave_is_the_mean_of_the_years_and_a_year_without_eligible_staff_leaves_it() -> None:
    name = "maternity_protection.parental_leave_takeup"

    assert points(indicator(name), answer(name, took=[8, 6], eligible=[10, 10])) == 3  # 0.70
    assert points(indicator(name), answer(name, took=[8, 59], eligible=[10, 100])) == 2  # 0.695
    assert points(indicator(name), answer(name, took=[0, 7], eligible=[0, 10])) == 3
    assert points(indicator(name), answer(name, took=[0, 0], eligible=[0, 0])) is None


@pytest.mark.parametrize("wrong", [{"took": 11}, {"took": -1}, {"took": [1, 2, 3], "eligible": [5, 5]}])
def test_quantities_that_cannot_be_are_refused(wrong: dict[str, int | list[int]]) -> None:
    name = "maternity_protection.parental_leave_takeup"

    with pytest.raises(Impossible):
        points(indicator(name), answer(name, **{"took": 5, "eligible": 10, **wrong}))


def test_a_flag_is_yes_or_no() -> None:
    with pytest.raises(Impossible):
        points(indicator("attitude.policy_published"), answer("attitude.policy_published", published=2))


# --- what does not apply ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("maternity_protection.father_leave_takeup", {"took": 0, "fathers": 0}),
        ("career.promotion_parity", {"promoted_with": 1, "with_leave": 4, "promoted_without": 5, "without_leave": 50}),
        ("career.promotion_parity", {"promoted_with": 0, "with_leave": 9, "promoted_without": 0, "without_leave": 50}),
        ("career.women_in_management", {"women_managers": 1, "managers": 2}),
        ("career.hiring_neutral", {"neutral": 1, "hires": 0}),
        ("career.rehired_parents", {"rehired": 1, "hires": 19}),
        ("care_support.nursery_fee", {"mean_fee_fen": 100, "cap_fen": 0, "child_months": 5}),
        ("care_support.nursery_fee", {"mean_fee_fen": 0, "cap_fen": 100, "child_months": 0}),
        ("care_support.holiday_care", {"places": [5, 5], "parents_3_to_12": 0}),
        ("maternity_protection.antenatal_time", {"kept": 1, "pregnancies": 0}),
    ],
)
def test_nothing_to_divide_by_or_too_few_leaves_the_dimension(name: str, given: dict[str, int | list[int]]) -> None:
    found = score(indicator(name), answer(name, **given), LARGE)

    assert (found.points, found.rule) == (None, "CRITERION_NOT_APPLICABLE")


@pytest.mark.parametrize(
    ("name", "employer"),
    [
        ("career.rehired_parents", SME),
        ("bonus.shared_room", LARGE),
        ("work_arrangement.night_rota", LARGE._replace(sector="I")),
        ("maternity_protection.nursing_room", LARGE._replace(women=19)),
        ("occupational_health.breastfeeding", LARGE._replace(women=0)),
    ],
)
def test_an_indicator_of_others_leaves_the_dimension(name: str, employer: Employer) -> None:
    assert score(indicator(name), None, employer).points is None


def test_twenty_women_have_to_have_a_room_that_is_scored() -> None:
    assert score(indicator("maternity_protection.nursing_room"), None, LARGE._replace(women=20)).points == 0


def dimension(sheet: Sheet, which: Dimension, employer: Employer = LARGE) -> Decimal:
    return of_sheet(sheet, employer, Working(LATEST)).dimensions[list(Dimension).index(which)]


def test_points_that_do_not_apply_are_spread_over_the_dimension() -> None:
    """The worked example of the scheme: 12.5 of 15.5 are 20.16 of 25."""
    sheet = best("a")
    gone = {
        "maternity_protection.father_leave_takeup": answer(
            "maternity_protection.father_leave_takeup", took=0, fathers=0
        ),
        "maternity_protection.father_leave_days": answer(
            "maternity_protection.father_leave_days", days_taken=0, days_entitled=0
        ),
        "maternity_protection.parental_leave_takeup": answer(
            "maternity_protection.parental_leave_takeup", took=0, eligible=0
        ),
        "maternity_protection.parental_leave_men": answer(
            "maternity_protection.parental_leave_men", took=0, eligible=0
        ),
        "maternity_protection.leave_days_full": answer(
            "maternity_protection.leave_days_full", in_full=98, leaves_ended=100
        ),
        "maternity_protection.pregnancy_workload": answer(
            "maternity_protection.pregnancy_workload", kept=0, pregnant=9
        ),
    }
    changed = Sheet("a", tuple(gone.get(one.indicator, one) for one in sheet.answers))

    assert dimension(changed, Dimension.MATERNITY_PROTECTION) == Decimal("20.16")


def test_three_of_ten_fathers_are_a_point() -> None:
    name = "maternity_protection.father_leave_takeup"

    assert points(indicator(name), answer(name, took=3, fathers=10)) == 1
    assert (
        points(indicator(name), answer(name, took=14, fathers=55)) == 0
    )  # the whole period of the transition's example
    assert points(indicator(name), answer(name, took=10, fathers=30)) == 1  # and the stretch after its start


# --- sums -------------------------------------------------------------------------------------------------------------


def test_the_best_there_is_comes_to_a_hundred_and_no_more() -> None:
    large, small = of_sheet(best("a"), LARGE, Working(LATEST)), of_sheet(best("a", SME), SME, Working(LATEST))

    assert (large.total, large.bonus) == (Decimal("100.00"), Decimal(0))
    assert (small.total, small.bonus) == (Decimal("100.00"), Decimal(5))
    assert large.dimensions == tuple(LATEST.dimensions[one].most for one in Dimension)


def test_more_than_half_of_a_dimension_not_applicable_is_told() -> None:
    """Of occupational health, 5.5 of 10 points are for women or for hazards; without women 4.5 are left."""
    nobody = Employer(Size.LARGE, 1000, 0, "I")
    found = of_sheet(best("a", LARGE), nobody, Working(LATEST))

    assert Dimension.OCCUPATIONAL_HEALTH in found.mostly_not_applicable
    assert Dimension.ATTITUDE not in found.mostly_not_applicable


@pytest.mark.parametrize(("staff", "expected"), [(299, Size.SME), (300, Size.LARGE), (301, Size.LARGE)])
def test_size_goes_by_staff(staff: int, expected: Size) -> None:
    assert size_of(LATEST, staff) is expected


@pytest.mark.parametrize(
    ("exact", "expected"), [("1.004999", "1.00"), ("1.005", "1.01"), ("1.0050001", "1.01"), ("14.995", "15.00")]
)
def test_half_a_hundredth_is_rounded_up(exact: str, expected: str) -> None:
    assert str(hundredths(Fraction(exact))) == expected


@given(st.fractions(0, 100, max_denominator=100_000))
def test_rounding_is_to_the_nearest_hundredth(exact: Fraction) -> None:
    assert abs(Fraction(hundredths(exact)) - exact) <= Fraction(1, 200)


@given(st.sets(st.sampled_from([one.id for one in LATEST.of(IndicatorKind.SCORED)])))
def test_showing_less_never_scores_more(left_out: set[str]) -> None:
    whole, less = (of_sheet(best("a", without=names), LARGE, Working(LATEST)) for names in ((), left_out))

    assert less.total <= whole.total
    assert all(
        0 <= points <= LATEST.dimensions[one].most for one, points in zip(Dimension, less.dimensions, strict=True)
    )


def test_tiers_are_made_of_the_scheme() -> None:
    assert all(isinstance(tier, Tier) and 0 < tier.points <= one.points for one in SCORED for tier in one.tiers)
