"""Continuity of contributions, with gaps and back payments."""

from __future__ import annotations

from datetime import date

import pytest

from services.claims.model import Category, Facts, State
from services.claims.rules import FactMissing, decide
from tests.builders import ALLOWANCE, SX_98, delivery, facts, law_with, month, spans

APRIL_20 = delivery(date(2026, 4, 20))
WITH_A_GAP = spans("2024-07..2025-11", "2026-01..2026-04")  # December 2025 is missing
LAW = law_with(SX_98)


def months(given: Facts, grace: int = 3) -> int:
    return decide(given, law_with(SX_98 | {"allowance.backpay_grace_months": grace})).figures.continuous_months


@pytest.mark.parametrize(
    ("first_paid", "found", "outcome"),
    [("2025-05", 11, State.DENIED), ("2025-04", 12, State.APPROVED), ("2025-03", 13, State.APPROVED)],
)
@pytest.mark.parametrize("category", [Category.EMPLOYEE, Category.FLEXIBLE])
def test_twelve_continuous_months_are_enough_and_eleven_are_not(
    category: Category, first_paid: str, found: int, outcome: State
) -> None:
    decided = decide(facts(category=category, paid_months=spans(f"{first_paid}..2026-03")), LAW)

    assert (decided.outcome, decided.figures.continuous_months) == (outcome, found)
    assert decided.reasons == (() if outcome is State.APPROVED else ("CONTRIB_SHORT",))
    assert (decided.figures.allowance_fen > 0) == (outcome is State.APPROVED)


@pytest.mark.parametrize(("needed", "outcome"), [(21, State.APPROVED), (22, State.APPROVED), (23, State.DENIED)])
def test_how_many_months_are_needed_is_the_citys_to_say(needed: int, outcome: State) -> None:
    law = law_with(SX_98 | {"allowance.min_continuous_months": needed})

    assert decide(facts(APRIL_20, paid_months=spans("2024-07..2026-04")), law).outcome is outcome


@pytest.mark.parametrize(
    ("paid", "found"),
    [
        ((), 0),
        (spans("2026-03"), 1),
        (spans("2025-03..2026-02"), 12),  # the month of the event is not paid yet
        (spans("2024-01..2026-01"), 0),  # nor is the one before
        (spans("2025-01..2026-12"), 15),  # what comes after the event does not count
        (spans("2026-04..2026-12"), 0),
        (spans("2025-01..2025-06", "2025-07..2026-03"), 15),
        (spans("2025-07..2026-03", "2025-01..2025-06"), 15),
        (spans("2025-01..2025-09", "2025-06..2026-03"), 15),  # they overlap
        (spans("2025-01..2026-03", "2025-06..2025-07"), 15),  # one lies in the other
        (spans("2025-01..2025-05", "2025-07..2026-03"), 9),  # June is missing
    ],
)
def test_months_are_counted_back_to_the_first_gap(paid: tuple[tuple[int, int], ...], found: int) -> None:
    assert months(facts(delivery(date(2026, 3, 10)), paid_months=paid)) == found


@pytest.mark.parametrize(
    ("born", "paid", "found"),
    [
        (date(2024, 2, 29), "2023-03..2024-02", 12),
        (date(2026, 1, 1), "2025-01..2025-12", 12),  # counted from December, as January is not yet paid
        (date(2026, 1, 1), "2025-02..2026-01", 12),
        (date(2025, 12, 31), "2025-01..2025-12", 12),
    ],
)
def test_months_are_counted_across_leap_days_and_years(born: date, paid: str, found: int) -> None:
    assert months(facts(delivery(born), paid_months=spans(paid))) == found


