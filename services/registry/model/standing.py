"""How an employer stands: violations with their dates, premium not paid in time, and what is answered of both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class ViolationKind(StrEnum):
    LABOUR_PROTECTION = "LABOUR_PROTECTION"  # 特别规定 art. 5 to 9, 妇女权益保障法 art. 48
    DISCRIMINATION = "DISCRIMINATION"  # 就业性别歧视
    UNION_OPINION = "UNION_OPINION"  # 工会劳动法律监督意见, 妇联转办
    PREGNANCY_DISMISSAL = "PREGNANCY_DISMISSAL"
    INSURANCE_FRAUD = "INSURANCE_FRAUD"
    NURSERY_ABUSE = "NURSERY_ABUSE"
    HARASSMENT_CONCEALED = "HARASSMENT_CONCEALED"
    GRAVE_ACCIDENT = "GRAVE_ACCIDENT"
    OCCUPATIONAL_HARM = "OCCUPATIONAL_HARM"  # 孕期、哺乳期职工工伤、职业病


class ViolationState(StrEnum):
    OPENED = "OPENED"  # 立案
    TALKED = "TALKED"  # 约谈
    UPHELD = "UPHELD"  # 认定
    CLOSED = "CLOSED"  # 结案


class ViolationDates(NamedTuple):
    """When it went how far. `due_on` may lie ahead."""

    opened_on: date
    talked_on: date | None = None
    due_on: date | None = None
    upheld_on: date | None = None
    closed_on: date | None = None


class Violation(NamedTuple):
    """A violation as one authority states it, by the authority's own number."""

    authority: str
    number: str
    kind: ViolationKind
    dates: ViolationDates
    decision: str = ""


class StatedViolation(NamedTuple):
    uscc: str
    violation: Violation
    place: str = ""  # in what was sent


class Arrear(NamedTuple):
    """The premium of a month that was not paid by its due day."""

    month: int
    due_on: date
    amount_fen: int
    deferred_until: date | None = None
    paid_on: date | None = None


@dataclass(frozen=True, slots=True)
class ArrearsStatement:
    """Every premium of an employer that was not paid in time."""

    uscc: str
    arrears: tuple[Arrear, ...]


class Unpaid(NamedTuple):
    """What is in arrears on a day, and the first day on which any of it was."""

    fen: int = 0
    since: date | None = None


class StandingAsked(NamedTuple):
    """Which employers, by reference or code; on which day; since how many days its staff must be insured to count."""

    employers: tuple[tuple[UUID | None, str], ...]
    on: date
    insured_for_days: int = 0


class OfEmployer(NamedTuple):
    """What is known of an employer at an instant. Staff is counted on the day asked for."""

    id: UUID
    uscc: str
    name: str
    county: str
    closed_on: date | None
    insured: int
    insured_since: date | None
    arrears: tuple[Arrear, ...]
    violations: tuple[Violation, ...]
