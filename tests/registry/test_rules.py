"""Which days change, what overlaps, when a husband's coverage counts, and that instants only go forward."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry import rules
from services.registry.model import BEGINNING, GOES_ON, NOTHING, Category, Contributions, Coverage, Known, Span
from tests.builders import month, spans

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
WORKS, HIS_WORKS = UUID(int=1), UUID(int=2)


def span(first: date = BEGINNING, last: date = GOES_ON, category: Category = Category.EMPLOYEE) -> Span:
    return Span(first, last, category, WORKS, is_student=False)


def known(*coverage: Span, paid: str = "", to: str = "") -> Known:
    return Known(coverage, Contributions(spans(paid) if paid else (), (), month(to) if to else 0))


def answer(category: Category | None, by: UUID | None = None) -> Coverage:
    return Coverage(UUID(int=9), True, category, by, False, None, (), (), Contributions())


# --- the first day that is answered otherwise -----------------------------------------------------------------


def test_the_same_again_changes_no_day() -> None:
    assert (
        rules.first_difference(known(span(), paid="2024-01..2025-12"), known(span(), paid="2024-01..2025-12")) is None
    )


def test_the_first_record_changes_every_day_it_speaks_of() -> None:
    assert rules.first_difference(NOTHING, known(span(MARCH))) == MARCH
    assert rules.first_difference(NOTHING, known(span())) == BEGINNING
    assert rules.first_difference(NOTHING, known(paid="2026-04..2026-05")) == APRIL


def test_a_span_that_is_cut_changes_the_day_after_its_new_end() -> None:
    assert rules.first_difference(known(span(MARCH)), known(span(MARCH, date(2026, 4, 30)))) == MAY


def test_a_span_split_in_two_of_the_same_kind_changes_no_day() -> None:
    split = known(span(MARCH, date(2026, 3, 31)), span(APRIL))

    assert rules.first_difference(known(span(MARCH)), split) is None


def test_a_month_more_changes_that_month() -> None:
    assert rules.first_difference(known(paid="2024-01..2026-03"), known(paid="2024-01..2026-04")) == APRIL


def test_a_month_paid_late_changes_that_month() -> None:
    before = known(paid="2024-01..2026-02")
    after = Known((), before.contributions._replace(back_paid=((month("2026-03"), date(2026, 4, 8)),)))

    assert rules.first_difference(before, after) == MARCH


def test_a_month_reported_without_payment_changes_the_months_since() -> None:
    before, after = known(paid="2024-01..2026-02", to="2026-02"), known(paid="2024-01..2026-02", to="2026-04")

    assert rules.first_difference(before, after) == MARCH


# --- spans that do not fit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "place"), [(date(2026, 3, 31), 1), (APRIL, None), (date(2026, 4, 2), None)], ids=str
)
def test_a_span_may_begin_the_day_after_another_ends(second: date, place: int | None) -> None:
    assert rules.first_unfit([span(MARCH, date(2026, 3, 31)), span(second)]) == place


def test_a_span_ends_when_it_begins_or_later() -> None:
    assert rules.first_unfit([span(MARCH, MARCH)]) is None
    assert rules.first_unfit([span(MARCH, MARCH - timedelta(days=1))]) == 0


def test_an_overlap_is_told_at_the_later_span_however_they_are_ordered() -> None:
    assert rules.first_unfit([span(MAY), span(MARCH, MAY)]) == 0


# --- the husband -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hers", [None, Category.RESIDENT, Category.SPOUSE_OF_EMPLOYEE])
def test_the_husbands_coverage_counts_for_a_wife_without_work(hers: Category | None) -> None:
    his = answer(Category.EMPLOYEE, HIS_WORKS)._replace(
        wages=((2025, 700_000),), contributions=Contributions(((1, 2),))
    )

    found = rules.with_husband(answer(hers), his)

    assert (found.category, found.insured_by) == (Category.SPOUSE_OF_EMPLOYEE, HIS_WORKS)
    assert (found.wages, found.contributions) == (his.wages, his.contributions)
    assert found.person == answer(hers).person


@pytest.mark.parametrize("hers", [c for c in Category if c not in {Category.RESIDENT, Category.SPOUSE_OF_EMPLOYEE}])
def test_a_wife_insured_by_work_keeps_her_own(hers: Category) -> None:
    assert rules.with_husband(answer(hers, WORKS), answer(Category.EMPLOYEE, HIS_WORKS)) == answer(hers, WORKS)


@pytest.mark.parametrize("his", [None, *[c for c in Category if c is not Category.EMPLOYEE]])
def test_only_an_employed_husband_counts(his: Category | None) -> None:
    assert rules.with_husband(answer(None), answer(his)) == answer(None)


# --- instants ----------------------------------------------------------------------------------------------------


def test_what_is_recorded_later_has_the_later_instant_whatever_the_clock_says() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    tick = timedelta(microseconds=1)

    assert rules.instant_after(now, None) == now
    assert rules.instant_after(now, now - tick) == now
    assert rules.instant_after(now, now) == now + tick
    assert rules.instant_after(now, now + tick) == now + 2 * tick


# --- whatever changes, what lies before the day that is told is answered as before ---------------------------

DAYS = st.dates(date(2025, 1, 1), date(2025, 3, 31))
MONTHS = st.integers(month("2024-11"), month("2025-04"))


@st.composite
def some_known(draw: st.DrawFn) -> Known:
    edges = sorted(draw(st.sets(DAYS, max_size=6)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    coverage = [Span(a, b - timedelta(days=1), draw(st.sampled_from(Category)), None, False) for a, b in pairs]
    paid = rules.spans_of(draw(st.sets(MONTHS)))
    late = dict(draw(st.lists(st.tuples(MONTHS, DAYS), max_size=3)))
    return Known(tuple(coverage), Contributions(paid, tuple(sorted(late.items())), draw(MONTHS)))


def answered(known: Known, day: date) -> tuple[object, ...]:
    covered = [(s.category, s.employer, s.is_student) for s in known.coverage if s.first_day <= day <= s.last_day]
    paid, which = known.contributions, day.year * 12 + day.month - 1
    on_time = any(first <= which <= last for first, last in paid.paid_months)
    return covered, on_time, [on for late, on in paid.back_paid if late == which], paid.reported_to_month >= which


@given(some_known(), some_known())
def test_days_before_the_one_that_is_told_are_answered_as_before(before: Known, after: Known) -> None:
    told = rules.first_difference(before, after)

    days = [date(2024, 10, 15) + timedelta(days=n) for n in range(230)]
    differ = [day for day in days if answered(before, day) != answered(after, day)]
    assert all(told is not None and day >= told for day in differ)
    assert (told is None) == (not differ)
