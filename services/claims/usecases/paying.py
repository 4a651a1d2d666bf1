"""Hearing from the treasury what became of orders: claims move on, and what it refused is asked of a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.claims import store
from services.claims.model import Claim, Heard, Ordered, Orders, Progress
from services.claims.model.review import ORDER_REFUSED
from services.claims.rules import paying
from services.claims.store import reviews
from services.claims.usecases import queueing
from services.claims.usecases.batch import Terms
from services.claims.usecases.office import Office
from services.claims.usecases.telling import event_of, receipt_event
from services.claims.wire import out, treasury
from services.kit.db import Tx
from services.kit.ids import read_id
from services.kit.parking import Message

Told = tuple[Heard, str]  # an event, and its place


def read(messages: Iterable[Message]) -> list[Told]:
    return [(heard, message.position) for message in messages if (heard := treasury.heard(message.value))]


async def hear_payments(office: Office, tx: Tx, told: Sequence[Told]) -> None:
    """Take in what the treasury tells, under the claims' locks. An event again, or an older one, changes nothing."""
    if not told:
        return
    claims = await store.lock_claims(tx, {heard.claim for heard, _ in told})
    before = await store.load_orders(tx, list(claims))
    after = {claim_id: dict(orders) for claim_id, orders in before.items()}
    cause: dict[UUID, str] = {}
    for heard, place in told:
        known = after.get(heard.claim, {}).get(heard.line)
        if known is None:
            raise ValueError("an event on an order that was never made")
        now = paying.with_heard(known, heard)
        if now != known:
            after[heard.claim][heard.line], cause[heard.claim] = now, place
    if not cause:
        return
    terms = office.terms()
    await store.save_told(tx, [(one, o) for one in cause for o in _changed(before[one], after[one])])
    moved = [_moved(claims[one], after[one], terms) for one in cause if _shown(before[one]) != _shown(after[one])]
    await store.save_payment(tx, moved)
    refused = [claim for claim in moved if _is_refused(before[claim.id], after[claim.id])]
    await reviews.open_reviews(tx, [queueing.ask_decided(claim, ORDER_REFUSED, terms) for claim in refused])
    for claim in moved:
        _say_so(tx, claim, after[claim.id], cause[claim.id], terms)


def _changed(before: Orders, after: Orders) -> list[Ordered]:
    return [one for line, one in sorted(after.items()) if one != before[line]]


def _shown(orders: Orders) -> object:
    """What a claim shows of its payment, and each refusal: if nothing of this changes, nobody is told."""
    return {
        line: (paying.sums(one), paying.asked_back(one), paying.reasons_of(one), _refusal(one))
        for line, one in orders.items()
    }


def _refusal(known: Ordered) -> int:
    return known.told_version if known.told is Progress.REFUSED else 0


def _is_refused(before: Orders, after: Orders) -> bool:
    return any(_refusal(one) > _refusal(before[line]) for line, one in after.items())


def _moved(claim: Claim, orders: Orders, terms: Terms) -> Claim:
    return claim._replace(version=claim.version + 1, payment=paying.payment_of(orders), updated_at=terms.now)


def _say_so(tx: Tx, claim: Claim, orders: Orders, cause: str, terms: Terms) -> None:
    receipt, event = out.payment_receipt(claim, orders, terms.now), out.payment_event(claim, orders)
    tx.emit(receipt_event(read_id(receipt.receipt_id), receipt, cause, terms.now))
    tx.emit(event_of(claim, event, cause, terms.now))
