"""How a break may end, and what of a payment that ends with it.

**None of it may lead to a second payment of an order.** While a break that names an order is open, the order is not
paid. So money that left under a payment's id never ends as "explained": it is that payment's, or the bank has given it
back. An answer after which a payment might still be made ends only when the statements prove that it was not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.treasury.model import OUT, PAID, UNSENT, Order, Payment, PaymentState
from services.treasury.model.breaks import STOPPED, Break, BreakKind, Proposal, Way
from services.treasury.rules.hearing import standing

S: Final = PaymentState


class About(NamedTuple):
    """The payment that breaks would end with, and its order; both locked."""

    payment: Payment
    order: Order


def needs_second(breaks: Sequence[Break]) -> bool:
    """A file that cannot be read, or an answer about nothing of ours, is closed by one person."""
    return any(one.order_id is not None or one.source not in {"FILE", "ANSWER"} for one in breaks)


def refusal(
    breaks: Sequence[Break], proposal: Proposal, about: About | None, *, is_proven: bool, is_lost: bool = False
) -> str:
    """Why these breaks may not end so, as a code; empty if they may. The first is the one that was asked about.

    `is_lost`: one is a debit under an id that we made, of a payment that is not here and may have been lost. It ends as
    that payment, or the bank has given it back.
    """
    one = breaks[0]
    is_single = proposal.way in {Way.EXPLAINED, Way.NOT_PAID}
    if code := _first(
        {
            "BREAK_ENDED": not all(one.is_open for one in breaks),
            "BREAK_ONE_BY_ONE": is_single and len(breaks) > 1,
            "BREAK_WAY": proposal.way in {Way.HEALED, Way.REPAID},
            "BREAK_PAYMENT_LOST": is_lost and proposal.way != Way.CANCELLED_OUT,
        }
    ):
        return code
    if is_single:
        is_explained = proposal.way == Way.EXPLAINED
        return _explain(one, proposal.why, is_proven=is_proven) if is_explained else _not_paid(one, about)
    return _together(breaks) or (
        _match(breaks, about) if proposal.way == Way.MATCHED else _cancel(breaks, is_proven=is_proven)
    )


def _first(found: Mapping[str, bool]) -> str:
    return next((code for code, holds in found.items() if holds), "")


def _together(breaks: Sequence[Break]) -> str:
    """Movements of one account, all from statements or all from advices."""
    places = {(one.account, one.is_on_statement) for one in breaks}
    return _first({"BREAK_NO_MOVEMENT": not all(one.is_movement for one in breaks), "BREAK_ACCOUNTS": len(places) > 1})


def _match(breaks: Sequence[Break], about: About | None) -> str:
    if about is None:
        return "BREAK_PAYMENT_NEEDED"
    payment = about.payment
    total_fen = sum(one.signed_fen for one in breaks)
    if code := _first(
        {
            "BREAK_OTHER_ORDER": any(one.order_id not in {None, payment.order_id} for one in breaks),
            "BREAK_SUM": abs(total_fen) != payment.net_fen,
            "BREAK_PAYMENT_NOT_SENT": payment.state in UNSENT or payment.state == S.CANCELLED,
        }
    ):
        return code
    is_statement = breaks[0].is_on_statement
    return _return(payment, is_statement=is_statement) if total_fen > 0 else _debit(about, is_statement=is_statement)


def _return(payment: Payment, *, is_statement: bool) -> str:
    """Of two debits of which one came back, the other may come back too."""
    taken = payment.return_statement if is_statement else payment.return_advice
    is_second = is_statement and payment.debit_again is not None and payment.state in PAID
    return _first(
        {
            "BREAK_PAYMENT_NOT_PAID": payment.state not in PAID and payment.state != S.RETURNED,
            "BREAK_PAYMENT_HAS_IT": taken is not None and not is_second,
        }
    )


def _debit(about: About, *, is_statement: bool) -> str:
    """Of a payment that had ended the money was freed for its order, and must be there still: nothing else of the order
    may be on its way.
    """
    payment = about.payment
    taken = payment.debit_statement if is_statement else payment.debit_advice
    is_revived = payment.state == S.REJECTED or (payment.state == S.RETURNED and taken is not None)
    return _first(
        {
            "BREAK_NEEDS_STATEMENT": is_revived and not is_statement,
            "BREAK_ORDER_MOVED_ON": is_revived and not _is_free(about),
            "BREAK_PAYMENT_HAS_IT": not is_revived and taken is not None,
        }
    )


def _cancel(breaks: Sequence[Break], *, is_proven: bool) -> str:
    """A correction on an advice is news; that it stands is known by the statements after it."""
    is_news = any(one.order_id is not None and not one.is_on_statement for one in breaks)
    return _first(
        {
            "BREAK_OTHERS_NEEDED": len(breaks) == 1,
            "BREAK_OTHER_ORDER": len({one.order_id for one in breaks if one.order_id is not None}) > 1,
            "BREAK_SUM": sum(one.signed_fen for one in breaks) != 0,
            "BREAK_NOT_PROVEN": is_news and not is_proven,
        }
    )


def _explain(one: Break, why: str, *, is_proven: bool) -> str:
    is_debit = one.is_movement and not one.is_credit and one.order_id is not None
    return _first(
        {
            "BREAK_RETRY_ONLY": one.code == STOPPED,
            "BREAK_REASON_NEEDED": not why,
            "BREAK_DEBIT_STAYS": is_debit and (one.is_on_statement or not is_proven),
            "BREAK_NOT_PROVEN": one.code == "ANSWER_AFTER_END" and not is_proven,
        }
    )


def _not_paid(one: Break, about: About | None) -> str:
    """What was accepted, or advised as returned, and is on no statement. Of a return that was none the payment stands:
    what is not reserved for its order any more is taken from the budget, and asked back if it is not owed
    (`rules.adopting`).
    """
    if about is None or one.kind != BreakKind.MISSING or about.payment.return_statement is not None:
        return "BREAK_WAY"
    is_out = about.payment.state in OUT and not one.is_credit
    is_return = about.payment.state == S.RETURNED and one.is_credit
    return _first({"BREAK_WAY": not (is_out or is_return), "BREAK_ORDER_MOVED_ON": is_return and not _is_alone(about)})


def _is_free(about: About) -> bool:
    """What a payment that had ended gave back is reserved for its order still. What it kept of a debt is outstanding
    again since it ended, and may be kept from another by now.
    """
    payment, order = about
    return _is_alone(about) and not payment.offset_fen and order.reserved_fen >= payment.amount_fen


def _is_alone(about: About) -> bool:
    """Nothing else of the order is on its way, and what it is for is the same."""
    payment, order = about
    return (payment.payee, payment.budget_id) == (order.payee, order.budget_id) and not order.live_fen


def ended(payment: Payment, breaks: Sequence[Break], proposal: Proposal) -> Payment:
    """The payment after these breaks ended with it. It was not refused."""
    if proposal.way == Way.NOT_PAID:
        never = payment._replace(return_advice=None, returned_on=None)
        if payment.state == S.RETURNED:
            return standing(never._replace(reason=""))
        return never._replace(state=S.REJECTED, reason="NOT_PAID_BY_BANKS_WORD")
    return _returned(payment, breaks[0]) if sum(one.signed_fen for one in breaks) > 0 else _paid(payment, breaks[0])


def _returned(payment: Payment, first: Break) -> Payment:
    is_taken = payment.return_statement if first.is_on_statement else payment.return_advice
    if is_taken is not None:
        return payment._replace(state=S.RETURNED, debit_again=None, returned_on=first.value_on)
    known = payment._replace(returned_on=payment.returned_on or first.value_on, reason=payment.reason or "NARR")
    if first.is_on_statement:
        return standing(known._replace(return_statement=first.entry_id))
    return standing(known._replace(return_advice=first.entry_id))


def _paid(payment: Payment, first: Break) -> Payment:
    if payment.state == S.RETURNED and first.is_on_statement and payment.debit_statement is not None:
        return standing(payment._replace(debit_again=first.entry_id, reason=""))
    known = payment._replace(debited_on=payment.debited_on or first.value_on)
    if payment.state == S.REJECTED:
        known = known._replace(reason="")
    if first.is_on_statement:
        return standing(known._replace(debit_statement=first.entry_id))
    return standing(known._replace(debit_advice=first.entry_id))
