"""The states of an application and of a certificate as tables of moves, checked when read: none out of reach, no dead
end.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final, TypeVar

from services.kit.messages import Reason, reason

StateT = TypeVar("StateT", bound=StrEnum)
MoveT = TypeVar("MoveT", bound=StrEnum)


class State(StrEnum):
    """Of an application."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    RETURNED = "RETURNED"  # the applicant completes it
    SCREENING = "SCREENING"  # gates, looked up across departments
    ASSESSMENT = "ASSESSMENT"
    INFORMATION_REQUESTED = "INFORMATION_REQUESTED"
    VERIFICATION = "VERIFICATION"  # site visit
    REVIEW = "REVIEW"  # the second assessor
    PUBLIC_NOTICE = "PUBLIC_NOTICE"
    AWARDED = "AWARDED"
    DECLINED = "DECLINED"
    DECISION_REVIEW = "DECISION_REVIEW"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"


class Move(StrEnum):
    """Of an application."""

    SAVE = "SAVE"
    SUBMIT = "SUBMIT"
    RETURN = "RETURN"
    WITHDRAW = "WITHDRAW"
    EXPIRE = "EXPIRE"  # a deadline of the applicant has passed
    COMPLETE = "COMPLETE"
    LOOK_UP = "LOOK_UP"  # what one gate showed
    SCREEN = "SCREEN"
    ASK = "ASK"
    ANSWER = "ANSWER"
    SCORE = "SCORE"  # a sheet of one assessor
    ASSESS = "ASSESS"
    VISIT = "VISIT"
    PROPOSE = "PROPOSE"  # publish the intent to award
    OBJECT = "OBJECT"
    SETTLE = "SETTLE"  # an objection has been looked into
    AWARD = "AWARD"
    DECLINE = "DECLINE"
    ASK_REVIEW = "ASK_REVIEW"
    UPHOLD = "UPHOLD"
    OVERTURN = "OVERTURN"


