"""A parameter: its values by date, each with its citation and how sure it is."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple, TypeVar

from services.kit.law.values import STATUSES, Codes, Status, Value, text_of

_Kind = TypeVar("_Kind")


class Unset(LookupError):
    """A value is needed that the authority has yet to set."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class NotInForce(LookupError):
    """The law has no value that early."""

    def __init__(self, name: str, first: date) -> None:
        super().__init__(f"{name} has no value before {first}")
        self.name = name


class Citation(NamedTuple):
    """Where a value stands, in Chinese, the law's own language, and in English."""

    title: str
    title_en: str
    href: str = ""


@dataclass(frozen=True)
class Dated:
    """A value in force: since when, by which citation, how sure. What is read again and again is made once."""

    name: str
    value: Value
    since: date
    citation: str
    citation_en: str
    status: Status
    href: str = ""
    further: tuple[Citation, ...] = ()

    @cached_property
    def stamp(self) -> tuple[str, str, str, Status]:
        """Name, value, date and status as a trace notes them."""
        return self.name, text_of(self.value), self.since.isoformat(), self.status

    @property
    def citations(self) -> tuple[Citation, ...]:
        return (Citation(self.citation, self.citation_en, self.href), *self.further)

    @property
    def is_set(self) -> bool:
        return self.value is not None

    @cached_property
    def number(self) -> Decimal:
        return self._as(Decimal)

    @cached_property
    def count(self) -> int:
        return int(self.number)

    @cached_property
    def flag(self) -> bool:
        return self._as(bool)

    @cached_property
    def code(self) -> str:
        return self._as(str)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return self._as(tuple)

    @cached_property
    def day(self) -> date:
        return self._as(date)

    def _as(self, kind: type[_Kind]) -> _Kind:
        """The value, if it is of that kind. Raises Unset where there is none."""
        if self.value is None:
            raise Unset(self.name)
        if not isinstance(self.value, kind):
            raise TypeError(f"{self.name} is no {kind.__name__}")
        return self.value


@dataclass(frozen=True, slots=True)
class Parameter:
    """`key_date` says which date of a case picks the value; `dates` are those of `values`, earliest first."""

    name: str
    description: str
    unit: str
    key_date: str
    mandatory: bool
    dates: tuple[date, ...]
    values: tuple[Dated, ...]
    codes: Codes = None
    notes: str = ""
    last_value_still_valid_on: date | None = None

    @property
    def status(self) -> Status:
        """Of all its values, that of the least sure."""
        return max((dated.status for dated in self.values), key=STATUSES.index)

    def at(self, day: date) -> Dated:
        """The value in force on a day. Raises NotInForce before the first."""
        index = bisect_right(self.dates, day)
        if not index:
            raise NotInForce(self.name, self.dates[0])
        return self.values[index - 1]
