"""Paying, reckoned: which line is owed by which fund to whom, what is to be ordered for it, and how far it is paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from services.claims.model import (
    Category,
    Claim,
    Determination,
    Facts,
    Fund,
    Heard,
    Line,
    LineKind,
    Order,
    Ordered,
    Orders,
    Owed,
    Payee,
    Payment,
    Progress,
    State,
    Transfer,
)

# 社会保险法 art. 54 and 国办发〔2019〕10号: who is insured by work, and her spouse without work, is paid out of the one
# fund of employees that maternity insurance is part of. Art. 48: whoever draws unemployment benefit is insured as an
# employee; a flexible worker has joined that insurance too. A resident, and her catastrophic insurance (大病保险), is
# paid out of the residents' fund. Of an employee who was never registered, the employer owes all (art. 53, 女职工劳动
# 保护特别规定 art. 8): no fund does.
_FUNDS: Final[Mapping[Category, Fund]] = {
    Category.EMPLOYEE: Fund.EMPLOYEE_INSURANCE,
    Category.FLEXIBLE: Fund.EMPLOYEE_INSURANCE,
    Category.UNEMPLOYMENT_BENEFIT: Fund.EMPLOYEE_INSURANCE,
    Category.SPOUSE_OF_EMPLOYEE: Fund.EMPLOYEE_INSURANCE,
    Category.RESIDENT: Fund.RESIDENT_INSURANCE,
}
_ASKED_OF_BANK: Final = frozenset({Progress.FAILED, Progress.RETURNED})


class Sums(NamedTuple):
    """What is owed for a line, on its way to the bank, and paid and not given back."""

    owed_fen: int
    live_fen: int
    settled_fen: int


class AskedBack(NamedTuple):
    """What was paid beyond what is owed: how much is still to come back, has come back, and was given up."""

    outstanding_fen: int
    recovered_fen: int
    written_off_fen: int


# --- what is owed ----------------------------------------------------------------------------------------------------


def owed_by(claim: Claim, facts: Facts, determination: Determination) -> tuple[list[Owed], list[str]]:
    """What a determination owes by line, and the lines that owe something of which nobody knows whom to pay."""
    owed: list[Owed] = []
    without: list[str] = []
    fund = _FUNDS.get(facts.insured.category)
    for line in determination.lines:
        if line.outcome is not State.APPROVED or not line.amount_fen:
            continue
        name, reference = f"{line.kind}/{line.number}", _reference(claim, facts, line)
        if fund is None or line.payee is None or not reference:
            without.append(name)
        else:
            owed.append(Owed(name, line.amount_fen, line.payee, reference, fund))
    if len(owed) > 1 and len({one.line for one in owed}) < len(owed):
        raise ValueError("two lines of one name would be paid as one")
    return owed, without


def _reference(claim: Claim, facts: Facts, line: Line) -> str:
    """Whom the registry knows the payee as; empty if that is not known."""
    match line.payee:
        case Payee.PERSON:
            return str(claim.person) if claim.person else ""
        case Payee.EMPLOYER:
            return claim.employer
        case Payee.PROVIDER:
            return _provider(claim.providers, facts, line)
    return ""


def _provider(providers: tuple[str, ...], facts: Facts, line: Line) -> str:
    """The institution of a cost. What catastrophic insurance owes for stays in several institutions is nobody's."""
    stays, visits = len(facts.stays), len(facts.visits)
    if len(providers) != stays + visits + len(facts.items):
        return ""
    match line.kind:
        case LineKind.STAY | LineKind.SURGERY:
            return providers[line.number - 1]
        case LineKind.VISIT:
            return providers[stays + line.number - 1]
        case LineKind.ITEM:
            return providers[stays + visits + line.number - 1]
        case LineKind.CATASTROPHIC if len(set(providers[:stays])) == 1:
            return providers[0]
    return ""


def orders(before: Orders, owed: Iterable[Owed], claim: Claim, on: date) -> tuple[Order, ...]:
    """What is to be ordered: each line that is owed otherwise than it was ordered, as a whole.

    A line that is gone is ordered as nothing, before all others: so what another line takes the place of is not paid
    twice.
    """
    if not before:
        return tuple([_order(one, claim, on) for one in owed])
    mine = {one.line: one for one in owed}
    gone = [
        known.order._replace(revision=claim.version, owed_fen=0, payable_on=on)
        for line, known in sorted(before.items())
        if line not in mine and known.order.owed_fen
    ]
    changed = [
        _order(one, claim, on)
        for one in mine.values()
        if one.line not in before or not before[one.line].order.says(one, claim.county)
    ]
    return (*gone, *changed)


