"""What the moves of payments mean for their orders, their budgets and the ledger.

| move | order | ledger |
|---|---|---|
| approved | | RESERVED to COMMITTED |
| dropped from a plan | live to reserved | |
| cancelled later, or rejected | live to reserved | COMMITTED back to RESERVED |
| paid | live to settled | COMMITTED to SPENT, on the value date |
| returned | settled to reserved | SPENT back to RESERVED, on the value date |
| paid after all, though it had ended | reserved to settled | RESERVED to COMMITTED to SPENT |

Money that comes back is reserved for its order again, and `settling` says whether the order still wants it; where the
order has another budget by now, it is released to the one it came from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from services.treasury.model import (
    OUT,
    PAID,
    REISSUED,
    AccountKind,
    Budget,
    Order,
    Payment,
    PaymentState,
    Transfer,
    TransferKind,
)
from services.treasury.model.moves import may

A: Final = AccountKind
S: Final = PaymentState


class Kind(StrEnum):
    COMMIT = "COMMIT"
    DROP = "DROP"
    FREE = "FREE"
    SPEND = "SPEND"
    RETURN = "RETURN"
    REVIVE = "REVIVE"


class Step(NamedTuple):
    """One move of money; `payment` as it is after it."""

    kind: Kind
    payment: Payment
    effective_on: date


class Shift(NamedTuple):
    """By how much a budget's figures move."""

    budget_id: int
    available_fen: int
    reserved_fen: int
    committed_fen: int
    spent_fen: int
    receivable_fen: int
    recovered_fen: int
    waiting_fen: int


@dataclass(slots=True)
class Paid:
    """What steps come to; of orders as they are after them, before they are settled anew."""

    orders: dict[int, Order] = field(default_factory=dict)
    shifts: list[Shift] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)


def steps(before: Payment, after: Payment, today: date) -> list[Step]:
    """How money moves when a payment does. Raises ValueError for a move that cannot be: a bug of ours, never paid."""
    was, now = before.state, after.state
    if was == now:
        return []
    if not may(was, now) or (was == S.QUEUED and now == S.RECONCILED and after.net_fen):
        raise ValueError(f"a payment does not move from {was} to {now}")
    found: list[Step] = []
    if now == S.RESERVED:
        found.append(Step(Kind.COMMIT, after, today))
    if now == S.CANCELLED:
        found.append(Step(Kind.DROP if was == S.CREATED else Kind.FREE, after, today))
    if now == S.REJECTED:
        found.append(Step(Kind.FREE, after, today))
    if (was in OUT or was == S.QUEUED) and (now in PAID or now == S.RETURNED):
        found.append(Step(Kind.SPEND, after, after.debited_on or today))
    if was in REISSUED and now in PAID:
        found.append(Step(Kind.REVIVE, after, (after.debited_on if was == S.REJECTED else None) or today))
    if now == S.RETURNED:
        found.append(Step(Kind.RETURN, after, after.returned_on or today))
    return found


# From which account of the budget to which.
_MOVES: Final[Mapping[Kind, tuple[AccountKind, AccountKind, TransferKind]]] = {
    Kind.COMMIT: (A.RESERVED, A.COMMITTED, TransferKind.COMMIT),
    Kind.FREE: (A.COMMITTED, A.RESERVED, TransferKind.FREE),
    Kind.SPEND: (A.COMMITTED, A.SPENT, TransferKind.SPEND),
    Kind.RETURN: (A.SPENT, A.RESERVED, TransferKind.RETURN),
}
_BACK: Final = frozenset({Kind.DROP, Kind.FREE, Kind.RETURN})
_FIGURES: Final = (A.AVAILABLE, A.RESERVED, A.COMMITTED, A.SPENT)


def paid(made: Iterable[Step], orders: Mapping[int, Order], budgets: Mapping[int, Budget], today: date) -> Paid:
    """Orders and budgets are locked; steps are in the order in which they were heard."""
    found = Paid()
    figures: defaultdict[int, dict[AccountKind, int]] = defaultdict(lambda: dict.fromkeys(_FIGURES, 0))
    waiting: defaultdict[int, int] = defaultdict(int)
    for step in made:
        _, payment, day = step
        order = found.orders.get(payment.order_id) or orders[payment.order_id]
        for source, target, booked in _ways(step, order):
            accounts = budgets[payment.budget_id].accounts
            on = today if booked == TransferKind.RELEASE else day
            made_of = (accounts[target], accounts[source], payment.amount_fen, booked, order.id, on, payment.id)
            found.transfers.append(Transfer(*made_of))
            figures[payment.budget_id][source] -= payment.amount_fen
            figures[payment.budget_id][target] += payment.amount_fen
        after = found.orders[order.id] = _after(step, order)
        waiting[order.budget_id] += after.waiting_fen - order.waiting_fen  # owed again, and nothing is reserved for it
    for budget_id in sorted({*figures, *waiting}):
        moved = figures[budget_id]
        shift = (moved[A.AVAILABLE], moved[A.RESERVED], moved[A.COMMITTED], moved[A.SPENT])
        found.shifts.append(Shift(budget_id, *shift, 0, 0, waiting[budget_id]))
    return found


def together(shifts: Iterable[Shift]) -> list[Shift]:
    """One for each budget, so that what falls and rises is checked at once, in order of id; nothing where all is 0."""
    found: dict[int, Shift] = {}
    for one in shifts:
        known = found.get(one.budget_id)
        found[one.budget_id] = Shift(one.budget_id, *map(sum, zip(known[1:], one[1:], strict=True))) if known else one
    return [one for _, one in sorted(found.items()) if any(one[1:])]


def _ways(step: Step, order: Order) -> Iterable[tuple[AccountKind, AccountKind, TransferKind]]:
    if step.kind in _MOVES:
        yield _MOVES[step.kind]
    if step.kind == Kind.REVIVE:
        yield _MOVES[Kind.COMMIT]
        yield _MOVES[Kind.SPEND]
    if step.kind in _BACK and not _is_its_own(step.payment, order):
        yield A.RESERVED, A.AVAILABLE, TransferKind.RELEASE


def _is_its_own(payment: Payment, order: Order) -> bool:
    return payment.budget_id == order.budget_id


def _after(step: Step, order: Order) -> Order:
    amount, live, settled = step.payment.amount_fen, order.live_fen, order.settled_fen
    match step.kind:
        case Kind.COMMIT:
            return order
        case Kind.DROP | Kind.FREE:
            live -= amount
        case Kind.SPEND:
            live, settled = live - amount, settled + amount
        case Kind.RETURN:
            settled -= amount
        case Kind.REVIVE:
            return order._replace(settled_fen=settled + amount, reserved_fen=order.reserved_fen - amount)
    back = amount if step.kind in _BACK and _is_its_own(step.payment, order) else 0
    after = order._replace(live_fen=live, settled_fen=settled, reserved_fen=order.reserved_fen + back)
    return after if after.paid_fen else after._replace(paid_to=None, paid_from=None)
