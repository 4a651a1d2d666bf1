"""What is asked back, and how it moves. The order leads: what is settled beyond what is owed is outstanding or given
up.

What was recovered counts as not settled any more: so what is owed again later is simply paid again. The ledger:

| move | order | ledger |
|---|---|---|
| demanded, withdrawn | | SPENT to RECEIVABLE, and back |
| offset by a payment that is made | settled falls | RECEIVABLE to RECOVERED |
| that payment came back | settled rises again | RECOVERED to RECEIVABLE |
| repaid | settled falls | RECEIVABLE to RECOVERED |
| written off | | RECEIVABLE to SPENT |

What is recovered waits in an account of its own, so that undoing an offset can always be booked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from services.treasury.model import AccountKind, Budget, Order, Transfer, TransferKind
from services.treasury.model.recoveries import (
    CLOSED,
    OFFSET_FROM,
    Instalment,
    Offset,
    Recovery,
    RecoveryMove,
    RecoveryState,
    Repayment,
    Share,
)
from services.treasury.rules.paying import Kind, Shift, Step

A: Final = AccountKind
S: Final = RecoveryState
K: Final = TransferKind
OWED_LESS: Final = "OWED_LESS"
OFFSET_RETURNED: Final = "OFFSET_RETURNED"
INSTALMENT_MISSED: Final = "INSTALMENT_MISSED"
NOT_ANSWERED: Final = "NOT_ANSWERED"
DISPUTE_UPHELD: Final = "DISPUTE_UPHELD"
SYSTEM: Final = "service/treasury"


class Held(NamedTuple):
    """Recoveries, locked, by id; and what was paid of their orders to whom, newest first."""

    recoveries: Mapping[UUID, Recovery]
    shares: Sequence[Share]

    @property
    def budgets(self) -> set[int]:
        return {one.budget_id for one in self.recoveries.values()} | {one.budget_id for one in self.shares}


class Books(NamedTuple):
    """Budgets, locked, and the day on which it is booked."""

    budgets: Mapping[int, Budget]
    today: date

    def account(self, recovery: Recovery, kind: AccountKind) -> int:
        return self.budgets[recovery.budget_id].accounts[kind]


class Heard(NamedTuple):
    """What bears on recoveries: steps of payments and what those keep, in the order heard, and repayments."""

    steps: Sequence[Step] = ()
    offsets: Sequence[Offset] = ()
    repayments: Sequence[Repayment] = ()


class Booking(NamedTuple):
    kind: TransferKind
    payment: UUID | None
    day: date


@dataclass(slots=True)
class Followed:
    """What came of it: recoveries as they are, transfers, and what budgets move by."""

    moves: list[RecoveryMove] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)


@dataclass(slots=True)
class _Money:
    """What moved of one recovery before the order was looked at."""

    recovered_fen: int = 0  # from RECEIVABLE to RECOVERED; less than nothing: back
    undone_fen: int = 0


class Moved(NamedTuple):
    """Orders and recoveries once offsets and repayments have moved them, before anything is asked back anew."""

    orders: dict[int, Order]
    recoveries: dict[UUID, Recovery]
    money: dict[UUID, _Money]
    transfers: list[Transfer]


def moved(heard: Heard, held: Held, orders: Mapping[int, Order], books: Books) -> Moved:
    """What payments do to the offsets that hang on them; then repayments."""
    found = Moved(dict(orders), dict(held.recoveries), defaultdict(_Money), [])
    by_payment: defaultdict[UUID, list[Offset]] = defaultdict(list)
    for one in heard.offsets:
        by_payment[one.payment_id].append(one)
    for step in heard.steps:
        for one in by_payment[step.payment.id]:
            _offset(found, step, one, books)
    for paid in heard.repayments:
        before = found.recoveries[paid.recovery_id]
        found.recoveries[before.id] = before._replace(repaid_fen=before.repaid_fen + paid.amount_fen)
        _recovered(found, before, paid.amount_fen, Booking(K.REPAY, None, paid.value_on or books.today), books)
    return found


def _offset(found: Moved, step: Step, one: Offset, books: Books) -> None:
    before, fen = found.recoveries[one.recovery_id], one.amount_fen
    live, kept = before.live_fen, before.offset_fen
    match step.kind:
        case Kind.DROP | Kind.FREE:
            found.recoveries[before.id] = before._replace(live_fen=live - fen)
        case Kind.SPEND:
            found.recoveries[before.id] = before._replace(live_fen=live - fen, offset_fen=kept + fen)
            _recovered(found, before, fen, Booking(K.OFFSET, step.payment.id, step.effective_on), books)
        case Kind.REVIVE:
            found.recoveries[before.id] = before._replace(offset_fen=kept + fen)
            _recovered(found, before, fen, Booking(K.OFFSET, step.payment.id, step.effective_on), books)
        case Kind.RETURN:
            found.recoveries[before.id] = before._replace(offset_fen=kept - fen)
            _recovered(found, before, -fen, Booking(K.UNDO_OFFSET, step.payment.id, step.effective_on), books)
        case _:
            pass


def _recovered(found: Moved, recovery: Recovery, fen: int, booking: Booking, books: Books) -> None:
    """Less than nothing: what was recovered is owed back again."""
    order = found.orders[recovery.order_id]
    after = order._replace(settled_fen=order.settled_fen - fen)
    found.orders[order.id] = after if after.paid_fen else after._replace(paid_to=None, paid_from=None)
    money = found.money[recovery.id]
    money.recovered_fen += fen
    money.undone_fen += max(0, -fen)
    debit, credit = (A.RECOVERED, A.RECEIVABLE) if fen > 0 else (A.RECEIVABLE, A.RECOVERED)
    sides = books.account(recovery, debit), books.account(recovery, credit)
    found.transfers.append(Transfer(*sides, abs(fen), booking.kind, order.id, booking.day, booking.payment))


def followed(
    orders: Sequence[Order], held: Held, since: Moved | None, books: Books, new_ids: Iterator[UUID]
) -> Followed:
    """Recoveries as these orders, with their new figures, want them."""
    found = Followed(transfers=list(since.transfers) if since else [])
    now = since.recoveries if since else held.recoveries
    mine = {(one.order_id, one.payee, one.budget_id): one for one in now.values()}
    for order in orders:
        left = max(0, order.settled_fen - order.owed_fen)
        for share in _shares(order, held):
            known = mine.get((order.id, share.payee, share.budget_id))
            demand = min(left, max(0, share.paid_fen - (known.recovered_fen if known else 0)))
            left -= demand
            if known is not None:
                money = since.money.get(known.id) if since else None
                _follow(found, (held.recoveries[known.id], known), demand, money or _Money(), books)
            elif demand:
                _open(found, order, share, demand, next(new_ids), books)
    return found


def _shares(order: Order, held: Held) -> list[Share]:
    """Newest first; and last those of whom something was asked back, though nothing stands as paid any more."""
    paid = [one for one in held.shares if one.order_id == order.id]
    known = {(one.payee, one.budget_id) for one in paid}
    gone = [
        Share(order.id, one.payee, one.budget_id, 0)
        for one in held.recoveries.values()
        if one.order_id == order.id and (one.payee, one.budget_id) not in known
    ]
    return [*paid, *gone]


def _open(found: Followed, order: Order, share: Share, fen: int, recovery_id: UUID, books: Books) -> None:  # noqa: PLR0917
    made = Recovery(
        recovery_id, order.id, share.payee, share.budget_id, S.DETECTED, 1, fen, 0, 0, 0, 0, 0, OWED_LESS, "", None,
        None, 0, 0, order.county,
    )  # fmt: skip
    found.moves.append(RecoveryMove(None, made, "DETECTED", OWED_LESS, SYSTEM))
    _book(found, made, fen, _Money(), books)


def _follow(found: Followed, known: tuple[Recovery, Recovery], demand: int, money: _Money, books: Books) -> None:
    """`known` is the recovery as it was, and with what came back since."""
    before, now = known
    written_off = min(now.written_off_fen, demand)
    outstanding = demand - written_off
    risen = outstanding - (before.outstanding_fen - money.recovered_fen)
    after = now._replace(
        outstanding_fen=outstanding, written_off_fen=written_off, disputed_fen=min(now.disputed_fen, outstanding)
    )
    is_more = risen > 0 and outstanding > 0
    after = _standing(before, after, risen=is_more, undone=money.undone_fen > 0, today=books.today)
    if after != before:
        after = after._replace(number=before.number + 1)
        found.moves.append(RecoveryMove(before, after, _kind(before, after), after.reason, SYSTEM))
    _book(found, after, risen, money, books)


def _standing(before: Recovery, after: Recovery, *, risen: bool, undone: bool, today: date) -> Recovery:
    if not after.outstanding_fen and not after.live_fen:
        return ended(after)
    if risen:
        # It is more than was told: the payee is told anew, and has the days to answer anew.
        # What was disputed of less, too.
        told_anew = after._replace(state=S.DETECTED, reason=OWED_LESS, due_on=None, notified_on=None, schedule=0)
        return told_anew._replace(disputed_fen=0)
    if before.state in CLOSED:
        if after.due_on is None:
            return after._replace(state=S.DETECTED, reason=OFFSET_RETURNED if undone else OWED_LESS)
        return after._replace(state=S.OFFSETTING, reason=OFFSET_RETURNED)
    if after.state == S.DISPUTED and not after.disputed_fen:
        return answered(after, today)
    return after


def ended(recovery: Recovery) -> Recovery:
    """Nothing is outstanding: by which way, its figures say."""
    came_back = S.RECOVERED if recovery.recovered_fen else S.WITHDRAWN
    state = S.WRITTEN_OFF if recovery.written_off_fen else came_back
    return recovery._replace(state=state, disputed_fen=0, schedule=0)


def answered(recovery: Recovery, today: date) -> Recovery:
    """After a dispute: there are days left to answer, or it goes on."""
    waits = recovery.due_on is not None and today <= recovery.due_on
    return recovery._replace(state=S.NOTIFIED if waits else S.OFFSETTING, disputed_fen=0)


def _kind(before: Recovery, after: Recovery) -> str:
    if after.repaid_fen != before.repaid_fen:
        return "REPAID"
    if after.offset_fen != before.offset_fen or after.live_fen != before.live_fen:
        return "OFFSET"
    return "DETECTED" if after.state == S.DETECTED and before.state != S.DETECTED else "AMOUNT"


def _book(found: Followed, recovery: Recovery, risen: int, money: _Money, books: Books) -> None:
    receivable, spent = books.account(recovery, A.RECEIVABLE), books.account(recovery, A.SPENT)
    today, recovered = books.today, money.recovered_fen
    if risen > 0:
        found.transfers.append(Transfer(receivable, spent, risen, K.DEMAND, recovery.order_id, today))
    elif risen < 0:
        found.transfers.append(Transfer(spent, receivable, -risen, K.WITHDRAW, recovery.order_id, today))
    if risen or recovered:
        found.shifts.append(Shift(recovery.budget_id, 0, 0, 0, -risen, risen - recovered, recovered, 0))


# --- a person's moves -------------------------------------------------------------------------------------------------


def written_off(recovery: Recovery, fen: int) -> Recovery:
    """What is given up. The disputed part may be among it."""
    left = recovery.outstanding_fen - fen
    after = recovery._replace(
        outstanding_fen=left,
        written_off_fen=recovery.written_off_fen + fen,
        disputed_fen=min(recovery.disputed_fen, left),
    )
    return after if left or after.live_fen else ended(after)


def write_off_booked(recovery: Recovery, fen: int, books: Books) -> tuple[Transfer, Shift]:
    sides = books.account(recovery, A.SPENT), books.account(recovery, A.RECEIVABLE)
    shift = Shift(recovery.budget_id, 0, 0, 0, fen, -fen, 0, 0)
    return Transfer(*sides, fen, K.WRITE_OFF, recovery.order_id, books.today), shift


def is_covered(recovery: Recovery) -> bool:
    """Whether what payments on their way keep may still be kept."""
    return recovery.state in OFFSET_FROM and recovery.live_fen <= recovery.undisputed_fen


def may_keep_again(offsets: Sequence[Offset], standing: Mapping[UUID, Recovery], orders: Mapping[int, Order]) -> bool:
    """Whether what a payment kept, that had not come back after all, is still there to be kept: it was not repaid, nor
    kept from another, meanwhile.
    """
    left = {number: one.settled_fen for number, one in orders.items()}
    for recovery in standing.values():
        left[recovery.order_id] -= recovery.live_fen
    for one in offsets:
        left[one.order_id] -= one.amount_fen
    return all(left[one.order_id] >= 0 for one in offsets)


def is_missed(recovery: Recovery, instalments: Sequence[Instalment], today: date) -> bool:
    """Whether less has come than was due by yesterday."""
    due = sum(one.amount_fen for one in instalments if one.due_on < today)
    return recovery.repaid_fen - recovery.schedule_from_fen < due
