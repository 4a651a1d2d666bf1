"""The maternity allowance: who has one, on which base, for how many days, paid to whom."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from services.claims.model import Category, DeliveryMode, Event, Payee, State
from services.claims.rules import decide
from services.kit.law import Value
from tests.builders import ALLOWANCE, MEDICAL, SX_98, SX_158, delivery, facts, law_with, miscarriage, spans

LAW = law_with(SX_98)
LONG_PAID = spans("2019-01..2027-12")
AUGUST_20 = delivery(date(2025, 8, 20))


def allowance_fen(wage_fen: int, law: dict[str, Value | int] | None = None, event: Event | None = None) -> int:
    return decide(facts(event, wages={2025: wage_fen}), law_with(SX_98 | (law or {}))).figures.allowance_fen


# --- who has one ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "outcome", "reasons", "amount_fen", "payee"),
    [
        (Category.EMPLOYEE, State.APPROVED, (), 1_960_000, Payee.PERSON),
        (Category.FLEXIBLE, State.APPROVED, (), 1_519_000, Payee.PERSON),
        (Category.UNINSURED_EMPLOYEE, State.DENIED, ("NOT_INSURED",), 0, None),
        (Category.UNEMPLOYMENT_BENEFIT, State.DENIED, ("NO_EMPLOYER_WAGE_BASE",), 0, None),
        (Category.SPOUSE_OF_EMPLOYEE, State.DENIED, ("NOT_ENTITLED",), 0, None),
        (Category.RESIDENT, State.DENIED, ("NOT_ENTITLED",), 0, None),
    ],
)
def test_an_allowance_alone_by_category(
    category: Category, outcome: State, reasons: tuple[str, ...], amount_fen: int, payee: Payee | None
) -> None:
    found = decide(facts(category=category, benefits=ALLOWANCE), LAW)

    assert (found.outcome, found.reasons) == (outcome, reasons)
    assert (found.figures.allowance_fen, found.figures.payee) == (amount_fen, payee)


def test_who_does_not_ask_for_it_is_not_paid_it() -> None:
    found = decide(facts(benefits=MEDICAL), LAW).figures

    assert (found.allowance_fen, found.fund_days, found.leave_days, found.payee) == (0, 0, 0, None)


# --- on which base --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wage_fen", "amount_fen"), [(2_324_999, 7_594_997), (2_325_000, 7_595_000), (2_325_001, 7_595_000)]
)
def test_the_base_is_cut_at_the_cap(wage_fen: int, amount_fen: int) -> None:
    assert allowance_fen(wage_fen, {"allowance.base.cap_monthly": 2_325_000}) == amount_fen


@pytest.mark.parametrize(
    ("wage_fen", "amount_fen"), [(0, 1_519_000), (464_999, 1_519_000), (465_000, 1_519_000), (465_001, 1_519_003)]
)
def test_the_base_is_raised_to_the_floor(wage_fen: int, amount_fen: int) -> None:
    assert allowance_fen(wage_fen, {"allowance.base.floor_monthly": 465_000}) == amount_fen


@pytest.mark.parametrize(("wage_fen", "amount_fen"), [(0, 0), (100, 327), (9_999_999, 32_666_663)])
def test_without_cap_and_floor_the_base_is_the_wage(wage_fen: int, amount_fen: int) -> None:
    unset: dict[str, Value | int] = {"allowance.base.cap_monthly": None, "allowance.base.floor_monthly": None}

    assert allowance_fen(wage_fen, unset) == amount_fen


@pytest.mark.parametrize(
    ("born", "year"), [(date(2025, 12, 31), 2024), (date(2026, 1, 1), 2025), (date(2026, 12, 31), 2025)]
)
def test_the_wage_is_that_of_the_calendar_year_before_the_event(born: date, year: int) -> None:
    wages = {2023: 300_000, 2024: 600_000, 2025: 900_000, 2026: 1_200_000}

    found = decide(facts(delivery(born), paid_months=LONG_PAID, wages=wages, decided=date(2027, 1, 5)), LAW)

    assert found.figures.allowance_fen == {2024: 1_960_000, 2025: 2_940_000}[year]


def test_a_missing_wage_of_that_year_waits_with_its_days_known() -> None:
    found = decide(facts(wages={2024: 600_000, 2026: 600_000}), LAW)

    assert (found.outcome, found.reasons) == (State.PENDED, ("WAGE_REQUIRED",))
    assert (found.figures.leave_days, found.figures.allowance_fen, found.figures.payee) == (158, 0, None)


def test_too_few_months_are_told_before_a_missing_wage() -> None:
    assert decide(facts(wages={}, paid_months=()), LAW).reasons == ("CONTRIB_SHORT",)


@pytest.mark.parametrize(("source", "amount_fen"), [("UNIT_AVG_WAGE", 1_960_000), ("UNIT_AVG_CONTRIB_BASE", 1_633_333)])
def test_a_city_may_take_the_average_contribution_base(source: str, amount_fen: int) -> None:
    law = law_with(SX_98 | {"allowance.base_source": source})

    assert decide(facts(wages={2025: 600_000}, bases={2025: 500_000}), law).figures.allowance_fen == amount_fen


def test_the_wage_does_not_stand_in_for_a_missing_contribution_base() -> None:
    law = law_with(SX_98 | {"allowance.base_source": "UNIT_AVG_CONTRIB_BASE"})

    assert decide(facts(wages={2025: 600_000}, bases={2024: 500_000}), law).reasons == ("WAGE_REQUIRED",)


# --- how much -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wage_fen", "amount_fen"),
    [(600_001, 1_960_003), (600_002, 1_960_007), (600_003, 1_960_010)],  # .27 down, .53 up, .8 up
)
def test_the_allowance_is_rounded_once_to_the_fen(wage_fen: int, amount_fen: int) -> None:
    assert allowance_fen(wage_fen) == amount_fen


def test_half_a_fen_is_rounded_up() -> None:
    assert allowance_fen(600_001, event=miscarriage(111)) == 300_001  # 300,000.5
    assert allowance_fen(600_003, event=miscarriage(111)) == 300_002  # 300,001.5


@pytest.mark.parametrize(
    ("divisor", "months", "amount_fen"),
    [(Decimal(30), 1, 1_960_000), (Decimal("30.4"), 1, 1_934_211), (Decimal(31), 1, 1_896_774), (365, 12, 1_933_151)],
)
def test_how_a_day_is_reckoned_is_the_citys_to_say(divisor: Decimal | int, months: int, amount_fen: int) -> None:
    law: dict[str, Value | int] = {"allowance.divisor": divisor, "allowance.divisor_months": months}

    assert allowance_fen(600_000, law) == amount_fen


def test_the_divisor_of_the_trace_is_the_one_that_was_used() -> None:
    law = law_with(SX_98 | {"allowance.divisor": Decimal("30.4")})

    (step,) = [step for step in decide(facts(), law).steps() if step[0] == "ALLOWANCE"]

    assert (step[1]["divisor"], step[1]["allowance_fen"]) == ("30.4", 1_934_211)


@pytest.mark.parametrize(
    ("law", "amount_fen"), [(SX_98, 1_960_000), (SX_158, 3_160_000)], ids=["national days", "local days too"]
)
def test_which_days_are_paid_is_the_funds_to_say(law: dict[str, Value | int], amount_fen: int) -> None:
    assert decide(facts(), law_with(law)).figures.allowance_fen == amount_fen


def test_twins_by_caesarean_are_paid_both_additions() -> None:
    event = delivery(mode=DeliveryMode.CAESAREAN, infants=2)

    assert allowance_fen(750_000, SX_98, event) == 3_200_000
    assert allowance_fen(750_000, SX_158, event) == 4_700_000


# --- a flexible worker ----------------------------------------------------------------------------------------------


def test_a_flexible_worker_is_paid_on_the_base_that_is_set_whatever_else_is_known() -> None:
    found = decide(facts(category=Category.FLEXIBLE, wages={2025: 9_000_000}), LAW).figures

    assert (found.allowance_fen, found.fund_days, found.leave_days) == (1_519_000, 98, 0)
    assert (found.employer_topup_fen, found.employer_leave_fen, found.employer_liability_fen) == (0, 0, 0)


def test_without_a_base_a_flexible_worker_waits() -> None:
    found = decide(facts(category=Category.FLEXIBLE), law_with(SX_98 | {"allowance.flex.base_monthly": None}))

    assert (found.outcome, found.reasons) == (State.PENDED, ("PARAMETER_UNSET",))


@pytest.mark.parametrize(
    ("born", "paid", "months", "outcome"),
    [
        (date(2026, 9, 15), "2025-11..2026-09", 11, State.DENIED),
        (date(2026, 11, 15), "2025-11..2026-11", 13, State.APPROVED),
    ],
)
def test_the_worked_case_of_a_flexible_worker(born: date, paid: str, months: int, outcome: State) -> None:
    given = facts(delivery(born), category=Category.FLEXIBLE, paid_months=spans(paid), wages={})

    found = decide(given, LAW)

    assert (found.outcome, found.figures.continuous_months) == (outcome, months)
    assert found.figures.allowance_fen == (1_519_000 if outcome is State.APPROVED else 0)


# --- paid to whom ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decided", "payee"),
    [
        (date(2025, 8, 28), Payee.EMPLOYER),
        (date(2025, 8, 31), Payee.EMPLOYER),
        (date(2025, 9, 1), Payee.PERSON),
        (date(2025, 9, 2), Payee.PERSON),
        (date(2025, 10, 9), Payee.PERSON),
    ],
)
def test_the_person_is_paid_directly_from_the_switch_day_on(decided: date, payee: Payee) -> None:
    assert decide(facts(AUGUST_20, decided=decided, paid_months=LONG_PAID), LAW).figures.payee is payee


@pytest.mark.parametrize("decided", [date(2025, 8, 31), date(2025, 9, 1)])
def test_a_flexible_worker_is_always_paid_directly(decided: date) -> None:
    given = facts(AUGUST_20, category=Category.FLEXIBLE, decided=decided, paid_months=LONG_PAID)

    assert decide(given, LAW).figures.payee is Payee.PERSON
