"""Persons, employers and institutions as the registry knows them. Months are year * 12 + month - 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

BEGINNING: Final = date.min
GOES_ON: Final = date.max

Months = tuple[tuple[int, int], ...]  # spans, both ends in
Late = tuple[tuple[int, date], ...]  # months paid late, with the day of payment


class Category(StrEnum):
    """How a person is insured (参保身份)."""

    EMPLOYEE = "EMPLOYEE"
    UNINSURED_EMPLOYEE = "UNINSURED_EMPLOYEE"
    FLEXIBLE = "FLEXIBLE"
    UNEMPLOYMENT_BENEFIT = "UNEMPLOYMENT_BENEFIT"
    SPOUSE_OF_EMPLOYEE = "SPOUSE_OF_EMPLOYEE"
    RESIDENT = "RESIDENT"


class Level(StrEnum):
    """Level of an institution (医院等级)."""

    TOWNSHIP = "TOWNSHIP"
    PRIMARY = "PRIMARY"
    SECONDARY = "SECONDARY"
    TERTIARY = "TERTIARY"


# --- what the offices state ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Employer:
    uscc: str
    name: str
    county: str
    wages: Mapping[int, int]  # calendar year -> average monthly wage in fen
    bases: Mapping[int, int]  # calendar year -> average monthly contribution base in fen


@dataclass(frozen=True, slots=True)
class Contract:
    """Days of an institution at one level, both in."""

    first_day: date
    last_day: date
    level: Level


@dataclass(frozen=True, slots=True)
class Provider:
    """An institution. `account` is sealed before it is stored."""

    code: str
    name: str
    county: str
    account: str
    contracts: tuple[Contract, ...]


@dataclass(frozen=True, slots=True)
class StatedSpan:
    """Days covered in one way, with the employer as the office names it."""

    first_day: date
    last_day: date
    category: Category
    employer_uscc: str = ""
    is_student: bool = False
    place: str = field(default="", compare=False)  # where in the record its employer stands


@dataclass(frozen=True, slots=True)
class Contributions:
    paid_months: Months = ()
    back_paid: Late = ()
    reported_to_month: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """A person with her coverage. `name` and `id_number` are sealed before they are stored."""

    id_number: str
    name: str
    coverage: tuple[StatedSpan, ...]
    contributions: Contributions


# --- what is known ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """Days covered in one way, both in."""

    first_day: date
    last_day: date
    category: Category
    employer: UUID | None
    is_student: bool


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a person at an instant: one row."""

    coverage: tuple[Span, ...] = ()
    contributions: Contributions = Contributions()


NOTHING: Final = Known()


# --- questions and answers ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """Who is meant, the employer that the sender names, and the day; None for the latest."""

    id_number: str = ""
    employer_uscc: str = ""
    on: date | None = None
    person: UUID | None = None
    husband_id_number: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The answer to one question; None where the registry does not know."""

    person: UUID | None
    is_known: bool
    category: Category | None
    insured_by: UUID | None
    is_student: bool
    employer: UUID | None
    wages: tuple[tuple[int, int], ...]
    bases: tuple[tuple[int, int], ...]
    contributions: Contributions


@dataclass(frozen=True, slots=True)
class Institution:
    """What an institution was on a day; no level when it was not under contract."""

    provider: UUID | None
    level: Level | None
    county: str
