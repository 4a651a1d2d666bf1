"""What must become of the money, reckoned from receipts and by the bank's own list; and what became otherwise.

Three parties that share no table must say the same: the receipts of the claims, the treasury, the bank.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cradle.claims.v1 import claim_pb2, receipt_pb2
from cradle.treasury.v1 import run_pb2, service_pb2

from deploy.demo.account import Answer, Tally
from deploy.demo.expect import approved_claims
from deploy.demo.paying import Books

_HELD: Final = service_pb2.ORDER_STATE_HELD
_SETTLED: Final = service_pb2.ORDER_STATE_SETTLED
_NO_MONEY: Final = "BUDGET_HELD"


class Owed(NamedTuple):
    """Of a claim: in how many lines, and how much in all."""

    lines: int
    fen: int


def owed(answers: Sequence[Answer]) -> Mapping[str, Owed]:
    """By claim, as its last receipt says; who is not owed anything is left out."""
    receipts = [claim.receipt for claim in approved_claims(answers) if claim.receipt is not None]
    return {one.claim.removeprefix("claims/"): found for one in receipts if (found := _owed(one)).lines}


def _owed(receipt: receipt_pb2.ClaimReceipt) -> Owed:
    lines = [
        line.amount_fen
        for line in receipt.lines
        if line.outcome == claim_pb2.CLAIM_STATE_APPROVED and line.amount_fen and line.payee
    ]
    return Owed(len(lines), sum(lines))


def tally(books: Books) -> Tally:
    orders = [order for order in books.orders if order.owed_fen]
    return Tally(
        ordered=len(orders),
        paid=sum(order.state == _SETTLED for order in orders),
        returned=payments(books, run_pb2.PAYMENT_STATE_RETURNED),
        held=sum(order.state == _HELD for order in orders),
        imbalance=books.imbalance_fen,
    )


def payments(books: Books, state: run_pb2.PaymentState.ValueType) -> int:
    return sum(one.count for run in books.runs for one in run.sums if one.state == state)


def wrong(expected: Mapping[str, Owed], books: Books, paid_claims: Iterable[str]) -> list[str]:
    """Everything about the money that is not as it must be; empty if all is well."""
    return [*_orders(expected, books), *_held(books), *_bank(books), *_claims(expected, books, set(paid_claims))]


def _orders(expected: Mapping[str, Owed], books: Books) -> Iterator[str]:
    """Each claim is ordered as it is owed, and of each order every fen is paid or held."""
    found: dict[str, list[int]] = defaultdict(list)
    for order in books.orders:
        if order.owed_fen:
            found[order.case_id].append(order.owed_fen)
        held_fen = order.owed_fen - order.settled_fen if order.state == _HELD else 0
        if order.settled_fen + held_fen != order.owed_fen or order.live_fen or order.reserved_fen:
            yield f"{order.name} is neither paid nor held: {service_pb2.OrderState.Name(order.state)}"
    got = {case: Owed(len(amounts), sum(amounts)) for case, amounts in found.items()}
    differ = sorted(case for case in {*expected, *got} if expected.get(case) != got.get(case))
    if differ:
        first = differ[0]
        yield f"{len(differ)} claims are ordered otherwise than owed: {first} {expected.get(first)} {got.get(first)}"


def _held(books: Books) -> Iterator[str]:
    """Only for want of money; and the oldest that waits is larger than what is left, for none overtakes it."""
    oldest: dict[tuple[int, str], service_pb2.Order] = {}
    for order in sorted((one for one in books.orders if one.state == _HELD), key=_number):
        oldest.setdefault((order.fund, order.county), order)
        if [one.code for one in order.reasons] != [_NO_MONEY]:
            yield f"{order.name} is held for something else: {[one.code for one in order.reasons]}"
    for budget in books.budgets:
        first = oldest.get((budget.key.fund, budget.key.county))
        if first and first.owed_fen - first.settled_fen <= budget.available_fen:
            yield f"{first.name} is held, and {budget.name} has the money"


def _number(order: service_pb2.Order) -> int:
    return int(order.name.removeprefix("orders/"))


def _bank(books: Books) -> Iterator[str]:
    """The bank's list, our payments, orders and budgets come to the same; the ledger is even."""
    settled = sum(order.settled_fen for order in books.orders)
    spent = sum(budget.spent_fen for budget in books.budgets)
    by_status = Counter(one["status"] for one in books.bank)
    paid = sum(one["amount"] for one in books.bank if one["status"] == "accepted" and one["booked_at"])
    if len({settled, spent, paid}) > 1:
        yield f"orders were paid {settled} fen, budgets spent {spent} fen, and the bank paid {paid} fen"
    ours = {
        "accepted": payments(books, run_pb2.PAYMENT_STATE_RECONCILED),
        "rejected": payments(books, run_pb2.PAYMENT_STATE_REJECTED),
        "returned": payments(books, run_pb2.PAYMENT_STATE_RETURNED),
    }
    if +Counter(ours) != by_status:
        yield f"the bank has {dict(by_status)}, the treasury {ours}"
    if len({one["end_to_end_id"] for one in books.bank}) != len(books.bank):
        yield "the bank was sent a payment twice"
    if books.imbalance_fen:
        yield f"the ledger is off by {books.imbalance_fen} fen"


def _claims(expected: Mapping[str, Owed], books: Books, paid_claims: set[str]) -> Iterator[str]:
    """PAID is each claim of which every order is paid, and no other."""
    waiting = {order.case_id for order in books.orders if order.state == _HELD}
    if paid_claims != set(expected) - waiting:
        yield f"{len(paid_claims)} claims are PAID and not {len(set(expected) - waiting)}"
