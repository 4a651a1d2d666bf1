"""Orders: what was stated, what was not taken, and the row in which one stands."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.messages import Reason
from services.treasury.model.budgets import Pot


class Payee(NamedTuple):
    kind: str
    reference: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.reference}"


class OrderKey(NamedTuple):
    case_id: UUID
    line: str
    period: str
    programme: str


class Stated(NamedTuple):
    """The whole that is owed from a revision on, as a record of the order topic says it."""

    key: OrderKey
    revision: int
    owed_fen: int
    fund: str
    county: str
    payable_on: date
    payee: Payee
    law_digest: str
    content_hash: bytes
    position: str
    received_at: datetime
    record: bytes
    pot: Pot


class Unfit(NamedTuple):
    """A record that cannot be taken, whatever is on file. Whom it is about is None where that cannot be read."""

    key: OrderKey | None
    county: str
    revision: int
    reasons: tuple[Reason, ...]
    position: str
    received_at: datetime
    record: bytes


class Refusal(NamedTuple):
    """What becomes of a record that was not taken; `version` is that of the event it is told by, 0 if it is not."""

    unfit: Unfit
    version: int
    held_revision: int  # of the order as the treasury holds it; 0 if there is none


class Order(NamedTuple):
    """The row of an order: owed = settled + live + reserved + held, or it is overpaid."""

    id: int
    key: OrderKey
    revision: int
    version: int  # of the events that were told of it
    content_hash: bytes
    state: str
    reasons: tuple[str, ...]
    owed_fen: int
    reserved_fen: int
    live_fen: int
    settled_fen: int
    fund: str
    county: str
    budget_id: int
    payable_on: date
    payee: Payee
    paid_to: str | None
    paid_from: str | None
    waiting: bool
    law_digest: str
    updated_at: datetime
    released_revision: int = 0  # that two persons have let through, or refused
    refused_revision: int = 0

    @property
    def paid_fen(self) -> int:
        """What is paid, or may still be."""
        return self.live_fen + self.settled_fen

    @property
    def due_fen(self) -> int:
        """What is owed beyond that."""
        return max(0, self.owed_fen - self.paid_fen)

    @property
    def held_fen(self) -> int:
        return self.due_fen - self.reserved_fen

    @property
    def waiting_fen(self) -> int:
        return self.held_fen if self.waiting else 0

    @property
    def place(self) -> Place:
        return Place(self.payable_on, self.id)


class Place(NamedTuple):
    """Where an order stands among those that a budget is to pay: the oldest day first, then who came first."""

    payable_on: date
    order_id: int


class Wanted(NamedTuple):
    """Of orders; empty is any."""

    case_id: UUID | None
    state: str
    county: str


class Listed(NamedTuple):
    """A refusal as it is shown."""

    id: int
    position: str
    case_id: str
    line: str
    revision: int
    reasons: list[Reason]
    received_at: datetime
