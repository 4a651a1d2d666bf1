"""What the bank says of payments, and what it makes of them: in any order, twice, late, and wrong.

Only a booked entry of an advice or a statement settles or returns a payment: an answer that says "settled" is a promise
like "accepted". The same movement stands on an advice and on the statement; two on statements are two movements. What
cannot be is told by a code and changes nothing: a person looks at it, and its order is not paid meanwhile. A payment
that failed because the account is somebody else's moves, and is told so too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from services.treasury.model import OUT, PAID, UNSENT, Entry, Payment, PaymentState, Said
from services.treasury.rules.refusing import about_account

S: Final = PaymentState
# ISO 20022: who is paid is not whose account it is. Paid again as it is it would fail again, or pay somebody else.
_NAME_DIFFERS: Final = frozenset({"BE01"})
ABOUT_PAYEE: Final = frozenset({"ANSWER_NAME_DIFFERS", "RETURN_NAME_DIFFERS"})  # not about money: the payment moves
_NARRATIVE: Final = "NARR"  # no reason that is a code
_PROMISES: Final = frozenset({"ACCEPTED", "SETTLED"})


class Heard(NamedTuple):
    """The payment after it, and what is wrong with what was said, if anything is."""

    payment: Payment
    code: str = ""


def answered(payment: Payment, said: Said) -> Heard:
    """What an answer makes of a payment. Outcomes are those of the bank layer's `Outcome`."""
    if said.amount_fen not in {None, payment.net_fen}:
        return Heard(payment, "ANSWER_AMOUNT_DIFFERS")
    if payment.state in UNSENT or payment.state == S.CANCELLED:
        return Heard(payment, "ANSWER_NOT_SENT")
    if said.outcome in _PROMISES:
        return _promised(payment, said.said_at)
    if said.outcome == "REJECTED":
        return _rejected(payment, said)
    if said.outcome == "RECEIVED":
        return Heard(payment)
    # It may well have been paid: by the file before, or by this one.
    doubted = payment._replace(state=S.UNKNOWN) if payment.state == S.SENT else payment
    return Heard(doubted, "ANSWER_DUPLICATE" if said.outcome == "DUPLICATE" else "ANSWER_UNCLEAR")


def _promised(payment: Payment, said_at: datetime) -> Heard:
    if payment.state in OUT:
        latest = max(said_at, payment.decided_at or said_at)
        return Heard(payment._replace(state=S.ACCEPTED, decided_at=latest))
    if payment.state == S.REJECTED and (payment.decided_at is None or said_at > payment.decided_at):
        return Heard(payment, "ANSWER_AFTER_END")
    return Heard(payment)


def _rejected(payment: Payment, said: Said) -> Heard:
    if payment.state in PAID or payment.state == S.RETURNED:
        return Heard(payment, "ANSWER_AFTER_PAID")
    if payment.state not in OUT:
        return Heard(payment)
    if payment.decided_at is not None and payment.decided_at > said.said_at:
        return Heard(payment, "ANSWER_CONTRADICTS")
    if payment.returned_on is not None:
        return Heard(payment, "ANSWER_AFTER_PAID")  # money came back, so it had left
    rejected = payment._replace(state=S.REJECTED, reason=said.reason or _NARRATIVE, decided_at=said.said_at)
    return Heard(rejected, "ANSWER_NAME_DIFFERS" if _is_about_name(said.reason) else "")


def _is_about_name(why: str) -> bool:
    return not _NAME_DIFFERS.isdisjoint(about_account(why))


def booked(payment: Payment, entry: Entry, account: str) -> Heard:
    """What a booked entry makes of a payment; `account` is ours, from which it was sent."""
    if code := _misfit(payment, entry, account):
        return Heard(payment, code)
    return _credited(payment, entry) if entry.is_credit else _debited(payment, entry)


def _misfit(payment: Payment, entry: Entry, account: str) -> str:
    found = {
        "ENTRY_NOT_SENT": payment.state in UNSENT,
        "ENTRY_ACCOUNT_DIFFERS": entry.account != account,
        "ENTRY_AMOUNT_DIFFERS": entry.amount_fen != payment.net_fen,
        "ENTRY_AFTER_END": payment.state in {S.REJECTED, S.CANCELLED},
        "ENTRY_RETURN_REVERSED": entry.is_reversal and not entry.is_credit,
    }
    return next((code for code, holds in found.items() if holds), "")


def _debited(payment: Payment, entry: Entry) -> Heard:
    if (payment.debit_statement if entry.is_statement else payment.debit_advice) is not None:
        return Heard(payment, "ENTRY_TWICE")
    day = payment.debited_on or entry.value_on
    if entry.is_statement:
        return Heard(standing(payment._replace(debited_on=day, debit_statement=entry.id)))
    return Heard(standing(payment._replace(debited_on=day, debit_advice=entry.id)))


def _credited(payment: Payment, entry: Entry) -> Heard:
    """A return that comes before the debit waits for it."""
    if (payment.return_statement if entry.is_statement else payment.return_advice) is not None:
        return Heard(payment, "ENTRY_TWICE")
    why = payment.reason or entry.return_reason or _NARRATIVE
    known = payment._replace(returned_on=payment.returned_on or entry.value_on, reason=why)
    is_first = payment.return_statement is None and payment.return_advice is None
    code = "RETURN_NAME_DIFFERS" if is_first and _is_about_name(why) else ""
    if entry.is_statement:
        return Heard(standing(known._replace(return_statement=entry.id)), code)
    return Heard(standing(known._replace(return_advice=entry.id)), code)


def standing(payment: Payment) -> Payment:
    """The state that follows from the entries."""
    is_debited = payment.debit_advice is not None or payment.debit_statement is not None
    is_returned = payment.return_advice is not None or payment.return_statement is not None
    if not is_debited:
        return payment
    if is_returned and payment.debit_again is None:
        return payment._replace(state=S.RETURNED)
    return payment._replace(state=S.SETTLED if payment.debit_statement is None else S.RECONCILED)


def noted(payment: Payment, said: Said) -> Heard:
    """A return told without its money, which comes by an entry: only the reason is new."""
    if said.amount_fen not in {None, payment.net_fen}:
        return Heard(payment, "ANSWER_AMOUNT_DIFFERS")
    if payment.state in {S.REJECTED, S.CANCELLED} or payment.state in UNSENT:
        return Heard(payment, "ENTRY_AFTER_END")
    return Heard(payment if payment.reason not in {"", _NARRATIVE} else payment._replace(reason=said.reason))


def given_up(payment: Payment, why: str) -> Payment:
    """A payment of which nothing is known, and of which it is proven now that it was not made."""
    if payment.state != S.UNKNOWN or payment.returned_on is not None:
        raise ValueError("only a payment of which nothing is known can be given up")
    return payment._replace(state=S.REJECTED, reason=why)
