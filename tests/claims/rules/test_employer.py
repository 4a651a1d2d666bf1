"""What her employer owes beside the fund: the top-up, the other leave days, and what it should have insured."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from services.claims.model import Benefit, Category, Facts, Item, Programme, Visit
from services.claims.rules import decide
from tests.builders import (
    ALLOWANCE,
    MEDICAL,
    SX_98,
    SX_158,
    approved_before,
    delivery,
    facts,
    law_with,
    miscarriage,
    spans,
    stay,
)

LAW = law_with(SX_98)
UNINSURED = Category.UNINSURED_EMPLOYEE

Owed = tuple[int | None, int | None, int | None]


def owed(given: Facts) -> Owed:
    """Top-up, leave, liability."""
    figures = decide(given, LAW).figures
    return figures.employer_topup_fen, figures.employer_leave_fen, figures.employer_liability_fen


# --- beside an allowance --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own_fen", "topup_fen"), [(0, 0), (599_999, 0), (600_000, 0), (600_001, 3), (810_000, 686_000)]
)
def test_the_employer_adds_only_what_her_own_wage_is_above(own_fen: int, topup_fen: int) -> None:
    assert owed(facts(own_wage_fen=own_fen))[0] == topup_fen


def test_the_worked_case_of_a_wage_above_the_allowance() -> None:
    given = facts(own_wage_fen=810_000, wages={2025: 540_000})

    national, local = decide(given, LAW).figures, decide(given, law_with(SX_158)).figures

    assert (national.allowance_fen, national.employer_topup_fen, national.employer_leave_fen) == (
        1_764_000,
        882_000,
        1_620_000,
    )
    assert (local.allowance_fen, local.employer_topup_fen, local.employer_leave_fen) == (2_844_000, 1_422_000, 0)


def test_the_days_of_a_check_and_of_a_third_child_are_the_employers() -> None:
    event = delivery(birth_order=3, prepregnancy_check=True)

    assert decide(facts(event, own_wage_fen=810_000), law_with(SX_158)).figures.employer_leave_fen == 675_000  # 25 days
    assert owed(facts(event, own_wage_fen=810_000))[1] == 2_295_000  # and the sixty local ones


def test_a_miscarriage_has_no_days_for_the_employer_to_pay() -> None:
    assert owed(facts(miscarriage(150), own_wage_fen=600_000)) == (0, 0, 0)


def test_her_own_wage_is_divided_by_thirty_whatever_divides_the_allowance() -> None:
    law = law_with(SX_98 | {"allowance.divisor": Decimal("30.4")})

    figures = decide(facts(own_wage_fen=600_000), law).figures

    assert figures.employer_topup_fen == 1_960_000 - 1_934_211
    assert figures.employer_leave_fen == 1_200_000


def test_what_is_owed_is_rounded_once_each() -> None:
    given = facts(own_wage_fen=600_001, wages={2025: 500_000})  # 1,960,003.27 and 1,200,002

    assert owed(given) == (1_960_003 - 1_633_333, 1_200_002, 0)


# --- where the fund does not pay ------------------------------------------------------------------------------------


def test_too_few_months_make_the_employer_owe_the_days_of_the_fund() -> None:
    given = facts(
        delivery(date(2026, 4, 20)),
        decided=date(2026, 5, 10),
        paid_months=spans("2024-07..2025-11", "2026-01..2026-04"),
        own_wage_fen=650_000,
        wages={2025: 620_000},
    )

    assert owed(given) == (0, 1_300_000, 2_123_333)


def test_who_was_never_insured_is_owed_everything_by_her_employer() -> None:
    given = facts(
        delivery(date(2026, 3, 28)), category=UNINSURED, own_wage_fen=720_000, stays=[stay(620_000)], paid_months=None
    )

    figures = decide(given, LAW).figures

    assert (figures.allowance_fen, figures.medical_fen, figures.employer_liability_fen) == (0, 0, 2_972_000)
    assert (figures.leave_days, figures.employer_leave_fen) == (158, 1_440_000)


@pytest.mark.parametrize(
    ("benefits", "liability_fen"), [(ALLOWANCE, 2_352_000), (MEDICAL, 703_000), ((*MEDICAL, *ALLOWANCE), 3_055_000)]
)
def test_the_liability_is_for_what_was_asked(benefits: tuple[Benefit, ...], liability_fen: int) -> None:
    given = facts(
        category=UNINSURED,
        own_wage_fen=720_000,
        benefits=benefits,
        stays=[stay(620_000), stay(50_000)],
        visits=[Visit(date(2026, 1, 5), 30_000)],
        items=[Item(Programme.ANALGESIA, "LA01", date(2026, 3, 10), 3_000)],
    )

    assert owed(given)[2] == liability_fen


def test_medical_cost_of_who_is_insured_is_no_liability() -> None:
    assert owed(facts(paid_months=(), own_wage_fen=600_000, stays=[stay(620_000)]))[2] == 1_960_000


# --- what is not known, and what waits ------------------------------------------------------------------------------


def test_without_her_own_wage_what_the_employer_owes_stays_unsaid() -> None:
    assert owed(facts(own_wage_fen=None)) == (None, None, 0)
    assert owed(facts(own_wage_fen=None, paid_months=())) == (0, None, None)
    assert owed(facts(own_wage_fen=None, category=UNINSURED, stays=[stay(620_000)])) == (0, None, None)
    assert decide(facts(own_wage_fen=None), LAW).figures.allowance_fen == 1_960_000


def test_while_the_allowance_waits_only_the_days_beside_it_are_owed() -> None:
    assert owed(facts(wages={})) == (0, 1_200_000, 0)


def test_a_duplicate_makes_nobody_owe_anything() -> None:
    assert owed(facts(prior=[approved_before(delivery().date)])) == (0, 0, 0)


@pytest.mark.parametrize(
    "category",
    [Category.FLEXIBLE, Category.UNEMPLOYMENT_BENEFIT, Category.SPOUSE_OF_EMPLOYEE, Category.RESIDENT],
)
def test_who_has_no_employer_is_owed_nothing_by_one(category: Category) -> None:
    assert owed(facts(category=category, own_wage_fen=900_000)) == (0, 0, 0)
