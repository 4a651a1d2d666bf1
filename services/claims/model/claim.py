"""The claim on file, what was submitted, and what the registry answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.claims.model.codes import Category, State
from services.claims.model.facts import Event
from services.kit.messages import Reason


@dataclass(frozen=True, slots=True)
class Submission:
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