def _order(owed: Owed, claim: Claim, on: date) -> Order:
    return Order(owed.line, claim.version, owed.owed_fen, owed.payee, owed.reference, owed.fund, claim.county, on)


def with_orders(before: Orders, made: Iterable[Order]) -> Orders:
    """The orders of a claim after these were made. What was refused is past; what was paid stays paid."""
    after = dict(before)
    for order in made:
        known = after.get(order.line)
        if known is None:
            after[order.line] = Ordered(order)
        elif known.told is Progress.REFUSED:
            after[order.line] = known._replace(order=order, told=None, reasons=())
        else:
            after[order.line] = known._replace(order=order)
    return after


# --- what became of it -----------------------------------------------------------------------------------------------


def with_heard(known: Ordered, heard: Heard) -> Ordered:
    """An order after an event on it. Each payment has its own last event, so in any order they come to the same."""
    if heard.payment_id:
        last = known.transfers.get(heard.payment_id)
        if last is not None and last.version >= heard.version:
            return known
        made = Transfer(heard.version, heard.progress, heard.amount_fen, next(iter(heard.reasons), ""))
        return known._replace(transfers={**known.transfers, heard.payment_id: made})
    if heard.recovery is not None:
        before = known.recoveries.get(heard.recovery_id)
        if before is not None and before.version >= heard.version:
            return known
        return known._replace(recoveries={**known.recoveries, heard.recovery_id: heard.recovery})
    if heard.progress is Progress.RECOVERY or heard.version <= known.told_version:
        return known  # that too much was paid is told by the sums themselves
    return known._replace(told_version=heard.version, told=heard.progress, reasons=heard.reasons)


def sums(known: Ordered) -> Sums:
    paid: Counter[Progress] = Counter()
    for transfer in known.transfers.values():
        paid[transfer.progress] += transfer.amount_fen
    kept_fen = paid[Progress.SETTLED] - asked_back(known).recovered_fen
    return Sums(known.order.owed_fen, paid[Progress.SENT], max(0, kept_fen))


def asked_back(known: Ordered) -> AskedBack:
    found = known.recoveries.values()
    return AskedBack(
        sum(one.outstanding_fen for one in found),
        sum(one.recovered_fen for one in found),
        sum(one.written_off_fen for one in found),
    )


def payment_of_line(known: Ordered) -> Payment | None:
    """What was given up of what was paid too much is as if it had not been paid."""
    owed_fen, live_fen, settled_fen = sums(known)
    settled_fen = max(0, settled_fen - asked_back(known).written_off_fen)
    if live_fen + settled_fen > owed_fen:
        return Payment.OVERPAID
    if live_fen:
        return Payment.IN_PAYMENT
    if not owed_fen:
        return None
    if settled_fen == owed_fen:
        return Payment.PAID
    return Payment.IN_PAYMENT if settled_fen else Payment.PAYABLE


def payment_of(known: Orders) -> Payment | None:
    """How far a claim is paid. While money has left for any line, it is not merely payable."""
    found = {payment for one in known.values() if (payment := payment_of_line(one))}
    if Payment.OVERPAID in found:
        return Payment.OVERPAID
    if len(found) > 1:
        return Payment.IN_PAYMENT
    return next(iter(found), None)


def reasons_of(known: Ordered) -> tuple[str, ...]:
    """Why an order is not paid: what the treasury holds or refuses it for, and what the bank said of attempts that
    failed. Of one that is paid, or owes nothing, there is nothing to say.
    """
    if known.told is Progress.REFUSED:
        return known.reasons
    if payment_of_line(known) in {None, Payment.PAID}:
        return ()
    open_fen = sums(known).owed_fen - sums(known).live_fen - sums(known).settled_fen
    failed = [
        transfer.reason
        for transfer in sorted(known.transfers.values(), reverse=True)
        if transfer.progress in _ASKED_OF_BANK and transfer.reason
    ]
    return tuple(dict.fromkeys([*known.reasons, *(failed[:1] if open_fen > 0 else ())]))