@pytest.mark.parametrize(
    ("grace", "paid_on", "found"),
    [
        (3, date(2026, 3, 30), 22),
        (3, date(2026, 3, 31), 22),  # the last day of the third month after December
        (3, date(2026, 4, 1), 4),
        (0, date(2025, 12, 31), 22),
        (0, date(2026, 1, 1), 4),
        (2, date(2026, 2, 28), 22),
        (2, date(2026, 3, 1), 4),
    ],
)
def test_a_month_paid_back_counts_up_to_the_last_day_of_the_grace(grace: int, paid_on: date, found: int) -> None:
    assert months(facts(APRIL_20, paid_months=WITH_A_GAP, back_paid={"2025-12": paid_on}), grace) == found


@pytest.mark.parametrize(
    ("missed", "paid_on", "counts"),
    [
        ("2023-11", date(2024, 2, 29), True),
        ("2023-11", date(2024, 3, 1), False),
        ("2022-11", date(2023, 2, 28), True),
        ("2022-11", date(2023, 3, 1), False),
        ("2024-09", date(2024, 12, 31), True),
        ("2024-09", date(2025, 1, 1), False),
    ],
)
def test_the_grace_ends_with_its_month_leap_day_or_year(missed: str, paid_on: date, counts: bool) -> None:
    given = facts(delivery(date(2026, 4, 20)), paid_months=spans("2015-01..2026-04"), back_paid={missed: paid_on})
    without = facts(delivery(date(2026, 4, 20)), paid_months=spans("2015-01..2026-04"))

    assert (months(given) == months(without)) is counts


@pytest.mark.parametrize(
    ("paid_on", "found"),
    [(date(2026, 4, 19), 16), (date(2026, 4, 20), 16), (date(2026, 4, 21), 2)],
    ids=["the day before the event", "on its day", "the day after"],
)
@pytest.mark.parametrize("paid", [spans("2025-01..2026-01", "2026-03..2026-04"), spans("2025-01..2026-04")])
def test_a_month_paid_back_after_the_event_does_not_count_whether_or_not_a_span_holds_it(
    paid: tuple[tuple[int, int], ...], paid_on: date, found: int
) -> None:
    given = facts(APRIL_20, decided=date(2026, 5, 10), paid_months=paid, back_paid={"2026-02": paid_on})

    assert months(given) == found


def test_a_month_of_the_event_paid_back_after_it_is_as_one_not_paid_yet() -> None:
    given = facts(
        APRIL_20, paid_months=spans("2025-01..2026-03"), back_paid={"2026-04": date(2026, 4, 21)}, decided=None
    )

    assert months(given) == 15


@pytest.mark.parametrize("turned", [False, True])
def test_a_month_paid_in_parts_counts_by_the_first_that_was_in_time(*, turned: bool) -> None:
    december = month("2025-12")
    late = ((december, date(2026, 3, 31)), (december, date(2026, 4, 1)))
    given = facts(APRIL_20, paid_months=WITH_A_GAP)

    insured = given.insured._replace(back_paid=late[::-1] if turned else late)

    assert months(given._replace(insured=insured)) == 22


def test_two_months_paid_back_may_bridge_one_gap_together() -> None:
    paid = spans("2025-01..2025-11", "2026-02..2026-04")

    both = {"2026-01": date(2026, 3, 5), "2025-12": date(2026, 3, 5)}

    assert months(facts(APRIL_20, paid_months=paid, back_paid=both)) == 16
    assert months(facts(APRIL_20, paid_months=paid, back_paid={"2026-01": date(2026, 3, 5)})) == 4


def test_months_that_were_not_stated_are_asked_for_and_none_paid_is_an_answer() -> None:
    with pytest.raises(FactMissing) as raised:
        decide(facts(paid_months=None), LAW)

    assert raised.value.path == "insured.paid_months"
    assert decide(facts(paid_months=()), LAW).reasons == ("CONTRIB_SHORT",)


@pytest.mark.parametrize("category", [Category.UNINSURED_EMPLOYEE, Category.UNEMPLOYMENT_BENEFIT, Category.RESIDENT])
def test_who_has_no_allowance_needs_no_months(category: Category) -> None:
    assert decide(facts(category=category, paid_months=None, benefits=ALLOWANCE), LAW).outcome is State.DENIED
