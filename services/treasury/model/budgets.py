"""Budgets: pots of money, and how they move."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID


class Pot(NamedTuple):
    """What an order says about whose money it is; by it its budget is found."""

    fund: str
    county: str
    programme: str
    fiscal_year: int


class Budget(NamedTuple):
    """available + reserved + committed + spent + receivable + recovered is what was appropriated."""

    id: int
    pot: Pot
    pooling_area: str | None  # None: nothing was ever appropriated
    available_fen: int
    reserved_fen: int
    committed_fen: int
    spent_fen: int
    waiting_orders: int
    waiting_fen: int
    accounts: Mapping[str, int]  # by kind
    receivable_fen: int = 0
    recovered_fen: int = 0

    @property
    def is_open(self) -> bool:
        return self.pooling_area is not None

    @property
    def appropriated_fen(self) -> int:
        used = self.reserved_fen + self.committed_fen + self.spent_fen
        return self.available_fen + used + self.receivable_fen + self.recovered_fen


class BudgetMove(NamedTuple):
    """By how much a budget's figures move in one transaction."""

    budget_id: int
    available_fen: int
    reserved_fen: int
    waiting_orders: int
    waiting_fen: int


class Appropriation(NamedTuple):
    """Money given to a budget, or taken back, as it was asked for."""

    request_id: UUID
    content_hash: bytes
    pot: Pot
    pooling_area: str
    amount_fen: int
    document: str
    principal: str
    effective_on: date