class CertificateState(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"  # by a certificate of another number
    REVOKED = "REVOKED"
    SURRENDERED = "SURRENDERED"


class CertificateMove(StrEnum):
    AWARD = "AWARD"
    EXTEND = "EXTEND"
    SUSPEND = "SUSPEND"
    REINSTATE = "REINSTATE"
    EXPIRE = "EXPIRE"
    SUPERSEDE = "SUPERSEDE"
    REVOKE = "REVOKE"
    SURRENDER = "SURRENDER"


S = State
M = Move
C = CertificateState
K = CertificateMove

Table = Mapping[StateT | None, Mapping[MoveT, StateT]]

# What a move may do beside its state is asked by `rules.applications`. None: not on file yet.
MOVES: Final[Table[State, Move]] = {
    None: {M.SAVE: S.DRAFT},
    S.DRAFT: {M.SAVE: S.DRAFT, M.SUBMIT: S.SUBMITTED, M.WITHDRAW: S.WITHDRAWN},
    S.SUBMITTED: {M.COMPLETE: S.SCREENING, M.RETURN: S.RETURNED, M.WITHDRAW: S.WITHDRAWN},
    S.RETURNED: {M.SAVE: S.RETURNED, M.SUBMIT: S.SUBMITTED, M.EXPIRE: S.LAPSED, M.WITHDRAW: S.WITHDRAWN},
    S.SCREENING: {M.LOOK_UP: S.SCREENING, M.SCREEN: S.ASSESSMENT, M.WITHDRAW: S.WITHDRAWN},
    S.ASSESSMENT: {
        M.SCORE: S.ASSESSMENT,
        M.ASK: S.INFORMATION_REQUESTED,
        M.ASSESS: S.VERIFICATION,
        M.WITHDRAW: S.WITHDRAWN,
    },
    # Not answered in time: it is scored on what is there.
    S.INFORMATION_REQUESTED: {M.ANSWER: S.ASSESSMENT, M.EXPIRE: S.ASSESSMENT, M.WITHDRAW: S.WITHDRAWN},
    S.VERIFICATION: {M.VISIT: S.REVIEW, M.WITHDRAW: S.WITHDRAWN},
    S.REVIEW: {
        M.LOOK_UP: S.REVIEW,  # a gate may have opened or closed since
        M.SCORE: S.REVIEW,
        M.SETTLE: S.REVIEW,
        M.PROPOSE: S.PUBLIC_NOTICE,
        M.DECLINE: S.DECLINED,
        M.WITHDRAW: S.WITHDRAWN,
    },
    S.PUBLIC_NOTICE: {
        M.LOOK_UP: S.PUBLIC_NOTICE,
        M.OBJECT: S.REVIEW,
        M.AWARD: S.AWARDED,
        M.DECLINE: S.DECLINED,
        M.WITHDRAW: S.WITHDRAWN,
    },
    S.DECLINED: {M.ASK_REVIEW: S.DECISION_REVIEW},
    # What is overturned is looked at and published again before anything is awarded.
    S.DECISION_REVIEW: {
        M.LOOK_UP: S.DECISION_REVIEW,
        M.SCORE: S.DECISION_REVIEW,
        M.UPHOLD: S.DECLINED,
        M.OVERTURN: S.REVIEW,
    },
    S.AWARDED: {},
    S.WITHDRAWN: {},
    S.LAPSED: {},
}
ENDS: Final = frozenset({S.AWARDED, S.WITHDRAWN, S.LAPSED})
CLOSED: Final = ENDS | {S.DECLINED}  # the employer may apply anew

CERTIFICATES: Final[Table[CertificateState, CertificateMove]] = {
    None: {K.AWARD: C.ACTIVE},
    C.ACTIVE: {
        K.EXTEND: C.ACTIVE,
        K.SUSPEND: C.SUSPENDED,
        K.EXPIRE: C.EXPIRED,
        K.SUPERSEDE: C.SUPERSEDED,
        K.REVOKE: C.REVOKED,
        K.SURRENDER: C.SURRENDERED,
    },
    C.SUSPENDED: {
        K.REINSTATE: C.ACTIVE,
        K.EXPIRE: C.EXPIRED,
        K.SUPERSEDE: C.SUPERSEDED,
        K.REVOKE: C.REVOKED,
        K.SURRENDER: C.SURRENDERED,
    },
    C.EXPIRED: {},
    C.SUPERSEDED: {},
    C.REVOKED: {},
    C.SURRENDERED: {},
}
CERTIFICATE_ENDS: Final = frozenset({C.EXPIRED, C.SUPERSEDED, C.REVOKED, C.SURRENDERED})


def refusal(state: State | None, move: Move, field: str = "") -> Reason | None:
    """Why this move is not allowed from this state, with those that are; None if it is."""
    if move in (allowed := MOVES[state]):
        return None
    return reason("APPLICATION_MOVE_NOT_ALLOWED", field, state=state or "-", allowed=", ".join(allowed) or "-")


def problems(table: Table[StateT, MoveT], states: AbstractSet[StateT], ends: AbstractSet[StateT]) -> list[str]:
    """What is wrong with a table of moves: states without a row, out of reach, without a way to an end; false ends."""
    reached = _closure(table, {None})
    return [
        *[f"{state} has no row" for state in sorted(states - set(table))],
        *[f"{state} cannot be reached" for state in sorted(states - reached)],
        *[f"{state} is a dead end" for state in sorted(states) if not _closure(table, {state}) & ends],
        *[f"{state} is final and has a way on" for state in sorted(ends) if table.get(state)],
    ]


def _closure(table: Table[StateT, MoveT], reached: AbstractSet[StateT | None]) -> set[StateT | None]:
    found = set(reached)
    while more := {to for at in found for to in table.get(at, {}).values()} - found:
        found |= more
    return found


if _wrong := [
    *problems(MOVES, set(State), ENDS),
    *problems(CERTIFICATES, set(CertificateState), CERTIFICATE_ENDS),
]:
    raise ValueError("; ".join(_wrong))
