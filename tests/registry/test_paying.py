"""Contributions added up: on time or late, in any order, taken back, and sent again."""

from __future__ import annotations

from datetime import date
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry import rules
from services.registry.model import Contributions, Payment
from tests.builders import month, spans

FEBRUARY, MARCH = month("2026-02"), month("2026-03")
NONE = Contributions()
APRIL_8 = date(2026, 4, 8)


def payment(which: int, on: date, *, back: bool = False) -> Payment:
    return Payment(which, on, back)


def paid(*payments: Payment, known: Contributions = NONE, back: dict[int, date] | None = None) -> Contributions:
    return rules.with_payments(known, payments, back or {}, 0)


@pytest.mark.parametrize(
    ("on", "late"), [(date(2026, 3, 1), False), (date(2026, 4, 30), False), (date(2026, 5, 1), True)], ids=str
)
def test_a_month_is_due_by_the_end_of_the_next(on: date, late: bool) -> None:
    assert rules.is_late(payment(MARCH, on)) is late


def test_what_the_office_calls_a_back_payment_is_one() -> None:
    assert rules.is_late(payment(MARCH, APRIL_8, back=True))


def test_a_month_more_makes_the_span_longer() -> None:
    known = Contributions(spans("2024-01..2026-02"))

    assert paid(payment(MARCH, APRIL_8), known=known).paid_months == spans("2024-01..2026-03")


def test_a_late_month_is_kept_with_its_day() -> None:
    found = paid(payment(FEBRUARY, APRIL_8), payment(MARCH, APRIL_8))

    assert (found.paid_months, found.back_paid) == (spans("2026-03"), ((FEBRUARY, APRIL_8),))


def test_two_employers_in_one_month_are_one_month() -> None:
    assert paid(payment(MARCH, APRIL_8), payment(MARCH, date(2026, 4, 9))).paid_months == spans("2026-03")


def test_how_far_the_report_goes_never_goes_back() -> None:
    assert rules.with_payments(Contributions((), (), MARCH), (), {}, FEBRUARY).reported_to_month == MARCH
    assert rules.with_payments(Contributions((), (), FEBRUARY), (), {}, MARCH).reported_to_month == MARCH


def test_what_is_taken_back_is_gone_and_what_is_paid_after_it_counts() -> None:
    known = paid(payment(MARCH, APRIL_8))

    gone = paid(known=known, back={MARCH: date(2026, 4, 10)})
    again = paid(payment(MARCH, date(2026, 4, 11)), known=gone)

    assert gone.paid_months == ()
    assert again.paid_months == spans("2026-03")


@pytest.mark.parametrize(("on", "counts"), [(9, False), (10, False), (11, True)])
def test_a_file_sent_again_does_not_undo_a_correction(on: int, counts: bool) -> None:
    gone = paid(known=paid(payment(MARCH, APRIL_8)), back={MARCH: date(2026, 4, 10)})

    assert bool(paid(payment(MARCH, date(2026, 4, on)), known=gone).paid_months) is counts


def test_a_month_nobody_paid_cannot_be_taken_back() -> None:
    assert rules.not_on_file(NONE, (), [MARCH]) == 0
    assert rules.not_on_file(Contributions(spans("2026-03")), (), [MARCH, FEBRUARY]) == 1
    assert rules.not_on_file(NONE, (payment(MARCH, APRIL_8),), [MARCH]) is None


def test_a_correction_sent_again_is_known() -> None:
    known = paid(known=paid(payment(MARCH, APRIL_8)), back={MARCH: date(2026, 4, 10)})

    assert rules.not_on_file(known, (), [MARCH]) is None
    assert paid(known=known, back={MARCH: date(2026, 4, 10)}) == known


def test_payments_may_come_in_any_order() -> None:
    payments = [
        payment(FEBRUARY, APRIL_8),
        payment(FEBRUARY, date(2026, 3, 9)),
        payment(MARCH, date(2026, 6, 9)),
        payment(MARCH, date(2026, 5, 9)),
    ]

    outcomes = set()
    for order in permutations(payments):
        known = NONE
        for one in order:
            known = paid(one, known=known)
        outcomes.add(known)
    assert outcomes == {Contributions(spans("2026-02"), ((MARCH, date(2026, 5, 9)),))}


payments = st.builds(
    Payment,
    st.integers(24300, 24312),
    st.dates(date(2025, 1, 1), date(2026, 12, 31)),
    st.booleans(),
)


@given(st.lists(payments, max_size=12))
def test_every_statement_twice_is_once(given_: list[Payment]) -> None:
    once = paid(*given_)

    assert paid(*given_, known=once) == once


@given(st.sets(st.integers(24300, 24400)))
def test_spans_hold_the_months_they_were_made_of_and_do_not_touch(months: set[int]) -> None:
    made = rules.spans_of(months)

    assert rules.months_of(made) == months
    assert all(before[1] + 1 < after[0] for before, after in pairwise(made))
