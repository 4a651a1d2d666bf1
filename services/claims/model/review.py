"""Review: what waits for a person, the moves a person may make, and where each leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from services.claims.model.codes import ClaimKind, DenyReason


class ReviewState(StrEnum):
    OPEN = "OPEN"  # 待审
    PENDED = "PENDED"  # 挂起: waits for what the pend reason says
    PROPOSED = "PROPOSED"  # 待复核: waits for a second person
    CLOSED = "CLOSED"  # 办结


class ReviewOutcome(StrEnum):
    DECIDED = "DECIDED"
    DENIED = "DENIED"
    RETURNED = "RETURNED"
    WITHDRAWN = "WITHDRAWN"
    STANDS = "STANDS"
    ERROR_FOUND = "ERROR_FOUND"
    SUPERSEDED = "SUPERSEDED"


class PendReason(StrEnum):
    AWAITING_DOCUMENTS = "AWAITING_DOCUMENTS"
    AWAITING_EXTERNAL = "AWAITING_EXTERNAL"
    INVESTIGATION = "INVESTIGATION"


class ReturnReason(StrEnum):
    DOCUMENTS_MISSING = "DOCUMENTS_MISSING"
    STATED_WRONGLY = "STATED_WRONGLY"
    EMPLOYER_WRONG = "EMPLOYER_WRONG"
    DOCUMENTS_NOT_SENT = "DOCUMENTS_NOT_SENT"


class DisagreeReason(StrEnum):
    FACTS_DOUBTED = "FACTS_DOUBTED"
    LAW_READ_OTHERWISE = "LAW_READ_OTHERWISE"
    DOCUMENTS_MISSING = "DOCUMENTS_MISSING"


class ErrorReason(StrEnum):
    FACTS_WRONG = "FACTS_WRONG"
    COVERAGE_WRONG = "COVERAGE_WRONG"
    LAW_WRONG = "LAW_WRONG"


class Move(StrEnum):
    OPENED = "OPENED"
    TAKEN = "TAKEN"
    LEFT = "LEFT"
    PENDED = "PENDED"
    RELEASED = "RELEASED"
    PROPOSED = "PROPOSED"
    DISAGREED = "DISAGREED"
    DECIDED = "DECIDED"
    DENIED = "DENIED"
    RETURNED = "RETURNED"
    WITHDRAWN = "WITHDRAWN"
    STOOD = "STOOD"
    ERROR_FOUND = "ERROR_FOUND"
    SUPERSEDED = "SUPERSEDED"


class Leads(NamedTuple):
    """From which states a move may be made, to which it leads, and what it comes to if it ends the review."""

    since: frozenset[ReviewState]
    to: ReviewState | None  # None: it stays where it is
    outcome: ReviewOutcome | None = None


_OPEN: Final = frozenset({ReviewState.OPEN})
_WAITS: Final = frozenset({ReviewState.OPEN, ReviewState.PENDED})
_ANY: Final = frozenset({ReviewState.OPEN, ReviewState.PENDED, ReviewState.PROPOSED})
_DECIDES: Final = frozenset({ReviewState.OPEN, ReviewState.PROPOSED})

TABLE: Final[Mapping[Move, Leads]] = {
    Move.TAKEN: Leads(_ANY, None),
    Move.LEFT: Leads(_ANY, None),
    Move.PENDED: Leads(_WAITS, ReviewState.PENDED),
    Move.RELEASED: Leads(frozenset({ReviewState.PENDED}), ReviewState.OPEN),
    Move.PROPOSED: Leads(_OPEN, ReviewState.PROPOSED),
    Move.DISAGREED: Leads(frozenset({ReviewState.PROPOSED}), ReviewState.OPEN),
    Move.DECIDED: Leads(_DECIDES, ReviewState.CLOSED, ReviewOutcome.DECIDED),
    Move.DENIED: Leads(_DECIDES, ReviewState.CLOSED, ReviewOutcome.DENIED),
    Move.RETURNED: Leads(_WAITS, ReviewState.CLOSED, ReviewOutcome.RETURNED),
    Move.WITHDRAWN: Leads(_WAITS, ReviewState.CLOSED, ReviewOutcome.WITHDRAWN),
    Move.STOOD: Leads(_OPEN, ReviewState.CLOSED, ReviewOutcome.STANDS),
    Move.ERROR_FOUND: Leads(_OPEN, ReviewState.CLOSED, ReviewOutcome.ERROR_FOUND),
    Move.SUPERSEDED: Leads(_ANY, ReviewState.CLOSED, ReviewOutcome.SUPERSEDED),
}


def allowed(state: ReviewState) -> tuple[Move, ...]:
    """The moves that may be made from a state."""
    return tuple(move for move, leads in TABLE.items() if state in leads.since)


QUALITY_SAMPLE: Final = "QUALITY_SAMPLE"
QUALITY_ERROR: Final = "QUALITY_ERROR"
COVERAGE_WORSE: Final = "COVERAGE_WORSE"
CORRECTION_RETURNED: Final = "CORRECTION_RETURNED"
ORDER_REFUSED: Final = "ORDER_REFUSED"
RECIPIENT_MISSING: Final = "RECIPIENT_MISSING"
LAW_CHANGED: Final = "LAW_CHANGED"
PARTLY_WORSE: Final = "PARTLY_WORSE"
DENIED_BEFORE: Final = "DENIED_BEFORE"
APPEAL: Final = "APPEAL"

# A benefit asked for twice is a case for supervision, though nothing of it is paid twice
# (医疗保障基金使用监督管理条例 art. 17); whoever answers one of the second has looked at that already.
SUPERVISED: Final = frozenset({"DUPLICATE_DELIVERY", "DOUBLE_BENEFIT"})
COMPARED: Final = SUPERVISED | {"DELIVERY_DATE_REVIEW", APPEAL}

# What a person looks at, and how much hangs on it: 0 to 100. What is not here waits for an event or for the authority
# (PERSON_UNKNOWN, COVERAGE_MISSING, PARAMETER_UNSET), and no person can decide it.
RISK: Final[Mapping[str, int]] = {
    ORDER_REFUSED: 80,
    RECIPIENT_MISSING: 80,
    "DELIVERY_DATE_REVIEW": 70,
    DENIED_BEFORE: 70,
    "DUPLICATE_DELIVERY": 60,
    "DOUBLE_BENEFIT": 60,
    COVERAGE_WORSE: 60,
    PARTLY_WORSE: 60,
    CORRECTION_RETURNED: 60,
    LAW_CHANGED: 60,
    QUALITY_ERROR: 60,
    APPEAL: 50,
    "EMPLOYER_MISMATCH": 50,
    "THIRD_CHILD_REVIEW": 20,
    "REGISTRATION_REQUIRED": 20,
    "GESTATION_REQUIRED": 20,
    "WAGE_REQUIRED": 10,
    "COSTS_REQUIRED": 10,
    QUALITY_SAMPLE: 10,
}


@dataclass(frozen=True, slots=True)
class Review:
    """One question about one claim. `number` counts its moves and is the etag."""

    id: UUID
    claim_id: UUID
    version: int  # of the claim, when it was opened
    kind: ClaimKind
    reason: str
    due_on: date | None
    risk: int
    opened_at: datetime
    updated_at: datetime
    state: ReviewState = ReviewState.OPEN
    outcome: ReviewOutcome | None = None
    pend_reason: PendReason | None = None
    assignee: str = ""
    number: int = 1
    proposer: str = ""
    proposal: str = ""  # canonical JSON
    note_sealed: bytes | None = None  # of its first entry, where somebody asks in own words


class Supplement(NamedTuple):
    """Facts a reviewer found. None: as it was stated."""

    third_child: bool | None = None
    same_event: bool | None = None
    employer_confirmed: bool | None = None
    gestation_days: int | None = None
    birth_order: int | None = None
    infants: int | None = None
    dystocia: bool | None = None
    prepregnancy_check: bool | None = None
    registered: bool | None = None

    def as_data(self) -> dict[str, Any]:
        return {name: value for name, value in self._asdict().items() if value is not None}


class Proposal(NamedTuple):
    """What the first of two persons found, and what it came to: the second person agrees to that or to nothing."""

    supplement: Supplement
    denied: DenyReason | None
    result: str  # canonical JSON of the determination
    decided_on: date
    law_digest: str

    def as_data(self) -> dict[str, Any]:
        return {**self._asdict(), "supplement": self.supplement.as_data()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Proposal:
        denied = data["denied"]
        return cls(
            Supplement(**data["supplement"]),
            DenyReason(denied) if denied else None,
            data["result"],
            date.fromisoformat(data["decided_on"]),
            data["law_digest"],
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One move of the history."""

    number: int
    at: datetime
    actor: str
    move: Move
    reason: str = ""
    note_sealed: bytes | None = None
    content: str = ""  # canonical JSON of what was found, where a move states some


def note_context(review_id: UUID, number: int) -> bytes:
    """What a note is sealed with: it opens at its own place only."""
    return f"review/{review_id}/{number}".encode()


def _check() -> None:
    """Every state is reached and none but the last is a dead end."""
    reached = {leads.to for leads in TABLE.values()} | {ReviewState.OPEN}
    if missing := set(ReviewState) - reached:
        raise AssertionError(f"no move leads to {missing}")
    for state in set(ReviewState) - {ReviewState.CLOSED}:
        if not any(TABLE[move].to is ReviewState.CLOSED for move in allowed(state)):
            raise AssertionError(f"{state} is a dead end")
    if allowed(ReviewState.CLOSED):
        raise AssertionError("a closed review moves")


_check()
