"""What a payment that was lost, or had not come back after all, takes of its order and its budget. The bank has paid
it, so there is no asking whether the order wants it: where less is reserved by now than was paid, the rest is taken
from what the budget has, and what is then paid beyond what is owed is asked back as ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from services.treasury.model import AccountKind, Budget, Order, Transfer, TransferKind
from services.treasury.rules.paying import Shift

Paid = tuple[Order, int]  # an order, nothing of which is on its way, and what the bank has paid of it


def beyond_fen(order: Order, fen: int) -> int:
    return max(0, fen - order.reserved_fen)


def fitting(paid: Sequence[Paid], budgets: Mapping[int, Budget]) -> list[bool]:
    """Of each, in their order, whether there is money for it."""
    available = {one.id: one.available_fen for one in budgets.values()}
    found = []
    for order, fen in paid:
        beyond = beyond_fen(order, fen)
        found.append(beyond <= available[order.budget_id])
        available[order.budget_id] -= beyond if found[-1] else 0
    return found


def taken(paid: Sequence[Paid], budgets: Mapping[int, Budget], today: date) -> tuple[list[Transfer], list[Shift]]:
    """What is reserved beyond what was, and what budgets move by. What an order waits for falls by what was paid."""
    transfers, shifts = [], []
    for order, fen in paid:
        beyond, accounts = beyond_fen(order, fen), budgets[order.budget_id].accounts
        if beyond:
            sides = accounts[AccountKind.RESERVED], accounts[AccountKind.AVAILABLE]
            transfers.append(Transfer(*sides, beyond, TransferKind.RESERVE, order.id, today))
        after = order._replace(live_fen=order.live_fen + fen, reserved_fen=order.reserved_fen + beyond - fen)
        waiting = after.waiting_fen - order.waiting_fen
        shifts.append(Shift(order.budget_id, -beyond, beyond, 0, 0, 0, 0, waiting))
    return transfers, shifts


def reserved(paid: Paid, budget: Budget, today: date) -> tuple[Order, list[Transfer], Shift]:
    """The order with all reserved that was paid of it, as it was before it was said to have come back."""
    order, fen = paid
    beyond = beyond_fen(order, fen)
    after = order._replace(reserved_fen=order.reserved_fen + beyond)
    sides = budget.accounts[AccountKind.RESERVED], budget.accounts[AccountKind.AVAILABLE]
    transfers = [Transfer(*sides, beyond, TransferKind.RESERVE, order.id, today)] if beyond else []
    waiting = after.waiting_fen - order.waiting_fen
    return after, transfers, Shift(budget.id, -beyond, beyond, 0, 0, 0, 0, waiting)
