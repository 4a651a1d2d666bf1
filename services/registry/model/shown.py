"""What is shown of one person, household, employer or institution: nothing that tells who somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.registry.model.people import Born, Contract, Contributions, Span


class Identity(StrEnum):
    """Whether it is on file who a person is."""

    ON_FILE = "ON_FILE"
    NEVER_REPORTED = "NEVER_REPORTED"
    ERASED = "ERASED"


@dataclass(frozen=True, slots=True)
class ShownSpan:
    """Days covered in one way, with the code of the employer."""

    span: Span
    employer_uscc: str


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """`county` is of the employer of her latest days, and is not told: it says for whom she is."""

    id: UUID
    identity: Identity
    erased_at: datetime | None
    version: int
    recorded_at: datetime | None
    coverage: tuple[ShownSpan, ...]
    contributions: Contributions
    household: UUID | None
    county: str

    def on(self, day: date) -> tuple[ShownSpan, ...]:
        """How she is covered on this day."""
        return tuple(one for one in self.coverage if one.span.first_day <= day <= one.span.last_day)


@dataclass(frozen=True, slots=True)
class ShownHousehold:
    """`county` is the mother's, as above."""

    id: UUID
    mother: UUID
    father: UUID | None
    children: tuple[Born, ...]
    recorded_at: datetime | None
    county: str

    @property
    def persons(self) -> tuple[UUID, ...]:
        father = (self.father,) if self.father else ()
        return (self.mother, *father, *(one.child for one in self.children))


@dataclass(frozen=True, slots=True)
class ShownEmployer:
    id: UUID
    uscc: str
    name: str
    county: str
    version: int
    wages: tuple[tuple[int, int], ...]
    bases: tuple[tuple[int, int], ...]
    closed_on: date | None
    has_account: bool
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownProvider:
    id: UUID
    code: str
    name: str
    county: str
    contracts: tuple[Contract, ...]
    has_account: bool
    recorded_at: datetime | None
