"""The claim, its facts and its determination, and the moves a claim may make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.kit.messages import Reason


class State(StrEnum):
    """State of a claim on file, in X12's words. A returned submission never becomes a claim."""

    PENDED = "PENDED"
    APPROVED = "APPROVED"
    PARTIALLY_APPROVED = "PARTIALLY_APPROVED"
    DENIED = "DENIED"
    DUPLICATE = "DUPLICATE"


class ReceiptStatus(StrEnum):
    DETERMINED = "DETERMINED"
    PENDED = "PENDED"
    RETURNED = "RETURNED"
    DUPLICATE = "DUPLICATE"


class Category(StrEnum):
    """How she is insured (参保身份)."""

    EMPLOYEE = "EMPLOYEE"
    UNINSURED_EMPLOYEE = "UNINSURED_EMPLOYEE"
    FLEXIBLE = "FLEXIBLE"
    UNEMPLOYMENT_BENEFIT = "UNEMPLOYMENT_BENEFIT"
    SPOUSE_OF_EMPLOYEE = "SPOUSE_OF_EMPLOYEE"
    RESIDENT = "RESIDENT"


class DeliveryMode(StrEnum):
    VAGINAL = "VAGINAL"
    CAESAREAN = "CAESAREAN"


class Payee(StrEnum):
    PERSON = "PERSON"
    EMPLOYER = "EMPLOYER"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The event a claim hangs on (分娩)."""

    date: date
    mode: DeliveryMode
    dystocia: bool
    infants: int
    birth_order: int
    prepregnancy_check: bool


@dataclass(frozen=True, slots=True)
class Insured:
    """Her coverage as the registry knew it. Months are year * 12 + month - 1; spans have both ends in."""

    category: Category
    paid_months: tuple[tuple[int, int], ...]
    back_paid: tuple[tuple[int, date], ...]
    own_monthly_wage_fen: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a determination rests on besides the law. Stored with it; enough to decide again."""

    decision_date: date
    delivery: Delivery
    insured: Insured
    employer_wages: tuple[tuple[int, int], ...]  # calendar year, average monthly wage in fen
    other_deliveries: tuple[date, ...]  # approved before for the same person, under other claim numbers

    def as_data(self) -> dict[str, Any]:
        """The facts as canonical JSON takes them."""
        return {
            "decision_date": self.decision_date.isoformat(),
            "delivery": {
                "date": self.delivery.date.isoformat(),
                "mode": self.delivery.mode.value,
                "dystocia": self.delivery.dystocia,
                "infants": self.delivery.infants,
                "birth_order": self.delivery.birth_order,
                "prepregnancy_check": self.delivery.prepregnancy_check,
            },
            "insured": {
                "category": self.insured.category.value,
                "paid_months": [list(span) for span in self.insured.paid_months],
                "back_paid": [[month, paid_on.isoformat()] for month, paid_on in self.insured.back_paid],
                "own_monthly_wage_fen": self.insured.own_monthly_wage_fen,
            },
            "employer_wages": [list(year) for year in self.employer_wages],
            "other_deliveries": [day.isoformat() for day in self.other_deliveries],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Facts:
        delivery, insured = data["delivery"], data["insured"]
        return cls(
            date.fromisoformat(data["decision_date"]),
            Delivery(
                **{**delivery, "date": date.fromisoformat(delivery["date"]), "mode": DeliveryMode(delivery["mode"])}
            ),
            Insured(
                Category(insured["category"]),
                tuple((first, last) for first, last in insured["paid_months"]),
                tuple((month, date.fromisoformat(paid_on)) for month, paid_on in insured["back_paid"]),
                insured["own_monthly_wage_fen"],
            ),
            tuple((year, fen) for year, fen in data["employer_wages"]),
            tuple(date.fromisoformat(day) for day in data["other_deliveries"]),
        )


class Step(NamedTuple):
    """One step of the trace (依据链): codes and values, made into words on reading. A tuple, for there are many."""

    rule: str
    values: tuple[tuple[str, str], ...]
    parameter: str = ""
    value: str = ""
    since: str = ""
    status: str = ""
    article: str = ""

    def as_data(self) -> list[Any]:
        head: list[Any] = [self.rule, self.values]
        return [*head, self.parameter, self.value, self.since, self.status] if self.parameter else [*head, self.article]

    @classmethod
    def from_data(cls, data: list[Any]) -> Step:
        rule, values, *rest = data
        pairs = tuple((name, value) for name, value in values)
        return cls(rule, pairs, *rest) if len(rest) > 1 else cls(rule, pairs, article=rest[0])


@dataclass(frozen=True, slots=True)
class Figures:
    """What is owed and by whom. Money is fen; None where a fact it needs was not given."""

    leave_days: int = 0
    leave_end: date | None = None
    fund_days: int = 0
    allowance_fen: int = 0
    payee: Payee | None = None
    employer_topup_fen: int | None = 0
    employer_leave_fen: int | None = 0
    employer_liability_fen: int | None = 0
    continuous_months: int = 0


@dataclass(frozen=True, slots=True)
class Determination:
    """The recorded result (核定) with the way to it."""

    outcome: State
    reasons: tuple[str, ...]
    figures: Figures
    trace: tuple[Step, ...]

    def as_data(self) -> dict[str, Any]:
        f = self.figures
        figures = {
            "leave_days": f.leave_days,
            "leave_end": f.leave_end.isoformat() if f.leave_end else None,
            "fund_days": f.fund_days,
            "allowance_fen": f.allowance_fen,
            "payee": f.payee.value if f.payee else None,
            "employer_topup_fen": f.employer_topup_fen,
            "employer_leave_fen": f.employer_leave_fen,
            "employer_liability_fen": f.employer_liability_fen,
            "continuous_months": f.continuous_months,
        }
        return {
            "outcome": self.outcome.value,
            "reasons": list(self.reasons),
            "figures": {name: value for name, value in figures.items() if value is not None},
            "trace": [step.as_data() for step in self.trace],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Determination:
        figures = (
            dict.fromkeys(("employer_topup_fen", "employer_leave_fen", "employer_liability_fen")) | data["figures"]
        )
        if "leave_end" in figures:
            figures["leave_end"] = date.fromisoformat(figures["leave_end"])
        if "payee" in figures:
            figures["payee"] = Payee(figures["payee"])
        trace = tuple(Step.from_data(step) for step in data["trace"])
        return cls(State(data["outcome"]), tuple(data["reasons"]), Figures(**figures), trace)


@dataclass(frozen=True, slots=True)
class Submission:
    """One claim as its sender stated it, read and normalised. `content` is what makes it the same claim again."""

    number: str
    revision: int
    content: bytes
    person_id_number: str
    employer_uscc: str
    county: str
    delivery: Delivery
    own_monthly_wage_fen: int | None
    claimed_fen: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """A record of the intake: its place, its bytes, and what could be read of it."""

    topic: str
    partition: int
    offset: int
    position: str  # the three in one
    source: str
    value: bytes
    received_at: datetime
    content_hash: bytes
    claim_number: str = ""
    revision: int = 0
    submission: Submission | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the registry answers for one submission."""

    person: UUID | None
    category: Category | None
    insured_by: str  # opaque references, empty where there is none
    employer: str
    paid_months: tuple[tuple[int, int], ...]
    back_paid: tuple[tuple[int, date], ...]
    employer_wages: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on file. `content_hashes` holds one digest per revision, oldest first."""

    id: UUID
    source: str
    number: str
    version: int
    state: State
    county: str
    event_date: date
    person: UUID | None
    content_hashes: tuple[bytes, ...]
    received_at: datetime
    updated_at: datetime

    @property
    def revision(self) -> int:
        return len(self.content_hashes)
