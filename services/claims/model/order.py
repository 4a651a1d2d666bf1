"""What is ordered from the treasury for the lines of a claim, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.claims.model.codes import Fund, Payee, Progress


class Owed(NamedTuple):
    """What one line of a determination owes, to whom, and out of which fund."""

    line: str  # as STAY/2
    owed_fen: int
    payee: Payee
    reference: str  # the registry's
    fund: Fund


class Order(NamedTuple):
    """The whole amount owed for a line, never a difference. A higher revision takes the place of a lower one."""

    line: str
    revision: int
    owed_fen: int
    payee: Payee
    reference: str
    fund: Fund
    county: str
    payable_on: date

    def says(self, owed: Owed, county: str) -> bool:
        """Whether it is what would be ordered now. A later day of decision alone is no reason to order again."""
        return (Owed(self.line, self.owed_fen, self.payee, self.reference, self.fund), self.county) == (owed, county)


class Transfer(NamedTuple):
    """One attempt of the treasury to pay: the last that was heard of it."""

    version: int  # of the order's events
    progress: Progress
    amount_fen: int
    reason: str = ""  # of the bank, where it could not pay


class Recovery(NamedTuple):
    """What the treasury asks back of what was paid: the last that was heard of it."""

    version: int  # of the order's events
    outstanding_fen: int
    recovered_fen: int
    written_off_fen: int


class Ordered(NamedTuple):
    """An order on file with what the treasury has told of it."""

    order: Order
    told_version: int = 0  # of the last event on the order as a whole
    told: Progress | None = None
    reasons: tuple[str, ...] = ()
    transfers: Mapping[str, Transfer] = {}  # by the payment's id
    recoveries: Mapping[str, Recovery] = {}  # by the recovery's id


class Heard(NamedTuple):
    """An event of the treasury on an order, or, with a payment's id, on one attempt to pay it."""

    claim: UUID
    line: str
    version: int
    progress: Progress
    payment_id: str = ""
    amount_fen: int = 0
    reasons: tuple[str, ...] = ()
    recovery_id: str = ""
    recovery: Recovery | None = None


Orders = Mapping[str, Ordered]  # of a claim, by line
