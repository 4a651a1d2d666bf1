"""The states of a run and of a payment as tables of moves, checked when read: none out of reach, no dead end."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final, TypeVar

from services.kit.messages import Reason, reason

StateT = TypeVar("StateT", bound=StrEnum)


class RunState(StrEnum):
    PLANNING = "PLANNING"
    PLANNED = "PLANNED"
    APPROVED = "APPROVED"
    SENT = "SENT"
    SETTLED = "SETTLED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"


class PaymentState(StrEnum):
    CREATED = "CREATED"  # a line of a plan
    RESERVED = "RESERVED"  # approved, and its money committed
    QUEUED = "QUEUED"
    SENT = "SENT"  # its file's name and hash are on record; it may have left
    ACCEPTED = "ACCEPTED"
    SETTLED = "SETTLED"
    RECONCILED = "RECONCILED"  # a statement proves it
    REJECTED = "REJECTED"
    RETURNED = "RETURNED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"  # asked about, never sent again


P = PaymentState
R = RunState

RUNS: Final[Mapping[RunState, frozenset[RunState]]] = {
    R.PLANNING: frozenset({R.PLANNED, R.CANCELLED}),
    R.PLANNED: frozenset({R.APPROVED, R.CANCELLED}),
    R.APPROVED: frozenset({R.SENT, R.CANCELLED}),
    R.SENT: frozenset({R.SETTLED}),
    R.SETTLED: frozenset({R.CLOSED}),
    R.CLOSED: frozenset(),
    R.CANCELLED: frozenset(),
}

# What offsets leave nothing of is reconciled from the queue: there is nothing for the bank to pay or to prove.
# Settled is told from each state in which it may have left: answers come in any order. Nothing leads from UNKNOWN back
# to where it could be sent, and nothing from an end but what the bank has done with money since: what had ended and is
# paid all the same is paid again by two persons' word (`rules.explaining`), never by a message alone.
PAYMENTS: Final[Mapping[PaymentState, frozenset[PaymentState]]] = {
    P.CREATED: frozenset({P.RESERVED, P.CANCELLED}),
    P.RESERVED: frozenset({P.QUEUED, P.CANCELLED}),
    P.QUEUED: frozenset({P.SENT, P.CANCELLED, P.RECONCILED}),
    P.SENT: frozenset({P.ACCEPTED, P.SETTLED, P.RECONCILED, P.REJECTED, P.RETURNED, P.UNKNOWN}),
    P.UNKNOWN: frozenset({P.ACCEPTED, P.SETTLED, P.RECONCILED, P.REJECTED, P.RETURNED}),
    P.ACCEPTED: frozenset({P.SETTLED, P.RECONCILED, P.REJECTED, P.RETURNED}),
    P.SETTLED: frozenset({P.RECONCILED, P.RETURNED}),
    P.RECONCILED: frozenset({P.RETURNED}),
    P.REJECTED: frozenset({P.SETTLED, P.RECONCILED}),
    P.RETURNED: frozenset({P.SETTLED, P.RECONCILED}),
    P.CANCELLED: frozenset(),
}

UNSENT: Final = frozenset({P.CREATED, P.RESERVED, P.QUEUED})
OUT: Final = frozenset({P.SENT, P.ACCEPTED, P.UNKNOWN})  # it may have left, and may still be paid
LIVE: Final = UNSENT | OUT
PAID: Final = frozenset({P.SETTLED, P.RECONCILED})
DEAD: Final = frozenset({P.REJECTED, P.RETURNED, P.CANCELLED})
REISSUED: Final = frozenset({P.REJECTED, P.RETURNED})  # a new payment of the order is linked to one of these


def refusal(state: RunState, to: RunState, field: str = "") -> Reason | None:
    """Why a run may not go there from here, with where it may; None if it may."""
    if to in RUNS[state]:
        return None
    return reason("RUN_MOVE_NOT_ALLOWED", field, state=state, to=to, allowed=", ".join(sorted(RUNS[state])) or "-")


def may(state: PaymentState, to: PaymentState) -> bool:
    return to in PAYMENTS[state]


def problems(
    table: Mapping[StateT, frozenset[StateT]], states: AbstractSet[StateT], first: StateT, ends: AbstractSet[StateT]
) -> list[str]:
    """What is wrong with a table: states without a row, out of reach, or without a way to an end."""
    reached = _closure(table, {first})
    return [
        *[f"{state} has no row" for state in sorted(states - set(table))],
        *[f"{state} cannot be reached" for state in sorted(states - reached)],
        *[f"{state} is a dead end" for state in sorted(states) if not _closure(table, {state}) & ends],
    ]


def _closure(table: Mapping[StateT, frozenset[StateT]], reached: set[StateT]) -> set[StateT]:
    while more := {to for at in reached for to in table.get(at, frozenset())} - reached:
        reached = reached | more
    return reached


if _wrong := [
    *problems(RUNS, set(RunState), R.PLANNING, {R.CLOSED, R.CANCELLED}),
    *problems(PAYMENTS, set(PaymentState), P.CREATED, {P.RECONCILED, *DEAD}),
]:
    raise ValueError("; ".join(_wrong))
