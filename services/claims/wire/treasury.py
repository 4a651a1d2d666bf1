"""Writing orders to the treasury, and reading what it tells of them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from cradle.treasury.v1 import money_pb2, order_pb2, payment_pb2
from google.protobuf.message import DecodeError

from services.claims.model import Fund, Heard, Order, Payee, Progress, Recovery
from services.kit.dates import to_proto
from services.kit.ids import read_id
from services.kit.orders import content_hash

ORDERS: Final = "treasury.order.v1"
PAYMENTS: Final = "treasury.payment.v1"

_FUND: Final = {fund: money_pb2.Fund.Value(f"FUND_{fund}") for fund in Fund}
_PAYEE: Final = {payee: money_pb2.PayeeKind.Value(f"PAYEE_KIND_{payee}") for payee in Payee}


def order_event(claim: UUID, order: Order, law_digest: str) -> order_pb2.OrderEvent:
    event = order_pb2.OrderEvent()
    stated = event.stated  # filled where it is: made beside the event, it would be made and then copied
    stated.programme = money_pb2.PROGRAMME_MATERNITY
    stated.case_id = str(claim)
    stated.line = order.line
    stated.revision = order.revision
    stated.owed_fen = order.owed_fen
    stated.fund = _FUND[order.fund]
    stated.county = order.county
    stated.payable_on.CopyFrom(to_proto(order.payable_on))
    stated.payee.kind, stated.payee.reference = _PAYEE[order.payee], order.reference
    stated.law_digest = law_digest
    stated.content_hash = content_hash(stated)
    return event


def heard(value: bytes) -> Heard | None:
    """What an event says of an order of ours. None for another programme's, and for a kind later than this code.

    Raises ValueError for what is no event: the treasury is ours, so that is a bug.
    """
    try:
        event = payment_pb2.PaymentEvent.FromString(value)
    except DecodeError:
        raise ValueError("not an event on a payment") from None
    kind = event.WhichOneof("event")
    if event.programme != money_pb2.PROGRAMME_MATERNITY or kind is None:
        return None
    told = getattr(event, kind)
    of_order = Heard(read_id(event.case_id), event.line, event.version, Progress(kind.upper()))
    match kind:
        case "held" | "refused":
            return of_order._replace(reasons=tuple(told.reasons))
        case "reserved":
            return of_order
        case "recovery":
            back = told.offset_fen + told.repaid_fen
            asked = Recovery(event.version, told.outstanding_fen, back, told.written_off_fen)
            return of_order._replace(recovery_id=told.recovery_id, recovery=asked)
    reasons = (told.reason,) if kind in {"failed", "returned"} and told.reason else ()
    return of_order._replace(payment_id=told.payment_id, amount_fen=told.amount_fen, reasons=reasons)
