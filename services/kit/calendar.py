"""Working days of mainland China, by the yearly notice (`working_days/<year>.yaml`).

A year whose notice is not held has no answer: deadlines are law, and a guessed holiday is a missed one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from services.kit.errors import Invalid
from services.kit.messages import reason

_FOLDER: Final = Path(__file__).with_name("working_days")
_FIELDS: Final = {"notice", "holidays", "makeup_workdays", "workdays_by_month"}
_NOTICE: Final = {"number", "dated", "status"}
_STATUSES: Final = {"confirmed", "secondary"}
_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


class CalendarError(ValueError):
    """A file of working days is not one; says which and why."""


class YearNotHeld(Invalid):
    """A date lies in a year whose notice is not held."""

    def __init__(self, year: int, held: Sequence[int]) -> None:
        super().__init__(reason("CALENDAR_YEAR_NOT_HELD", year=year, first=min(held), last=max(held)))
        self.year = year


@dataclass(frozen=True, slots=True)
class Year:
    """The days of one year that are not as the week would have them."""

    notice: str
    status: str
    holidays: frozenset[date]
    makeup: frozenset[date]


@dataclass(frozen=True, slots=True)
class Calendar:
    years: Mapping[int, Year] = field(repr=False)

    def is_working_day(self, day: date) -> bool:
        """Raises YearNotHeld."""
        year = self.years.get(day.year)
        if year is None:
            raise YearNotHeld(day.year, tuple(self.years))
        return day in year.makeup or (day.weekday() < _SATURDAY and day not in year.holidays)

    def add_working_days(self, day: date, count: int) -> date:
        """The working day that is `count` of them after `day`, which itself does not count. Raises YearNotHeld.

        By the rule of periods (民法典 art. 201): the day on which a period begins is left out.
        """
        if count < 1:
            raise ValueError("a period has at least one day")
        while count:
            day += _DAY
            count -= self.is_working_day(day)
        return day

    def holds(self, year: int) -> bool:
        return year in self.years

    def gone_by(self, day: date, today: date) -> int:
        """Working days after one day and before another; of a year that is not held every weekday, so that nobody
        waits unseen.
        """
        days = [day + n * _DAY for n in range(1, (today - day).days)]
        return sum(self.is_working_day(one) if self.holds(one.year) else one.weekday() < _SATURDAY for one in days)


def load(folder: Path = _FOLDER) -> Calendar:
    """Every year of a folder, strictly: unknown names, other years' days and sums that do not come out are refused."""
    years = {int(path.stem): _year(path) for path in sorted(folder.glob("[0-9][0-9][0-9][0-9].yaml"))}
    if not years:
        raise CalendarError(f"{folder.name} holds no year")
    return Calendar(years)


def _year(path: Path) -> Year:
    number, content = int(path.stem), yaml.load(path.read_text("utf-8"), _Text)  # noqa: S506  # text only
    _expect(isinstance(content, dict) and set(content) == _FIELDS, path, f"must hold {', '.join(sorted(_FIELDS))}")
    notice = content["notice"]
    _expect(isinstance(notice, dict) and set(notice) == _NOTICE, path, "a notice has number, dated and status")
    _expect(notice["status"] in _STATUSES, path, f"status is one of {', '.join(sorted(_STATUSES))}")
    holidays, makeup = _days(content["holidays"], path), _days(content["makeup_workdays"], path)
    _expect(all(day.year == number for day in (*holidays, *makeup)), path, "a day lies in another year")
    _expect(not holidays & makeup, path, "a day is both off and made up")
    _expect(all(day.weekday() >= _SATURDAY for day in makeup), path, "a make-up day falls on a weekday")
    year = Year(str(notice["number"]), str(notice["status"]), holidays, makeup)
    counted = [str(sum(map(Calendar({number: year}).is_working_day, _month(number, month)))) for month in range(1, 13)]
    _expect(content["workdays_by_month"] == counted, path, f"working days by month come to {', '.join(counted)}")
    return year


def _month(year: int, month: int) -> Iterator[date]:
    day = date(year, month, 1)
    while day.month == month:
        yield day
        day += _DAY


def _days(given: Any, path: Path) -> frozenset[date]:
    """Days and ranges with both ends in, each named once and in order."""
    _expect(isinstance(given, list), path, "days are a list")
    found: list[date] = []
    for text in given:
        first, _, last = str(text).partition("..")
        try:
            day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError:
            raise CalendarError(f"{path.name}: {text} is no day and no range of days") from None
        _expect(day <= end and (not found or found[-1] < day), path, f"{text} is out of order")
        while day <= end:
            found.append(day)
            day += _DAY
    return frozenset(found)


def _expect(holds: bool, path: Path, sentence: str) -> None:
    if not holds:
        raise CalendarError(f"{path.name}: {sentence}")


class _Text(yaml.BaseLoader):
    """Keeps scalars as text, and refuses a name given twice."""


def _mapping(loader: _Text, node: yaml.MappingNode) -> dict[str, Any]:
    names = [loader.construct_scalar(key) for key, _ in node.value]
    if len(names) != len(set(map(str, names))):
        raise CalendarError("a name is given twice")
    return {str(key.value): loader.construct_object(value, deep=True) for key, value in node.value}


_Text.add_constructor("tag:yaml.org,2002:map", _mapping)

CALENDAR: Final = load()
