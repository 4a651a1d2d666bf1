"""The ledger: transfers, and what is reported of them."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID


class Transfer(NamedTuple):
    """Money from the credit account to the debit account: balanced by construction."""

    debit: int
    credit: int
    amount_fen: int
    kind: str
    order_id: int | None
    effective_on: date
    payment_id: UUID | None = None


class Balance(NamedTuple):
    account: str
    debit_fen: int
    credit_fen: int


class Movement(NamedTuple):
    account: str
    opening_fen: int  # debit less credit
    debit_fen: int
    credit_fen: int


class Moved(NamedTuple):
    """A transfer, its accounts by name."""

    number: int
    debit: str
    credit: str
    amount_fen: int
    kind: str
    order_id: int | None
    payment_id: UUID | None
    effective_on: date
    booked_on: date


class Place(NamedTuple):
    """Of the ledger that is computed again: after which block, or account, the next part begins."""

    is_sums: bool
    after: int


class Verified(NamedTuple):
    """What a part came to; how far all is, of how much; where the next begins, None if this was the last."""

    blocks: int
    transfers: int
    first_wrong_block: int
    unsealed: int
    imbalance_fen: int
    verified_parts: int
    total_parts: int
    then: Place | None
