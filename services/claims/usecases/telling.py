"""Saying so: receipts to senders, events to everyone, and what the metrics are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from cradle.claims.v1 import event_pb2, receipt_pb2

from services.claims.model import Claim, Order, ReceiptStatus, State
from services.claims.store import Change, Settled
from services.claims.usecases.batch import Terms
from services.claims.wire import out, treasury
from services.kit import telemetry
from services.kit.db import Tx
from services.kit.ids import new_id, read_id
from services.kit.messages import reason
from services.kit.outbox import Event

_RECEIPT: Final = "cradle.claims.v1.ClaimReceipt"
_ORDER: Final = "cradle.treasury.v1.OrderStated"
_OTHER = {ReceiptStatus.RETURNED: "RETURNED", ReceiptStatus.DUPLICATE: "REPEATED"}


def say_so(tx: Tx, settled: Settled, terms: Terms) -> None:
    """A receipt to the sender, and an event to everyone if the claim changed."""
    received, change = settled.received, settled.change
    receipt = out.receipt(
        settled.receipt_id,
        received,
        settled.status,
        settled.reasons,
        settled.claim,
        change.determination if change else None,
    )
    tx.emit(receipt_event(settled.receipt_id, receipt, received.position, terms.now))
    if change is not None:
        reasons = [received.void.reason] if received.void else [reason.code for reason in settled.reasons]
        tell(tx, change, reasons, received.position, terms)


def say_later(tx: Tx, change: Change, cause: str, terms: Terms) -> None:
    """What became of a claim since its submission was answered: to its source, and to everyone."""
    claim = change.claim
    reasons = [reason(code) for code in codes_of(change)]
    receipt = out.later_receipt(claim, reasons, change.determination, terms.now)
    tx.emit(receipt_event(read_id(receipt.receipt_id), receipt, cause, terms.now))
    tell(tx, change, [given.code for given in reasons], cause, terms)


def tell(tx: Tx, change: Change, reasons: Sequence[str], cause: str, terms: Terms) -> None:
    """What became of a claim, to everyone, and what it orders, to the treasury."""
    tx.emit(claim_event(change, reasons, cause, terms))
    for order in change.orders or ():
        tx.emit(order_event(change.claim.id, order, cause, terms))


def codes_of(change: Change) -> tuple[str, ...]:
    if change.claim.state is State.RETURNED:
        return change.returned
    if change.waiting is not None:
        return change.waiting.reasons
    return change.determination.reasons if change.determination else ()


# Events are made by position, in the order of `Event`: three a claim, and by name each would cost three times as much.


def receipt_event(receipt_id: UUID, receipt: receipt_pb2.ClaimReceipt, causation: str, now: datetime) -> Event:
    key = (receipt.claim_number or receipt.receipt_id).encode()
    topic, payload = out.RECEIPT + receipt.source, receipt.SerializeToString()
    return Event(receipt_id, "submission", receipt.receipt_id, 1, _RECEIPT, topic, key, now, causation, payload)


def claim_event(change: Change, reasons: Sequence[str], causation: str, terms: Terms) -> Event:
    event = out.claim_event(change.claim, change.determination, reasons, terms.law.digest, terms.today)
    return event_of(change.claim, event, causation, terms.now)


def event_of(claim: Claim, event: event_pb2.ClaimEvent, causation: str, now: datetime) -> Event:
    subject, kind, payload = str(claim.id), out.event_type(event), event.SerializeToString()
    key = subject.encode()
    return Event(new_id(), "claim", subject, claim.version, kind, out.EVENTS, key, now, causation, payload)


def order_event(claim: UUID, order: Order, causation: str, terms: Terms) -> Event:
    case, payload = str(claim), treasury.order_event(claim, order, terms.law.digest).SerializeToString()
    key, subject = case.encode(), f"{case}/{order.line}"
    return Event(
        new_id(), "order", subject, order.revision, _ORDER, treasury.ORDERS, key, terms.now, causation, payload
    )


def count(batch: Sequence[Settled]) -> None:
    """Tell the metrics what stands now."""
    outcomes = Counter(
        (s.received.source, s.change.claim.state if s.change else _OTHER.get(s.status, s.status)) for s in batch
    )
    for (source, outcome), times in outcomes.items():
        telemetry.CLAIMS.labels(source, outcome).inc(times)
    count_paid([s.change for s in batch if s.change])


def count_paid(changes: Sequence[Change]) -> None:
    paid: Counter[str] = Counter()
    for change in changes:
        if change.determination and (payee := change.determination.figures.payee):
            paid[payee] += change.determination.figures.allowance_fen
    for name, fen in paid.items():
        telemetry.ALLOWANCE_FEN.labels(name).inc(fen)
