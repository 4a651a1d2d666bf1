"""Parental leave and the national child-care allowance: figures that no claim is needed for."""

from __future__ import annotations

from datetime import date

import pytest

from services.claims.rules import LAW
from services.claims.rules.calculators import ParentalLeave, child_care_allowance, parental_leave

Years = tuple[tuple[int, int], ...]


# --- the child-care allowance: GC31 ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("birth", "months", "amount_fen", "by_year"),
    [
        (date(2021, 12, 31), 0, 0, ()),
        (date(2022, 1, 1), 1, 30_000, ((2025, 30_000),)),
        (date(2022, 1, 31), 1, 30_000, ((2025, 30_000),)),
        (date(2022, 12, 15), 12, 360_000, ((2025, 360_000),)),
        (date(2023, 1, 15), 13, 390_000, ((2025, 360_000), (2026, 30_000))),
        (date(2023, 6, 15), 18, 540_000, ((2025, 360_000), (2026, 180_000))),
        (date(2023, 12, 15), 24, 720_000, ((2025, 360_000), (2026, 360_000))),
        (date(2024, 2, 29), 26, 780_000, ((2025, 360_000), (2026, 360_000), (2027, 60_000))),
        (date(2024, 6, 15), 30, 900_000, ((2025, 360_000), (2026, 360_000), (2027, 180_000))),
        (date(2024, 12, 31), 36, 1_080_000, ((2025, 360_000), (2026, 360_000), (2027, 360_000))),
        (date(2025, 1, 1), 36, 1_080_000, ((2025, 360_000), (2026, 360_000), (2027, 360_000))),
        (date(2025, 2, 15), 36, 1_080_000, ((2025, 360_000), (2026, 360_000), (2027, 360_000))),
        (date(2026, 11, 23), 36, 1_080_000, ((2026, 360_000), (2027, 360_000), (2028, 360_000))),
    ],
)
def test_the_child_care_allowance_of_a_child(birth: date, months: int, amount_fen: int, by_year: Years) -> None:
    found = child_care_allowance(birth, LAW)

    assert (found.birth, found.months, found.amount_fen, found.by_year) == (birth, months, amount_fen, by_year)


def test_the_years_of_every_birth_month_add_up() -> None:
    """(birth year + 3 - 2025) x 12 + birth month, from January 2022 to December 2024, at 300 yuan."""
    births = [date(year, month, 28) for year in (2022, 2023, 2024) for month in range(1, 13)]

    found = [child_care_allowance(birth, LAW) for birth in births]

    assert [one.months for one in found] == list(range(1, 37))
    assert [one.amount_fen for one in found] == [30_000 * months for months in range(1, 37)]
    assert all(sum(fen for _, fen in one.by_year) == one.amount_fen for one in found)
    assert all(0 < fen <= 360_000 for one in found for _, fen in one.by_year)


# --- parental leave -------------------------------------------------------------------------------------------------

BIRTH = date(2024, 5, 10)


@pytest.mark.parametrize(
    ("on", "year", "first", "last"),
    [
        (date(2024, 5, 10), 1, date(2024, 5, 10), date(2025, 5, 9)),
        (date(2025, 5, 9), 1, date(2024, 5, 10), date(2025, 5, 9)),
        (date(2025, 5, 10), 2, date(2025, 5, 10), date(2026, 5, 9)),
        (date(2026, 5, 9), 2, date(2025, 5, 10), date(2026, 5, 9)),
        (date(2026, 5, 10), 3, date(2026, 5, 10), date(2027, 5, 9)),
        (date(2027, 5, 9), 3, date(2026, 5, 10), date(2027, 5, 9)),
    ],
)
def test_ten_days_a_year_from_birthday_to_birthday(on: date, year: int, first: date, last: date) -> None:
    assert parental_leave([BIRTH], on, LAW) == [ParentalLeave(BIRTH, year, first, last, 10)]


@pytest.mark.parametrize("on", [date(2024, 5, 9), date(2027, 5, 10), date(2030, 1, 1)])
def test_none_before_the_birth_and_none_from_the_third_birthday(on: date) -> None:
    assert parental_leave([BIRTH], on, LAW) == []


@pytest.mark.parametrize(
    ("on", "year", "first", "last"),
    [
        (date(2024, 2, 29), 1, date(2024, 2, 29), date(2025, 2, 27)),
        (date(2025, 2, 27), 1, date(2024, 2, 29), date(2025, 2, 27)),
        (date(2025, 2, 28), 2, date(2025, 2, 28), date(2026, 2, 27)),
        (date(2026, 2, 28), 3, date(2026, 2, 28), date(2027, 2, 27)),
        (date(2027, 2, 27), 3, date(2026, 2, 28), date(2027, 2, 27)),
    ],
)
def test_a_child_of_the_leap_day_has_its_birthday_on_the_last_of_february(
    on: date, year: int, first: date, last: date
) -> None:
    birth = date(2024, 2, 29)

    assert parental_leave([birth], on, LAW) == [ParentalLeave(birth, year, first, last, 10)]
    assert parental_leave([birth], date(2027, 2, 28), LAW) == []


def test_the_year_of_a_child_born_the_day_after_ends_over_the_leap_day() -> None:
    (found,) = parental_leave([date(2023, 3, 1)], date(2024, 2, 29), LAW)

    assert (found.year, found.last) == (1, date(2024, 2, 29))


def test_each_child_under_three_has_its_own_ten_days() -> None:
    older, younger, grown = date(2024, 5, 10), date(2026, 1, 1), date(2020, 1, 1)

    found = parental_leave([older, younger, grown], date(2026, 6, 1), LAW)

    assert [(one.birth, one.year, one.days) for one in found] == [(older, 3, 10), (younger, 1, 10)]
    assert sum(one.days for one in found) == 20


def test_twins_have_twenty_days() -> None:
    assert sum(one.days for one in parental_leave([BIRTH, BIRTH], date(2025, 1, 1), LAW)) == 20
