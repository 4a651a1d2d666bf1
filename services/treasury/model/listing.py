"""What is shown of runs: rows of their lists, as they are read and as they are told."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.messages import Reason
from services.treasury.model.orders import Payee
from services.treasury.model.runs import Payment


class ListedPayment(NamedTuple):
    payment: Payment
    updated_at: datetime
    proposed_by: str  # who has said that it was not made


class ListedException(NamedTuple):
    id: int
    order_id: int
    amount_fen: int
    county: str
    reasons: list[str]


class ListedUnmatched(NamedTuple):
    id: int
    file_name: str
    source: str
    end_to_end_id: str
    payment_id: UUID | None
    amount_fen: int
    is_credit: bool
    value_on: date | None
    reasons: list[Reason]
    received_at: datetime


class Sum(NamedTuple):
    fund: str
    county: str
    state: str
    payments: int
    amount_fen: int


class WaitingOrder(NamedTuple):
    """An order that waits for another account of its payee, for a bank has refused this one."""

    id: int
    payment_id: UUID  # by which the bank said so
    fund: str
    county: str
    payee: Payee
    amount_fen: int
    reasons: tuple[str, ...]
    since: datetime
    version: int
    account_hash: bytes
