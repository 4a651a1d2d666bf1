"""Appropriations: money is given to a budget, or what is still available is taken back (调剂)."""

from __future__ import annotations

from services.kit.messages import Reason, reason
from services.treasury.model import Appropriation, Budget


def appropriated(budget: Budget, given: Appropriation) -> Budget | Reason:
    """The budget after it, or why not. What is reserved, committed or spent is not taken back."""
    if budget.pooling_area not in (None, given.pooling_area):
        return reason("BUDGET_OTHER_POOLING_AREA", "key.pooling_area", pooling_area=budget.pooling_area)
    available = budget.available_fen + given.amount_fen
    if available < 0:
        return reason("BUDGET_NOT_ENOUGH", "amount_fen", available_fen=budget.available_fen)
    return budget._replace(pooling_area=given.pooling_area, available_fen=available)
