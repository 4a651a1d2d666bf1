"""The claim on file, what was sent, and what the registry answered. What is made for every record is a tuple."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.claims.model.codes import (
    Category,
    ClaimKind,
    Level,
    OutOfCity,
    Payment,
    Programme,
    Sent,
    State,
    VoidReason,
)
from services.claims.model.facts import Event, Father
from services.kit.messages import Reason


class StaySent(NamedTuple):
    """A stay as its sender states it. `level` is only compared with the register's."""

    provider: str
    admission: date
    discharge: date
    policy_range_fen: int
    transfer_filed: bool = False
    out_of_city: OutOfCity | None = None
    level: Level | None = None


class VisitSent(NamedTuple):
    provider: str
    date: date
    policy_range_fen: int


class ItemSent(NamedTuple):
    provider: str
    programme: Programme
    code: str
    date: date
    policy_range_fen: int
    out_of_city: bool = False


class Submission(NamedTuple):
    """One claim as its sender stated it, read and normalised. `content` is what makes it the same claim again."""

    number: str
    revision: int
    content: bytes
    person_id_number: str
    employer_uscc: str
    county: str
    event: Event
    own_monthly_wage_fen: int | None
    claimed_fen: int | None
    kind: ClaimKind = ClaimKind.ALLOWANCE
    husband_id_number: str = ""
    father: Father | None = None
    stays: tuple[StaySent, ...] = ()
    visits: tuple[VisitSent, ...] = ()
    items: tuple[ItemSent, ...] = ()


class Void(NamedTuple):
    """A claim taken back by its sender (作废). `content` is what makes it the same void again."""

    number: str
    revision: int
    reason: VoidReason
    content: bytes


class Totals(NamedTuple):
    """What was sent on one day (日对账), by its sender's count or by ours."""

    submitted: int = 0
    replaced: int = 0
    voided: int = 0
    claimed_fen: int = 0


class ControlTotals(NamedTuple):
    """A source's word on one of its days. Of two, that sent later holds."""

    day: date
    said: Totals
    submitted_at: datetime


class Received(NamedTuple):
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
    sent: Sent | None = None
    submit_date: date | None = None
    claimed_fen: int | None = None
    void: Void | None = None
    totals: ControlTotals | None = None
    county: str = ""  # of a claim that is returned, where what it states is one of ours


class Coverage(NamedTuple):
    """What the registry answers for one submission."""

    person: UUID | None
    category: Category | None
    insured_by: str  # opaque references, empty where there is none
    employer: str
    paid_months: tuple[tuple[int, int], ...]
    back_paid: tuple[tuple[int, date], ...]
    employer_wages: tuple[tuple[int, int], ...]
    employer_bases: tuple[tuple[int, int], ...] = ()
    student: bool = False
    is_known: bool = True
    reported_to_month: int = 0  # 0: nothing was reported
    husband: UUID | None = None  # whom the claim names, whether or not he counts


class Institution(NamedTuple):
    """What the register says of an institution on a day. `level` None: not under contract on that day."""

    is_known: bool
    level: Level | None
    reference: str = ""  # the registry's


class Claim(NamedTuple):
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
    kind: ClaimKind = ClaimKind.ALLOWANCE
    employer: str = ""  # as the sender named it, or a reviewer confirmed it, by the registry's reference
    void_hash: bytes = b""  # digest of the void that was carried out
    husband: UUID | None = None  # as the sender named him, by the registry's reference
    payment: Payment | None = None  # None: nothing is owed and nothing is paid
    providers: tuple[str, ...] = ()  # of its stays, visits and items, in their order, by the registry's references

    @property
    def revision(self) -> int:
        return len(self.content_hashes)
