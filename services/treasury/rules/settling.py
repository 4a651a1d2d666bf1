"""What is reserved, released and held of orders, within their budgets.

Only the treasury subtracts: an order states the whole that is owed, and what is to be reserved is what is owed less
what is settled, on its way, and reserved already. An order is reserved wholly or waits; what was reserved for it before
its sum rose stays reserved. Whoever waits for a person has nothing reserved, so what is reserved may always be paid.

**No order overtakes.** A budget pays in the order of (payable day, order): while one waits for money, none behind it is
reserved, though it would fit. Otherwise a large order would wait for as long as small ones come, and who is paid first
would hang on the sum; whoever waits can be told that nobody behind him is paid before him. The price is money that
stays unused behind a large order until it is appropriated for, which shows in `waiting_fen` beside `available_fen`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, NamedTuple

from services.treasury.model import Budget, BudgetMove, Hold, Order, Place, State

_WAITS: Final = frozenset({Hold.BUDGET_HELD, Hold.BUDGET_MISSING})
_place = attrgetter("place")


class Case(NamedTuple):
    """An order as it is on file, and with the terms it has now; None: it is new."""

    before: Order | None
    after: Order


class Settled(NamedTuple):
    """What became of an order: what was given back, to which budget, and what was taken from its own."""

    before: Order | None
    after: Order
    released_fen: int
    taken_fen: int

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def is_held_anew(self) -> bool:
        """It has to be told that the order waits: it did not, or for something else, or of another revision."""
        was = self.before
        return self.after.state == State.HELD and (
            was is None
            or was.state != State.HELD
            or was.reasons != self.after.reasons
            or was.revision != self.after.revision
        )

    @property
    def is_freed(self) -> bool:
        """It has to be told that what was held is reserved."""
        return self.after.state == State.RESERVED and self.before is not None and self.before.state == State.HELD


@dataclass(slots=True)
class Settlement:
    orders: list[Settled] = field(default_factory=list)
    moves: list[BudgetMove] = field(default_factory=list)


class _Asked(NamedTuple):
    before: Order | None
    after: Order
    bars: tuple[str, ...]
    kept_fen: int
    wanted_fen: int


def settle(
    cases: Iterable[Case], budgets: Mapping[int, Budget], first_waiting: Mapping[int, Place], limit_fen: int | None
) -> Settlement:
    """Settle orders, whose rows and budgets nobody else can change meanwhile.

    `first_waiting` has the first order of each budget that waits and is none of these.
    """
    asked = [_asked(case, limit_fen) for case in cases]
    refused = _without_money(asked, budgets, first_waiting)
    settlement = Settlement([_settled(one, refused.get(one.after.id)) for one in asked])
    settlement.moves = _moves(settlement.orders)
    return settlement


def bars(order: Order, limit_fen: int | None) -> tuple[str, ...]:
    """Why a person must look at it before anything more is paid.

    Money that is out was paid to somebody, from some fund: neither is changed behind his back. An order above the limit
    waits as long as something of it is due.
    """
    found: list[str] = []
    if order.paid_fen:
        if order.paid_to and order.paid_to != str(order.payee):
            found.append(Hold.PAYEE_CHANGED)
        if order.paid_from and order.paid_from != f"{order.fund}/{order.county}":
            found.append(Hold.BUDGET_CHANGED)
    is_released = order.released_revision == order.revision
    if limit_fen is not None and order.owed_fen > limit_fen and order.due_fen and not is_released:
        found.append(Hold.ORDER_ABOVE_LIMIT)
    if order.refused_revision == order.revision and order.due_fen:
        found.append(Hold.RELEASE_REFUSED)
    return tuple(found)


def _asked(case: Case, limit_fen: int | None) -> _Asked:
    """What stays reserved, and what is to be reserved beside it, if there is money."""
    before, after = case
    why = bars(after, limit_fen)
    due = after.due_fen
    if why or not due:
        return _Asked(before, after, why, 0, 0)
    kept = min(before.reserved_fen, due) if before and before.budget_id == after.budget_id else 0
    return _Asked(before, after, why, kept, due - kept)


def _without_money(
    asked: Sequence[_Asked], budgets: Mapping[int, Budget], first_waiting: Mapping[int, Place]
) -> dict[int, str]:
    """The orders for which there is no money, or somebody stands before them; and which of the two reasons is told."""
    available = {budget.id: budget.available_fen for budget in budgets.values()}
    wanting: defaultdict[int, list[_Asked]] = defaultdict(list)
    for one in asked:
        if one.before and (given_back := _given_back(one)):
            available[one.before.budget_id] += given_back
        if one.wanted_fen:
            wanting[one.after.budget_id].append(one)
    refused: dict[int, str] = {}
    for budget_id, queue in wanting.items():
        why = Hold.BUDGET_HELD if budgets[budget_id].is_open else Hold.BUDGET_MISSING
        left, stands = available[budget_id], first_waiting.get(budget_id)
        if stands is None and sum(one.wanted_fen for one in queue) <= left:
            continue  # all of it fits
        for one in sorted(queue, key=lambda one: one.after.place):
            place = one.after.place
            if one.wanted_fen > left or (stands is not None and place > stands):
                refused[one.after.id] = why
                stands = place if stands is None else min(stands, place)
            else:
                left -= one.wanted_fen
    return refused


def _given_back(one: _Asked) -> int:
    return one.before.reserved_fen - one.kept_fen if one.before else 0


def _settled(one: _Asked, refused: str | None) -> Settled:
    """The order as it stands now, told if need be."""
    before, terms = one.before, one.after
    taken = 0 if refused else one.wanted_fen
    reserved = one.kept_fen + taken
    reasons = (refused,) if refused else one.bars
    state = _state(terms, reasons, terms.paid_fen)
    waiting = refused is not None
    if (state, reasons, reserved, waiting) == (terms.state, terms.reasons, terms.reserved_fen, terms.waiting):
        after = terms
    else:
        after = terms._replace(state=state, reasons=reasons, reserved_fen=reserved, waiting=waiting)
    settled = Settled(before, after, _given_back(one), taken)
    if settled.is_held_anew or settled.is_freed:
        return settled._replace(after=after._replace(version=after.version + 1))
    return settled


def _state(order: Order, reasons: Sequence[str], paid_fen: int) -> State:
    if paid_fen > order.owed_fen:
        return State.OVERPAID
    if reasons:
        return State.HELD
    return State.SETTLED if order.settled_fen == order.owed_fen and not order.live_fen else State.RESERVED


def _moves(orders: Sequence[Settled]) -> list[BudgetMove]:
    """What all of that comes to for each budget, in order of id."""
    figures: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in orders:
        if one.before is not None:
            old = figures[one.before.budget_id]
            old[0] += one.released_fen
            old[1] -= one.released_fen
            old[2] -= one.before.waiting
            old[3] -= one.before.waiting_fen
        new = figures[one.after.budget_id]
        new[0] -= one.taken_fen
        new[1] += one.taken_fen
        new[2] += one.after.waiting
        new[3] += one.after.waiting_fen
    return [BudgetMove(budget_id, *moved) for budget_id, moved in sorted(figures.items()) if any(moved)]
