"""Reading the order topic: bytes to what was stated, or to the reasons why it cannot be taken. Nothing raises."""

from __future__ import annotations

import hashlib
from typing import Final

from cradle.treasury.v1 import money_pb2, order_pb2
from google.protobuf.message import DecodeError
from protovalidate import Validator

from services.kit.dates import from_ms, from_proto
from services.kit.ids import read_id
from services.kit.messages import Reason, few, reason
from services.kit.parking import Message
from services.kit.shape import shape_problems
from services.treasury.model import Fund, OrderKey, Payee, PayeeKind, Pot, Programme, Stated, Unfit

ORDERS: Final = "treasury.order.v1"
_VALIDATOR: Final = Validator()
_KEY: Final = frozenset({"stated.programme", "stated.case_id", "stated.period", "stated.line"})
FUNDS: Final = {money_pb2.Fund.Value(f"FUND_{fund}"): fund for fund in Fund}
PROGRAMMES: Final = {money_pb2.Programme.Value(f"PROGRAMME_{programme}"): programme for programme in Programme}
PAYEE_KINDS: Final = {money_pb2.PayeeKind.Value(f"PAYEE_KIND_{kind}"): kind for kind in PayeeKind}


def read(message: Message, bytes_max: int) -> Stated | Unfit:
    value = message.value
    if not value:
        return _unreadable(message, reason("MESSAGE_EMPTY"))
    if len(value) > bytes_max:
        return _unreadable(message, reason("MESSAGE_TOO_LARGE", size=len(value), limit=bytes_max))
    try:
        event = order_pb2.OrderEvent.FromString(value)
    except DecodeError:
        return _unreadable(message, reason("ORDER_UNREADABLE"))
    if problems := shape_problems(_VALIDATOR, event):
        return _unfit(message, event.stated, problems)
    try:
        return _stated(message, event.stated)
    except ValueError:
        return _unfit(message, event.stated, [reason("DATE_INVALID", "stated.payable_on")])


def content_hash(stated: order_pb2.OrderStated) -> bytes:
    """What `content_hash` of an order must be."""
    content = order_pb2.OrderStated()
    content.CopyFrom(stated)
    content.ClearField("content_hash")
    return hashlib.sha256(content.SerializeToString(deterministic=True)).digest()


def _stated(message: Message, stated: order_pb2.OrderStated) -> Stated | Unfit:
    given = stated.content_hash
    stated.ClearField("content_hash")  # the message is ours alone, so it need not be copied
    if hashlib.sha256(stated.SerializeToString(deterministic=True)).digest() != given:
        return _unfit(message, stated, [reason("ORDER_HASH_WRONG", "stated.content_hash")])
    key, payable_on, fund = _key(stated), from_proto(stated.payable_on), FUNDS[stated.fund]
    return Stated(
        key,
        stated.revision,
        stated.owed_fen,
        fund,
        stated.county,
        payable_on,
        Payee(PAYEE_KINDS[stated.payee.kind], stated.payee.reference),
        stated.law_digest,
        given,
        message.position,
        from_ms(message.timestamp_ms),
        message.value,
        Pot(fund, stated.county, key.programme, payable_on.year),
    )


def _key(stated: order_pb2.OrderStated) -> OrderKey:
    return OrderKey(read_id(stated.case_id), stated.line, stated.period, PROGRAMMES[stated.programme])


def _unreadable(message: Message, why: Reason) -> Unfit:
    return Unfit(None, "", 0, (why,), message.position, from_ms(message.timestamp_ms), message.value)


def _unfit(message: Message, stated: order_pb2.OrderStated, problems: list[Reason]) -> Unfit:
    """What of a wrong record may be said again: each part only if it is right itself."""
    wrong = {one.field for one in problems}
    is_named = not wrong & _KEY and "stated" not in wrong and stated.case_id
    return Unfit(
        _key(stated) if is_named else None,
        stated.county if is_named and "stated.county" not in wrong else "",
        stated.revision if is_named and "stated.revision" not in wrong else 0,
        tuple(few(problems)),
        message.position,
        from_ms(message.timestamp_ms),
        message.value,
    )
