"""Persons and employers as the registry knows them. Months are year * 12 + month - 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID


class Category(StrEnum):
    """How a person is insured (参保身份)."""

    EMPLOYEE = "EMPLOYEE"
    UNINSURED_EMPLOYEE = "UNINSURED_EMPLOYEE"
    FLEXIBLE = "FLEXIBLE"
    UNEMPLOYMENT_BENEFIT = "UNEMPLOYMENT_BENEFIT"
    SPOUSE_OF_EMPLOYEE = "SPOUSE_OF_EMPLOYEE"
    RESIDENT = "RESIDENT"


@dataclass(frozen=True, slots=True)
class Employer:
    uscc: str
    name: str
    county: str
    wages: Mapping[int, int]  # calendar year -> average monthly wage in fen


@dataclass(frozen=True, slots=True)
class Person:
    """A person with her coverage. `name` and `id_number` are sealed before they are stored."""

    id_number: str
    name: str
    category: Category
    employer_uscc: str
    paid_months: tuple[tuple[int, int], ...]
    back_paid: tuple[tuple[int, date], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Who is meant, and the employer that the sender names."""

    id_number: str
    employer_uscc: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """The answer to one question; None where the registry does not know."""

    person: UUID | None
    category: Category | None
    insured_by: UUID | None
    employer: UUID | None
    wages: tuple[tuple[int, int], ...]
    paid_months: tuple[tuple[int, int], ...]
    back_paid: tuple[tuple[int, date], ...]
