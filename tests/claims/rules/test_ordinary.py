"""The ordinary insurance rules: deductible, rate, out-of-city factor, annual cap; residents' catastrophic insurance."""

from __future__ import annotations

from datetime import date

import pytest

from services.claims.model import (
    NOTHING_PAID,
    Category,
    Determination,
    Level,
    LineKind,
    OutOfCity,
    Paid,
    Payee,
    State,
    Stay,
)
from services.claims.rules import LAW as SHIPPED
from services.claims.rules import decide
from services.kit.law import Law, Value
from tests.builders import MEDICAL, SX_98, delivery, facts, law_with, stay

ORDINARY: dict[str, Value | int] = SX_98 | {
    "medical.delivery.mode": "ORDINARY",
    "medical.resident.delivery.mode": "ORDINARY",
}
LAW: Law = law_with(ORDINARY)
EMPLOYEE, RESIDENT = Category.EMPLOYEE, Category.RESIDENT


def decided(
    category: Category, *stays: Stay, paid: Paid = NOTHING_PAID, student: bool = False, law: Law = LAW
) -> Determination:
    return decide(facts(benefits=MEDICAL, category=category, stays=stays, paid=paid, student=student), law)


def amount_fen(category: Category, given: Stay, *, student: bool = False) -> int:
    return decided(category, given, student=student).figures.medical_fen


# --- deductible and rate --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "student", "level", "deductible_fen", "percent"),
    [
        (EMPLOYEE, False, Level.TOWNSHIP, 30_000, 92),  # counts as primary
        (EMPLOYEE, False, Level.PRIMARY, 30_000, 92),
        (EMPLOYEE, False, Level.SECONDARY, 60_000, 90),
        (EMPLOYEE, False, Level.TERTIARY, 150_000, 85),
        (EMPLOYEE, True, Level.TERTIARY, 150_000, 85),  # only the residents' scheme knows students
        (Category.FLEXIBLE, False, Level.SECONDARY, 60_000, 90),
        (Category.UNEMPLOYMENT_BENEFIT, False, Level.SECONDARY, 60_000, 90),
        (RESIDENT, False, Level.TOWNSHIP, 15_000, 90),
        (RESIDENT, False, Level.PRIMARY, 40_000, 90),
        (RESIDENT, False, Level.SECONDARY, 60_000, 80),
        (RESIDENT, False, Level.TERTIARY, 150_000, 65),
        (RESIDENT, True, Level.TOWNSHIP, 15_000, 90),
        (RESIDENT, True, Level.PRIMARY, 10_000, 90),
        (RESIDENT, True, Level.SECONDARY, 40_000, 80),
        (RESIDENT, True, Level.TERTIARY, 100_000, 65),
    ],
)
def test_a_share_is_paid_of_what_lies_above_the_deductible(
    category: Category, student: bool, level: Level, deductible_fen: int, percent: int
) -> None:
    for above_fen, paid_fen in ((-deductible_fen, 0), (-1, 0), (0, 0), (1, 1), (100, percent), (10_000, 100 * percent)):
        assert amount_fen(category, stay(deductible_fen + above_fen, level), student=student) == paid_fen


def test_the_published_check_value_of_a_resident() -> None:
    assert amount_fen(RESIDENT, stay(1_000_000)) == 552_500


@pytest.mark.parametrize(("above_fen", "paid_fen"), [(10, 7), (20, 13), (30, 20)])  # 6.5, 13, 19.5
def test_a_stay_is_rounded_once_half_up(above_fen: int, paid_fen: int) -> None:
    assert amount_fen(RESIDENT, stay(150_000 + above_fen)) == paid_fen


def test_the_deductible_is_each_stays_own() -> None:
    assert [line.amount_fen for line in decided(EMPLOYEE, stay(250_000), stay(250_000)).lines] == [85_000, 85_000]


@pytest.mark.parametrize(
    ("how", "paid_fen"),
    [
        (None, 85_000),
        (OutOfCity.LONG_TERM_FILED, 85_000),
        (OutOfCity.TRANSFER_FILED, 76_500),
        (OutOfCity.EMERGENCY_UNFILED, 76_500),
        (OutOfCity.OTHER_UNFILED, 68_000),
    ],
)
def test_outside_the_city_a_part_of_the_rate_is_paid(how: OutOfCity | None, paid_fen: int) -> None:
    assert amount_fen(EMPLOYEE, stay(250_000, out_of_city=how)) == paid_fen


# --- the cap of the year --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "full_fen", "cap_fen"), [(EMPLOYEE, 85_000, 35_000_000), (RESIDENT, 65_000, 13_000_000)]
)
def test_no_more_is_paid_in_a_year_than_its_cap(category: Category, full_fen: int, cap_fen: int) -> None:
    def paid(before_fen: int) -> int:
        return decided(category, stay(250_000), paid=Paid(fund_fen=before_fen)).figures.medical_fen

    assert paid(cap_fen - full_fen - 1) == full_fen
    assert paid(cap_fen - full_fen) == full_fen
    assert paid(cap_fen - full_fen + 1) == full_fen - 1
    assert (paid(cap_fen - 1), paid(cap_fen), paid(cap_fen + 1)) == (1, 0, 0)


