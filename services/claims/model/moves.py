"""The states of a claim as a table of moves. It is checked when it is read: no state out of reach, no dead end."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.claims.model.codes import State
from services.kit.messages import Reason, reason


class Move(StrEnum):
    SUBMIT = "SUBMIT"  # a new claim
    REPLACE = "REPLACE"  # its next revision
    VOID = "VOID"  # taken back by its sender
    DECIDE_AGAIN = "DECIDE_AGAIN"  # her coverage is known otherwise, or a reviewer has looked
    RETURN = "RETURN"  # what it waited for never came, or a reviewer sends it back
    WITHDRAW = "WITHDRAW"  # before it was determined


Table = Mapping[State | None, Mapping[Move, frozenset[State]]]

_STANDING: Final = frozenset(
    {State.PENDED, State.APPROVED, State.PARTIALLY_APPROVED, State.DENIED, State.DUPLICATE},
)
# After it was paid, a void is a reversal (冲销).
_VOIDED: Final = frozenset({State.VOIDED, State.REVERSED})
_DECIDED: Final[Mapping[Move, frozenset[State]]] = {
    Move.REPLACE: _STANDING,
    Move.VOID: _VOIDED,
    Move.DECIDE_AGAIN: _STANDING,
}
APPROVING: Final = frozenset({State.APPROVED, State.PARTIALLY_APPROVED})
FINAL: Final = frozenset({State.VOIDED, State.REVERSED})
# While a correction waits, or was sent back, what an earlier revision was approved for still stands.
KEEPS: Final = frozenset({State.PENDED, State.RETURNED, State.WITHDRAWN})
NOT_ON_FILE: Final = frozenset({State.ERROR})

# From a state, by a move, to one of these. None: not on file yet.
MOVES: Final[Table] = {
    None: {Move.SUBMIT: _STANDING},
    State.PENDED: {
        Move.REPLACE: _STANDING,
        Move.VOID: _VOIDED,
        Move.DECIDE_AGAIN: _STANDING,
        Move.RETURN: frozenset({State.RETURNED}),
        Move.WITHDRAW: frozenset({State.WITHDRAWN}),
    },
    State.APPROVED: _DECIDED,
    State.PARTIALLY_APPROVED: _DECIDED,
    State.DENIED: _DECIDED,
    State.DUPLICATE: _DECIDED,
    State.RETURNED: {Move.REPLACE: _STANDING, Move.VOID: _VOIDED},
    State.WITHDRAWN: {Move.VOID: frozenset({State.VOIDED})},  # it was never determined
    State.VOIDED: {},
    State.REVERSED: {},
}


def refusal(state: State | None, move: Move, field: str) -> Reason | None:
    """Why this move is not allowed from this state, with those that are; None if it is."""
    allowed = MOVES[state]
    if move in allowed:
        return None
    return reason("MOVE_NOT_ALLOWED", field, state=state or "-", allowed=", ".join(allowed) or "-")


def problems(table: Table) -> list[str]:
    """What is wrong with a table of moves: states out of reach, dead ends, ends that are none."""
    on_file = set(State) - NOT_ON_FILE
    reached: set[State | None] = {None}
    while more := {to for at in reached for targets in table.get(at, {}).values() for to in targets} - reached:
        reached |= more
    return [
        *[f"{state} cannot be reached" for state in sorted(on_file - reached)],
        *[f"{state} is not on file" for state in sorted(NOT_ON_FILE) if state in reached],
        *[f"{state} has no row" for state in sorted(on_file - set(table))],
        *[f"{state} is a dead end" for state in sorted(on_file - FINAL) if not table.get(state)],
        *[f"{state} is final and has a way on" for state in sorted(FINAL) if table.get(state)],
    ]


if _wrong := problems(MOVES):
    raise ValueError("; ".join(_wrong))
