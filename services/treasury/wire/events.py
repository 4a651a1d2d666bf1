"""What is told of orders on `treasury.payment.v1`: that they are held, refused, or reserved after they were held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from cradle.treasury.v1 import money_pb2, payment_pb2

from services.kit.dates import to_proto
from services.kit.ids import new_id
from services.kit.outbox import Event
from services.treasury.model import Order, OrderKey, Payment, Refusal
from services.treasury.model.recoveries import Recovery
from services.treasury.rules import Settled
from services.treasury.rules.paying import Kind, Step

PAYMENTS: Final = "treasury.payment.v1"


def of_settled(settled: Settled, now: datetime, cause: str) -> Iterator[Event]:
    """An order that is simply reserved tells nothing: that is what everybody expects of it."""
    order = settled.after
    if settled.is_held_anew:
        held = payment_pb2.OrderHeld(reasons=list(order.reasons))
        message = _about(order.key, order.version, order.revision)
        message.held.CopyFrom(held)
        yield _event(order.key, message, "OrderHeld", now, cause)
    elif settled.is_freed:
        message = _about(order.key, order.version, order.revision)
        message.reserved.amount_fen = order.reserved_fen
        yield _event(order.key, message, "OrderReserved", now, cause)


def of_refusal(refusal: Refusal, now: datetime) -> Iterator[Event]:
    """To whom it concerns; a record that names no order can be told to nobody, and stands in the queue of refusals."""
    unfit = refusal.unfit
    if unfit.key is None:
        return
    message = _about(unfit.key, refusal.version, refusal.held_revision)
    message.refused.reasons.extend(one.code for one in unfit.reasons)
    yield _event(unfit.key, message, "OrderRefused", now, unfit.position)


def of_step(step: Step, order: Order, now: datetime) -> Event:
    """What became of a payment; `order` is as it is after it, its version that of this event."""
    payment, key = step.payment, order.key
    message = _about(key, order.version, order.revision)
    named: dict[str, Any] = {"payment_id": str(payment.id), "amount_fen": payment.amount_fen}
    match step.kind:
        case Kind.SPEND | Kind.REVIVE:
            name = "PaymentSettled"
            day = to_proto(step.effective_on)
            told = payment_pb2.PaymentSettled(**named, value_date=day, offset_fen=payment.offset_fen)
            message.settled.CopyFrom(told)
        case Kind.RETURN:
            name = "PaymentReturned"
            day = to_proto(step.effective_on)
            message.returned.CopyFrom(payment_pb2.PaymentReturned(**named, reason=payment.reason, value_date=day))
        case _:
            name = "PaymentFailed"
            message.failed.CopyFrom(payment_pb2.PaymentFailed(**named, reason=payment.reason))
    return _event(key, message, name, now, _cause(payment))


def of_sent(payment: Payment, order: Order, now: datetime) -> Event:
    message = _about(order.key, order.version, order.revision)
    message.sent.payment_id, message.sent.amount_fen = str(payment.id), payment.amount_fen
    message.sent.offset_fen = payment.offset_fen
    return _event(order.key, message, "PaymentSent", now, _cause(payment))


def of_recovery(recovery: Recovery, order: Order, now: datetime) -> Event:
    """How far what is asked back has come; `order` has the version of this event."""
    message = _about(order.key, order.version, order.revision)
    message.recovery.CopyFrom(
        payment_pb2.RecoveryOpened(
            recovery_id=str(recovery.id),
            amount_fen=recovery.amount_fen,
            state=recovery.state,
            outstanding_fen=recovery.outstanding_fen,
            offset_fen=recovery.offset_fen,
            repaid_fen=recovery.repaid_fen,
            written_off_fen=recovery.written_off_fen,
            reason=recovery.reason,
        )
    )
    return _event(order.key, message, "RecoveryOpened", now, f"recoveries/{recovery.id}")


def _cause(payment: Payment) -> str:
    return f"payments/{payment.id}"


def _about(key: OrderKey, version: int, revision: int) -> payment_pb2.PaymentEvent:
    return payment_pb2.PaymentEvent(
        programme=money_pb2.Programme.Value(f"PROGRAMME_{key.programme}"),
        case_id=str(key.case_id),
        period=key.period,
        line=key.line,
        version=version,
        revision=revision,
    )


def _event(key: OrderKey, message: payment_pb2.PaymentEvent, kind: str, now: datetime, cause: str) -> Event:
    return Event(
        id=new_id(),
        aggregate_type="order",
        aggregate_id="/".join(filter(None, (key.programme, str(key.case_id), key.period, key.line))),
        version=message.version,
        type=f"cradle.treasury.v1.{kind}",
        topic=PAYMENTS,
        key=message.case_id.encode(),
        occurred_at=now,
        causation=cause,
        payload=message.SerializeToString(),
    )