def test_the_cap_runs_from_stay_to_stay() -> None:
    found = decided(EMPLOYEE, stay(250_000), stay(250_000), stay(250_000), paid=Paid(fund_fen=34_900_000))

    assert [line.amount_fen for line in found.lines] == [85_000, 15_000, 0]
    assert (found.outcome, found.figures.medical_fen) == (State.APPROVED, 100_000)


# --- catastrophic insurance of residents ----------------------------------------------------------------------------

USED_UP = 13_000_000  # the ordinary cap: the whole of a stay is then her own part


@pytest.mark.parametrize(
    ("own_fen", "due_fen"),
    [
        (999_999, 0),
        (1_000_000, 0),
        (1_000_001, 1),  # 0.6
        (1_000_100, 60),
        (4_999_900, 2_399_940),
        (5_000_000, 2_400_000),
        (5_000_100, 2_400_070),
        (9_999_900, 5_899_930),
        (10_000_000, 5_900_000),
        (10_000_100, 5_900_080),
    ],
)
def test_her_own_part_of_the_year_is_paid_by_bands(own_fen: int, due_fen: int) -> None:
    found = decided(RESIDENT, stay(own_fen), paid=Paid(fund_fen=USED_UP))

    assert (found.figures.medical_fen, found.figures.catastrophic_fen) == (0, due_fen)
    assert (LineKind.CATASTROPHIC in {line.kind for line in found.lines}) == (due_fen > 0)


@pytest.mark.parametrize(
    ("before_fen", "due_fen"),
    [
        (850_000, 0),
        (850_100, 60),
        (4_849_900, 90_000),
        (4_850_000, 90_000),
        (4_850_100, 90_010),  # its last yuan is in the second band
        (9_850_000, 105_000),
        (9_850_100, 105_010),
        (20_000_000, 120_000),
    ],
)
def test_what_was_her_own_before_fills_the_bands_first(before_fen: int, due_fen: int) -> None:
    """A stay as high as the deductible is her own part in full: 1,500 yuan."""
    assert decided(RESIDENT, stay(150_000), paid=Paid(own_fen=before_fen)).figures.catastrophic_fen == due_fen


def test_her_own_part_is_what_the_ordinary_rules_left() -> None:
    found = decided(RESIDENT, stay(4_150_000))  # 2,600,000 paid, 1,550,000 her own

    assert (found.figures.medical_fen, found.figures.catastrophic_fen) == (2_600_000, 330_000)
    assert [(line.kind, line.payee) for line in found.lines] == [
        (LineKind.STAY, Payee.PROVIDER),
        (LineKind.CATASTROPHIC, Payee.PROVIDER),
    ]


@pytest.mark.parametrize(
    ("before_fen", "paid_fen"), [(29_999_939, 60), (29_999_940, 60), (29_999_941, 59), (29_999_999, 1), (30_000_000, 0)]
)
def test_catastrophic_insurance_has_a_cap_of_its_own(before_fen: int, paid_fen: int) -> None:
    found = decided(RESIDENT, stay(1_000_100), paid=Paid(fund_fen=USED_UP, catastrophic_fen=before_fen))

    assert found.figures.catastrophic_fen == paid_fen


def test_a_band_nobody_set_waits_and_does_not_hide_the_stays() -> None:
    law = law_with(ORDINARY | {"medical.catastrophic.resident.bracket_2.rate": None})

    found = decided(RESIDENT, stay(9_000_000), stay(9_000_000), law=law)

    assert [(line.kind, line.outcome) for line in found.lines] == [
        (LineKind.STAY, State.APPROVED),
        (LineKind.STAY, State.APPROVED),
        (LineKind.CATASTROPHIC, State.PENDED),
    ]
    assert (found.outcome, found.reasons, found.figures.medical_fen) == (
        State.PENDED,
        ("PARAMETER_UNSET",),
        11_505_000,
    )


def test_only_residents_have_it() -> None:
    found = decided(EMPLOYEE, stay(40_000_000), paid=Paid(fund_fen=35_000_000))

    assert found.figures.catastrophic_fen == 0


def test_where_residents_are_paid_in_full_nothing_is_left_for_it() -> None:
    law = law_with(ORDINARY | {"medical.resident.delivery.mode": "POLICY_FULL"})

    figures = decided(RESIDENT, stay(4_000_000), paid=Paid(own_fen=9_000_000), law=law).figures

    assert (figures.medical_fen, figures.catastrophic_fen) == (4_000_000, 0)


@pytest.mark.parametrize("turned", [False, True])
def test_the_bands_are_those_of_the_last_discharge_whichever_stay_is_told_first(*, turned: bool) -> None:
    """The residents' rules begin on 1 September 2022; the stay before waits, and does not hide the other."""
    stays = [stay(3_000_000, discharged=date(2022, 8, 31)), stay(3_000_000, discharged=date(2022, 9, 1))]
    given = facts(
        delivery(date(2022, 8, 28)), benefits=MEDICAL, category=RESIDENT, stays=stays[::-1] if turned else stays
    )

    figures = decide(given, SHIPPED).figures

    assert (figures.medical_fen, figures.catastrophic_fen) == (1_852_500, 88_500)
