"""Working days: the notices day by day, deadlines across holidays and year ends, and files that are none."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import pytest

from services.kit.calendar import CALENDAR, CalendarError, YearNotHeld, load

YEARS = (2024, 2025, 2026)
GOOD = """
notice: {number: 国办发明电〔2025〕7号, dated: 2025-11-04, status: secondary}
holidays: [2026-01-01..2026-01-03]
makeup_workdays: [2026-01-04]
workdays_by_month: [21, 20, 22, 22, 21, 22, 23, 21, 22, 22, 21, 23]
"""


def written(folder: Path, text: str, name: str = "2026.yaml") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize("year", YEARS)
def test_every_day_is_as_an_independent_calendar_has_it(year: int) -> None:
    days = [
        date(year, 1, 1) + timedelta(days=number) for number in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
    ]

    assert [day for day in days if CALENDAR.is_working_day(day) != chinese_calendar.is_workday(day)] == []


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 11, 27), True),  # a Friday
        (date(2026, 11, 28), False),  # a Saturday
        (date(2026, 9, 30), True),  # the day before the National Day
        (date(2026, 10, 1), False),
        (date(2026, 10, 7), False),  # a Wednesday, the last day off
        (date(2026, 10, 8), True),
        (date(2026, 10, 10), True),  # a Saturday that is made up
        (date(2026, 2, 14), True),  # another, before the Spring Festival
        (date(2024, 2, 9), True),  # the eve: rest is encouraged, and it is a working day
    ],
)
def test_a_day_is_worked_or_not_as_the_notice_says(day: date, *, working: bool) -> None:
    assert CALENDAR.is_working_day(day) is working


@pytest.mark.parametrize(
    ("received", "count", "due"),
    [
        (date(2026, 11, 23), 1, date(2026, 11, 24)),  # the day of receipt does not count
        (date(2026, 11, 23), 10, date(2026, 12, 7)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),  # over a weekend
        (date(2026, 11, 28), 1, date(2026, 11, 30)),  # received on a Saturday
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # over the National Day
        (date(2026, 9, 30), 3, date(2026, 10, 10)),  # onto the Saturday that is made up
        (date(2026, 9, 30), 10, date(2026, 10, 20)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),  # a make-up Saturday, and then nine days off
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2025, 12, 31), 1, date(2026, 1, 4)),  # over New Year, onto a Sunday that is made up
        (date(2024, 12, 31), 10, date(2025, 1, 15)),
        (date(2026, 11, 19), 30, date(2026, 12, 31)),  # the last day that is held
    ],
)
def test_a_period_is_counted_in_working_days(received: date, count: int, due: date) -> None:
    assert CALENDAR.add_working_days(received, count) == due


def test_counting_adds_up_however_it_is_split() -> None:
    start = date(2025, 9, 20)

    for count in range(2, 40):
        assert CALENDAR.add_working_days(CALENDAR.add_working_days(start, 1), count - 1) == CALENDAR.add_working_days(
            start, count
        )


@pytest.mark.parametrize("day", [date(2023, 12, 31), date(2027, 1, 1)])
def test_a_year_that_is_not_held_has_no_answer(day: date) -> None:
    with pytest.raises(YearNotHeld) as raised:
        CALENDAR.is_working_day(day)

    assert raised.value.reasons[0].code == "CALENDAR_YEAR_NOT_HELD"


def test_a_period_that_runs_into_a_year_not_held_is_not_guessed() -> None:
    with pytest.raises(YearNotHeld):
        CALENDAR.add_working_days(date(2026, 11, 20), 30)


@pytest.mark.parametrize("count", [0, -1])
def test_a_period_has_at_least_one_day(count: int) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        CALENDAR.add_working_days(date(2026, 11, 23), count)


def test_every_year_names_its_notice() -> None:
    assert [CALENDAR.years[year].notice[:6] for year in YEARS] == ["国办发明电〔"] * 3
    assert CALENDAR.holds(2026)
    assert not CALENDAR.holds(2027)


def test_a_file_of_a_year_is_read(tmp_path: Path) -> None:
    assert load(written(tmp_path, GOOD)).is_working_day(date(2026, 1, 4))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("holidays:", "holiday:", "must hold"),
        ("status: secondary", "status: rumour", "status is one of"),
        (", status: secondary", "", "a notice has"),
        ("2026-01-01..", "2025-12-31..", "another year"),
        ("2026-01-01..2026-01-03", "2026-02-30", "no day"),
        ("2026-01-01..2026-01-03", "2026-01-03..2026-01-01", "out of order"),
        ("[2026-01-04]", "[2026-01-03]", "both off and made up"),
        ("[2026-01-04]", "[2026-01-05]", "on a weekday"),
        ("[21, 20", "[22, 20", "come to 21, 20"),
        ("holidays: [2026-01-01..2026-01-03]", "holidays: 2026-01-01", "days are a list"),
        ("makeup_workdays:", "holidays: []\nmakeup_workdays:", "given twice"),
    ],
)
def test_a_file_that_is_not_one_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in GOOD

    with pytest.raises(CalendarError, match=why):
        load(written(tmp_path, GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("day", "today", "count"),
    [
        (date(2026, 11, 23), date(2026, 11, 23), 0),
        (date(2026, 11, 23), date(2026, 11, 24), 0),
        (date(2026, 11, 23), date(2026, 11, 25), 1),
        (date(2026, 11, 20), date(2026, 11, 23), 0),  # over a weekend
        (date(2026, 11, 20), date(2026, 11, 24), 1),
        (date(2099, 1, 1), date(2099, 1, 6), 2),  # a Thursday; of that year nobody knows the holidays
    ],
)
def test_working_days_that_have_gone_by_are_those_between(day: date, today: date, count: int) -> None:
    assert CALENDAR.gone_by(day, today) == count


def test_a_folder_without_a_year_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalendarError, match="holds no year"):
        load(tmp_path)
