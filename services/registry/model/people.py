"""Persons, employers and institutions as the registry knows them. Months are year * 12 + month - 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.messages import Reason
from services.registry.model.standing import ArrearsStatement

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
    closed_on: date | None = None


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


class Contributions(NamedTuple):
    paid_months: Months = ()
    back_paid: Late = ()
    reported_to_month: int = 0
    taken_back: Late = ()  # what was paid until a day and taken back on it


NO_CONTRIBUTIONS: Final = Contributions()


@dataclass(frozen=True, slots=True)
class Payment:
    """The contribution of a month, and the day it came in."""

    month: int
    paid_on: date
    is_back_payment: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A person with her coverage. `name` and `id_number` are sealed before they are stored."""

    id_number: str
    name: str
    coverage: tuple[StatedSpan, ...]
    contributions: Contributions


@dataclass(frozen=True, slots=True)
class PaidStatement:
    """Months paid and taken back; added to what was known."""

    id_number: str
    name: str  # empty: as it is known
    employer_uscc: str
    paid: tuple[Payment, ...]
    taken_back: tuple[tuple[int, date], ...]
    reported_to_month: int


@dataclass(frozen=True, slots=True)
class CoverageStatement:
    """All the days on which a person is covered."""

    id_number: str
    name: str  # empty: as it is known
    coverage: tuple[StatedSpan, ...]


@dataclass(frozen=True, slots=True)
class Child:
    certificate_number: str
    birth_date: date
    birth_order: int
    name: str
    provider_code: str


@dataclass(frozen=True, slots=True)
class Household:
    """A mother with all her children."""

    mother_id_number: str
    mother_name: str  # empty: as it is known
    father_id_number: str  # empty: none is named
    children: tuple[Child, ...]


Statement = Person | Employer | Provider | PaidStatement | CoverageStatement | Household | ArrearsStatement

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
    contributions: Contributions = NO_CONTRIBUTIONS


NOTHING: Final = Known()


@dataclass(frozen=True, slots=True)
class Born:
    """A child of a household, without anything that names it."""

    child: UUID
    birth_order: int
    birth_month: int


@dataclass(frozen=True, slots=True)
class Members:
    """All that is known of a household at an instant: one row."""

    father: UUID | None
    children: tuple[Born, ...]


# --- questions and answers ----------------------------------------------------------------------------------------


class Question(NamedTuple):
    """Who is meant, the employer that the sender names, and the day; None for the latest."""

    id_number: str = ""
    employer_uscc: str = ""
    on: date | None = None
    person: UUID | None = None
    husband_id_number: str = ""
    husband: UUID | None = None


class Coverage(NamedTuple):
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
    husband: UUID | None = None  # whom the question named, whether or not he counts


@dataclass(frozen=True, slots=True)
class Institution:
    """What an institution was on a day; no level when it was not under contract."""

    provider: UUID | None
    level: Level | None
    county: str


# --- the intake ---------------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What became of a record of the intake."""

    RECORDED = "RECORDED"
    UNCHANGED = "UNCHANGED"
    RETURNED = "RETURNED"


@dataclass(frozen=True, slots=True)
class Received:
    """A record of the intake as it was read: a statement, or the reasons why it is none."""

    receipt_id: UUID
    office: str
    position: str  # topic/partition/offset; empty for one that came by a call
    record_number: str
    digest: bytes
    received_at: datetime
    statement: Statement | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    received: Received
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()


# --- where they are paid ------------------------------------------------------------------------------------------


class PayeeKind(StrEnum):
    PERSON = "PERSON"
    EMPLOYER = "EMPLOYER"
    PROVIDER = "PROVIDER"


@dataclass(frozen=True, slots=True)
class Account:
    """A bank account (收款账户): holder, number, bank."""

    holder: str = field(repr=False)
    number: str = field(repr=False)
    bank_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StatedPayee:
    """An account as it is stated, of whom `code` names: an ID number, a credit code or an institution's code."""

    kind: PayeeKind
    code: str = field(repr=False)
    account: Account
    place: str = ""  # of the code, in what was sent
    holder_place: str = ""
    confirmed_version: int = 0  # right all the same, though a bank has refused it in this version


@dataclass(frozen=True, slots=True)
class Payee:
    """What is answered of a payee: an account, or the code of why there is none."""

    account: Account | None
    version: int = 0
    content_hash: bytes = b""
    reason: str = ""
