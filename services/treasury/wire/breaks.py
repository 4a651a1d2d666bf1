"""What is asked about breaks and days, and answered: protobuf to model and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from cradle.treasury.v1 import reconciliation_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.dates import to_proto
from services.kit.errors import Invalid
from services.kit.messages import reason
from services.kit.naming import id_named, number_named
from services.treasury.model.breaks import (
    Awaited,
    Break,
    BreakKind,
    BreakStep,
    Proposal,
    ReconciledDay,
    Way,
    Why,
)
from services.treasury.wire.answers import day, reasons

KINDS: Final[Mapping[int, str]] = {pb.BreakKind.Value(f"BREAK_KIND_{one}"): str(one) for one in BreakKind}
_WAYS: Final[Mapping[int, Way]] = {pb.BreakWay.Value(f"BREAK_WAY_{one}"): one for one in Way}
_WHYS: Final[Mapping[int, Why]] = {pb.BreakReason.Value(f"BREAK_REASON_{one}"): one for one in Why}
_AWAITS: Final[Mapping[int, Awaited]] = {pb.BreakAwaits.Value(f"BREAK_AWAITS_{one}"): one for one in Awaited}
_DAYS_MAX: Final = 92


def proposal(request: pb.ExplainBreakRequest) -> Proposal:
    first = number_named(request.name, "breaks")
    others = tuple(number_named(one, "breaks", f"others[{place}]") for place, one in enumerate(request.others))
    if first in others or len(set(others)) < len(others):
        raise Invalid(reason("BREAK_TWICE", "others"))
    way = _WAYS[request.way]
    if request.payment and way != Way.MATCHED:
        raise Invalid(reason("BREAK_PAYMENT_WITH_MATCHED", "payment"))
    paid = id_named(request.payment, "payments", "payment") if request.payment else None
    return Proposal(way, _WHYS[request.reason] if request.reason else "", request.note, others, paid)


def awaited(request: pb.AwaitBreakRequest) -> Awaited:
    return _AWAITS[request.awaits]


def days_asked(request: pb.ListReconciledDaysRequest) -> tuple[date, date]:
    first, last = day(request.first, "first"), day(request.last, "last")
    if not 0 <= (last - first).days <= _DAYS_MAX:
        raise Invalid(reason("BREAK_DAYS_TOO_MANY", "last", days=_DAYS_MAX))
    return first, last


def told(found: Break, history: Sequence[BreakStep] = ()) -> pb.Break:
    message = pb.Break(
        name=f"breaks/{found.id}",
        etag=str(found.number),
        kind=pb.BreakKind.Value(f"BREAK_KIND_{found.kind}"),
        source=found.source,
        file_name=found.file_name,
        end_to_end_id=found.end_to_end_id,
        payment=f"payments/{found.payment_id}" if found.payment_id else "",
        order=f"orders/{found.order_id}" if found.order_id is not None else "",
        account=found.account,
        amount_fen=found.amount_fen,
        is_credit=found.is_credit,
        effect_fen=found.effect_fen,
        reasons=reasons(found.reasons),
        is_open=found.is_open,
        way=pb.BreakWay.Value(f"BREAK_WAY_{found.way}") if found.way else pb.BREAK_WAY_UNSPECIFIED,
        reason=pb.BreakReason.Value(f"BREAK_REASON_{found.why}") if found.why else pb.BREAK_REASON_UNSPECIFIED,
        note=found.note,
        ends_with=[f"breaks/{one}" for one in found.ends_with],
        ends_payment=f"payments/{found.ends_payment}" if found.ends_payment else "",
        proposed_by=found.proposed_by or "",
        ended_by=found.ended_by or "",
        history=[_step(one) for one in history],
    )
    if found.value_on:
        message.value_date.CopyFrom(to_proto(found.value_on))
    _stamp(message.receive_time, found.received_at)
    _stamp(message.propose_time, found.proposed_at)
    _stamp(message.end_time, found.ended_at)
    return message


def _step(found: BreakStep) -> pb.BreakStep:
    message = pb.BreakStep(step=found.step, way=found.way, reason=found.why, note=found.note, actor=found.actor)
    _stamp(message.time, found.at)
    return message


def reconciled_day(found: ReconciledDay) -> pb.ReconciledDay:
    return pb.ReconciledDay(
        account=found.account,
        day=to_proto(found.day),
        is_covered=found.is_covered,
        opening_fen=found.opening_fen or 0,
        closing_fen=found.closing_fen or 0,
        statement_fen=found.statement_fen,
        ledger_fen=found.ledger_fen,
        explained_fen=found.explained_fen,
        open_fen=found.open_fen,
        open_breaks=found.open_breaks,
        difference_fen=found.difference_fen,
    )


def _stamp(message: Timestamp, instant: datetime | None) -> None:
    if instant:
        message.FromDatetime(instant)
