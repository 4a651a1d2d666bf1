"""Ordering what is owed: every change of a claim says what it orders, or it cannot be written."""

from __future__ import annotations

from services.claims.model import KEEPS, Claim, Orders, Owed, Payment
from services.claims.rules import paying
from services.claims.store import Change
from services.claims.usecases.batch import Terms


def ordered(change: Change, before: Orders, terms: Terms) -> Change:
    """The change with what it orders, and its claim with how far it is paid.

    While it waits, what was ordered stands.
    """
    claim = change.claim
    if claim.state in KEEPS:
        return change._replace(claim=claim._replace(payment=paying.payment_of(before)), orders=())
    owed: list[Owed] = []
    without: list[str] = []
    if change.facts is not None and change.determination is not None:
        owed, without = paying.owed_by(claim, change.facts, change.determination)
    made = paying.orders(before, owed, claim, terms.today)
    at_first = Payment.PAYABLE if made else None  # spares a new claim the reckoning
    payment = paying.payment_of(paying.with_orders(before, made)) if before else at_first
    return Change(  # made anew, as its claim is: `_replace` costs as much as a rule
        Claim(*claim[:-2], payment, claim.providers),
        change.facts,
        change.determination,
        change.sequence,
        change.holds,
        change.taken,
        change.waiting,
        change.returned,
        made,
        tuple(without),
        change.known_at,
    )
