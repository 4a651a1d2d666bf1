"""Which orders a run pays, to which account, and which it leaves out. One bad account costs one line, never the run.

Orders come in the order of budget, payable day and id, so a run is grouped by fund and county, and within them the
oldest is paid first. A run whose limit is reached ends there: no smaller order overtakes one that does not fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from services.treasury.model import Account, Candidate, Exempt, Order, Payee, Paying, Payment, RunScope, State
from services.treasury.rules.refusing import REFUSED

Known: TypeAlias = Account | tuple[str, ...]  # a payee's account, or the codes of why there is none
CHANGED: Final = ("ORDER_CHANGED",)  # the payee is another than was asked about


class Line(NamedTuple):
    """What is to be paid: the whole that is owed and neither settled nor on its way."""

    order: Order
    amount_fen: int
    account: Account
    paying: Paying
    reissue_of: UUID | None


class Plan(NamedTuple):
    lines: list[Line]
    exempt: list[Exempt]
    is_full: bool  # the run's limit is reached


def planned(
    candidates: Iterable[Candidate],
    payees: Mapping[Payee, Known],
    paying: Mapping[str, Paying],
    scope: RunScope,
    planned_fen: int,
    *,
    refused: Mapping[Payee, tuple[str, ...]],
) -> Plan:
    """`paying` are our accounts by fund; `planned_fen` is what the run has planned before; `refused` are the payees
    whose account, as it is known now, a bank has refused, with its codes.
    """
    plan, total = Plan([], [], is_full=False), planned_fen
    for one in candidates:
        order = one.order
        amount = order.reserved_fen
        if not amount:
            continue  # paid, or lowered, since it was looked for
        known = payees.get(order.payee, CHANGED)
        if why := (*_bars(one, known, paying, scope), *_refused(refused.get(order.payee, ()))):
            plan.exempt.append(Exempt(order.id, None, amount, order.county, why))
            continue
        if scope.total_max_fen and total + amount > scope.total_max_fen:
            return plan._replace(is_full=True)
        total += amount
        assert isinstance(known, Account)  # noqa: S101  # `_bars` tells of the others; for the type checker
        plan.lines.append(Line(order, amount, known, paying[order.fund], one.failed))
    return plan


def _bars(one: Candidate, known: Known, paying: Mapping[str, Paying], scope: RunScope) -> tuple[str, ...]:
    """Why this order is not paid in this run. All of it, so that it is mended once."""
    order = one.order
    why: list[str] = []
    if order.state != State.RESERVED:
        why += order.reasons or ("ORDER_NOT_PAYABLE",)
    elif order.reserved_fen != order.due_fen:
        why.append("ORDER_NOT_PAYABLE")
    if one.is_live:
        why.append("PAYMENT_STILL_LIVE")
    if one.is_disputed:
        why.append("PAYMENT_DISPUTED")
    if one.is_return_unproven:
        why.append("RETURN_NOT_ON_STATEMENT")
    if scope.payment_max_fen and order.reserved_fen > scope.payment_max_fen:
        why.append("PAYMENT_ABOVE_LIMIT")
    if not _fits(order, scope):
        why.append("ORDER_CHANGED")
    if order.fund not in paying:
        why.append("PAYING_ACCOUNT_MISSING")
    if not isinstance(known, Account):
        why += known
    return tuple(why)


def _refused(codes: tuple[str, ...]) -> tuple[str, ...]:
    return (REFUSED, *codes) if codes else ()


def _fits(order: Order, scope: RunScope) -> bool:
    """It did when it was looked for; it may have been stated anew since."""
    return (
        order.payable_on <= scope.payable_to
        and scope.fund in {"", order.fund}
        and scope.county in {"", order.county}
        and scope.programme in {"", order.key.programme}
    )


def stands(payment: Payment, order: Order) -> bool:
    """Whether a line may still be paid as it was planned: nothing was stated of its order since."""
    return order.revision == payment.order_revision and order.state == State.RESERVED and order.payee == payment.payee


def chained(plan_hash: bytes, payment: Payment) -> bytes:
    """The plan's hash with one more line: who is paid what, for what, where, and from where."""
    line = (
        payment.number,
        payment.id,
        payment.order_id,
        payment.order_revision,
        payment.amount_fen,
        payment.payee,
        payment.payee_version,
        payment.account_hash.hex(),
        payment.paying_account,
        payment.reissue_of or "-",
        *([payment.offset_fen] if payment.offset_fen else []),
    )
    return hashlib.sha256(plan_hash + "|".join(map(str, line)).encode()).digest()
