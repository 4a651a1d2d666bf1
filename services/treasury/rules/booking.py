"""The transfers of what was settled, and their sums. Money goes from the credit account to the debit account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from services.treasury.model import AccountKind, Appropriation, Budget, Transfer, TransferKind
from services.treasury.rules.settling import Settled


class Day(NamedTuple):
    """What was moved on an account with effect from one day."""

    account_id: int
    effective_on: date
    debit_fen: int
    credit_fen: int


def booked(orders: Iterable[Settled], budgets: Mapping[int, Budget], today: date) -> list[Transfer]:
    """What was given back, and what was reserved. A change is two transfers, never the difference of two sums."""
    made: list[Transfer] = []
    for one in orders:
        if one.released_fen and one.before is not None:
            there = budgets[one.before.budget_id].accounts
            available, reserved = there[AccountKind.AVAILABLE], there[AccountKind.RESERVED]
            made.append(Transfer(available, reserved, one.released_fen, TransferKind.RELEASE, one.after.id, today))
        if one.taken_fen:
            here = budgets[one.after.budget_id].accounts
            available, reserved = here[AccountKind.AVAILABLE], here[AccountKind.RESERVED]
            made.append(Transfer(reserved, available, one.taken_fen, TransferKind.RESERVE, one.after.id, today))
    return made


def appropriation(given: Appropriation, accounts: Mapping[str, int]) -> Transfer:
    available, appropriated = accounts[AccountKind.AVAILABLE], accounts[AccountKind.APPROPRIATED]
    if given.amount_fen > 0:
        return Transfer(available, appropriated, given.amount_fen, TransferKind.APPROPRIATE, None, given.effective_on)
    return Transfer(appropriated, available, -given.amount_fen, TransferKind.TAKE_BACK, None, given.effective_on)


def sums(transfers: Sequence[Transfer]) -> list[Day]:
    """Debit and credit of each account and day, in order of account, so that nobody waits in a circle."""
    figures: defaultdict[tuple[int, date], list[int]] = defaultdict(lambda: [0, 0])
    for one in transfers:
        figures[one.debit, one.effective_on][0] += one.amount_fen
        figures[one.credit, one.effective_on][1] += one.amount_fen
    return [Day(account, day, *moved) for (account, day), moved in sorted(figures.items())]
