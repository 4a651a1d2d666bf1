"""What is asked back of a payee: how much, how far it has come, and its states as a table, checked when read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.messages import Reason, reason
from services.treasury.model.moves import problems
from services.treasury.model.orders import Order, Payee


class RecoveryState(StrEnum):
    DETECTED = "DETECTED"  # more was paid than is owed; nobody was told yet
    NOTIFIED = "NOTIFIED"  # the payee may answer until a day
    DISPUTED = "DISPUTED"  # a part is frozen, the rest goes on
    OFFSETTING = "OFFSETTING"  # netted against the next payments, and demanded
    INSTALMENTS = "INSTALMENTS"
    RECOVERED = "RECOVERED"
    WITHDRAWN = "WITHDRAWN"  # what was owed rose again
    WRITTEN_OFF = "WRITTEN_OFF"


S: Final = RecoveryState
CLOSED: Final = frozenset({S.RECOVERED, S.WITHDRAWN, S.WRITTEN_OFF})
OFFSET_FROM: Final = frozenset({S.NOTIFIED, S.DISPUTED, S.OFFSETTING})  # once the day to answer is past

# The order leads: a second fall detects anew from anywhere, and whatever is covered is closed. What a bank gives back
# opens what was closed.
RECOVERIES: Final[Mapping[RecoveryState, frozenset[RecoveryState]]] = {
    S.DETECTED: frozenset({S.NOTIFIED, *CLOSED}),
    S.NOTIFIED: frozenset({S.DISPUTED, S.OFFSETTING, S.INSTALMENTS, S.DETECTED, *CLOSED}),
    S.DISPUTED: frozenset({S.NOTIFIED, S.OFFSETTING, S.DETECTED, *CLOSED}),
    S.OFFSETTING: frozenset({S.INSTALMENTS, S.DETECTED, *CLOSED}),
    S.INSTALMENTS: frozenset({S.OFFSETTING, S.DETECTED, *CLOSED}),
    S.RECOVERED: frozenset({S.DETECTED, S.OFFSETTING, S.WITHDRAWN, S.WRITTEN_OFF}),
    S.WITHDRAWN: frozenset({S.DETECTED, S.OFFSETTING, S.RECOVERED}),
    S.WRITTEN_OFF: frozenset({S.DETECTED, S.OFFSETTING, S.RECOVERED, S.WITHDRAWN}),
}


class Recovery(NamedTuple):
    """`outstanding_fen` is what is still to come; with what is written off it is what was paid beyond what is owed."""

    id: UUID
    order_id: int
    payee: Payee
    budget_id: int
    state: RecoveryState
    number: int  # of its moves: the etag
    outstanding_fen: int
    live_fen: int  # offset by payments on their way
    offset_fen: int
    repaid_fen: int
    written_off_fen: int
    disputed_fen: int
    reason: str
    article: str
    notified_on: date | None
    due_on: date | None  # the last day to answer
    schedule: int
    schedule_from_fen: int
    county: str
    ordinal: int = 0

    @property
    def recovered_fen(self) -> int:
        return self.offset_fen + self.repaid_fen

    @property
    def amount_fen(self) -> int:
        """All there ever was to be asked back, as the order stands."""
        return self.outstanding_fen + self.recovered_fen + self.written_off_fen

    @property
    def undisputed_fen(self) -> int:
        return self.outstanding_fen - self.disputed_fen


class Share(NamedTuple):
    """What of an order was paid to one payee from one budget, by payments that stand; the newest shares come first."""

    order_id: int
    payee: Payee
    budget_id: int
    paid_fen: int


class Offset(NamedTuple):
    payment_id: UUID
    recovery_id: UUID
    order_id: int  # of the recovery
    amount_fen: int


class Repayment(NamedTuple):
    """A credit on a statement that is a recovery's."""

    entry_id: int
    recovery_id: UUID
    amount_fen: int
    value_on: date | None
    actor: str


class Instalment(NamedTuple):
    number: int
    due_on: date
    amount_fen: int


class RecoveryMove(NamedTuple):
    """A recovery before and after; None: it is new."""

    before: Recovery | None
    after: Recovery
    kind: str
    reason: str
    actor: str


class Decided(NamedTuple):
    """An order that waited for a person, and who has let it through or refused it."""

    order: Order
    prepared_by: str
    approved_by: str  # empty while a second person is awaited


def refusal(state: RecoveryState, to: RecoveryState, field: str = "name") -> Reason | None:
    """Why a recovery may not go there from here, with where it may; None if it may."""
    if to in RECOVERIES[state]:
        return None
    allowed = ", ".join(sorted(RECOVERIES[state] - CLOSED)) or "-"
    return reason("RECOVERY_MOVE_NOT_ALLOWED", field, state=state, to=to, allowed=allowed)


if _wrong := problems(RECOVERIES, set(RecoveryState), S.DETECTED, CLOSED):
    raise ValueError("; ".join(_wrong))
