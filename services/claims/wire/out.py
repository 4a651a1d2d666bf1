"""Writing what leaves: receipts, events, and the resources the API answers with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from cradle.claims.v1 import claim_pb2, event_pb2, intake_pb2, receipt_pb2
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from services.claims.model import (
    Claim,
    ClaimKind,
    Determination,
    LineKind,
    Ordered,
    Orders,
    Payee,
    Payment,
    ReceiptStatus,
    Received,
    State,
    StepView,
    VoidReason,
)
from services.claims.rules import paying
from services.kit.dates import stamp, to_proto
from services.kit.ids import stable_id
from services.kit.messages import Reason, reason
from services.kit.reasons import reason_message

RECEIPT: Final = "claims.receipt.v1."
EVENTS: Final = "claims.claim.v1"

_STATE: Final = {state: claim_pb2.ClaimState.Value(f"CLAIM_STATE_{state}") for state in State}
_LINE: Final = {kind: claim_pb2.LineKind.Value(f"LINE_KIND_{kind}") for kind in LineKind}
_PAYEE: Final = {payee: claim_pb2.Payee.Value(f"PAYEE_{payee}") for payee in Payee}
_KIND: Final = {kind: claim_pb2.ClaimKind.Value(f"CLAIM_KIND_{kind}") for kind in ClaimKind}
_PAYMENT: Final[dict[Payment | None, claim_pb2.PaymentState.ValueType]] = {
    None: claim_pb2.PAYMENT_STATE_UNSPECIFIED,
    **{payment: claim_pb2.PaymentState.Value(f"PAYMENT_STATE_{payment}") for payment in Payment},
}
_VOID: Final = {str(why): intake_pb2.VoidReason.Value(f"VOID_REASON_{why}") for why in VoidReason}
_STATUS: Final = {status: receipt_pb2.ReceiptStatus.Value(f"RECEIPT_STATUS_{status}") for status in ReceiptStatus}


def state_from_proto(state: claim_pb2.ClaimState.ValueType) -> State:
    return State(claim_pb2.ClaimState.Name(state).removeprefix("CLAIM_STATE_"))


def payment_from_proto(payment: claim_pb2.PaymentState.ValueType) -> Payment:
    return Payment(claim_pb2.PaymentState.Name(payment).removeprefix("PAYMENT_STATE_"))


def receipt_id(received: Received) -> UUID:
    """The same record gives the same receipt, however often it is read."""
    return stable_id(received.position.encode(), received.content_hash)


def receipt(  # noqa: PLR0917  # what became of a record, and the id it was given
    given_id: UUID,
    received: Received,
    status: ReceiptStatus,
    reasons: Sequence[Reason],
    claim: Claim | None,
    determination: Determination | None,
) -> receipt_pb2.ClaimReceipt:
    # Filled field by field, and a message inside another where it is: keyword arguments cost twice as much, and what is
    # made beside its message is made and then copied.
    message = receipt_pb2.ClaimReceipt()
    message.receipt_id = str(given_id)
    message.source = received.source
    message.claim_number = received.claim_number
    message.revision = received.revision
    message.status = _STATUS[status]
    message.content_hash = received.content_hash
    if reasons:
        message.reasons.extend([reason_message(given) for given in reasons])
    position = message.position
    position.topic, position.partition, position.offset = received.topic, received.partition, received.offset
    stamp(message.receive_time, received.received_at)
    if claim is not None:
        message.claim = f"claims/{claim.id}"
        message.outcome = _STATE[claim.state]
        message.payment = _PAYMENT[claim.payment]
    if determination is not None:
        _fill(message, determination)
    return message


def _fill(message: receipt_pb2.ClaimReceipt, determination: Determination) -> None:
    figures = determination.figures
    if figures.payee is not None:
        message.allowance_fen = figures.allowance_fen
        message.payee = _PAYEE[figures.payee]
    if figures.medical_fen:
        message.medical_fen = figures.medical_fen
    _fill_lines(message.lines, determination)


def later_receipt(
    claim: Claim, reasons: Sequence[Reason], determination: Determination | None, now: datetime
) -> receipt_pb2.ClaimReceipt:
    """A receipt that answers no record: what became of a claim since. Its id is that of the claim and its version."""
    status = {
        State.PENDED: ReceiptStatus.PENDED,
        State.RETURNED: ReceiptStatus.RETURNED,
        State.WITHDRAWN: ReceiptStatus.RETURNED,
    }
    message = receipt_pb2.ClaimReceipt(
        receipt_id=str(stable_id(claim.id.bytes, str(claim.version).encode())),
        source=claim.source,
        claim_number=claim.number,
        revision=claim.revision,
        status=_STATUS[status.get(claim.state, ReceiptStatus.DETERMINED)],
        reasons=[reason_message(given) for given in reasons],
        claim=f"claims/{claim.id}",
        content_hash=claim.content_hashes[-1],
        outcome=_STATE[claim.state],
        payment=_PAYMENT[claim.payment],
    )
    message.receive_time.FromDatetime(now)
    if determination is not None:
        _fill(message, determination)
    return message


def payment_receipt(claim: Claim, orders: Orders, now: datetime) -> receipt_pb2.ClaimReceipt:
    """A receipt that answers no record: how far a claim is paid now."""
    message = later_receipt(claim, (), None, now)
    message.status = receipt_pb2.RECEIPT_STATUS_PAYMENT
    message.orders.extend(orders_to_proto(orders))
    return message


def payment_event(claim: Claim, orders: Orders) -> event_pb2.ClaimEvent:
    """How far a claim is paid now; what was determined stands."""
    sums = [paying.sums(one) for one in orders.values()]
    return event_pb2.ClaimEvent(
        claim_id=str(claim.id),
        version=claim.version,
        source=claim.source,
        county=claim.county,
        event_date=to_proto(claim.event_date),
        payment=_PAYMENT[claim.payment],
        payment_changed=event_pb2.ClaimPaymentChanged(
            revision=claim.revision,
            kind=_KIND[claim.kind],
            owed_fen=sum(one.owed_fen for one in sums),
            settled_fen=sum(one.settled_fen for one in sums),
            recovering_fen=sum(paying.asked_back(one).outstanding_fen for one in orders.values()),
            reasons=dict.fromkeys(code for one in orders.values() for code in paying.reasons_of(one)),
        ),
    )


def orders_to_proto(orders: Orders) -> list[claim_pb2.ClaimOrder]:
    return [_order_to_proto(known) for _, known in sorted(orders.items())]


def _order_to_proto(known: Ordered) -> claim_pb2.ClaimOrder:
    owed_fen, live_fen, settled_fen = paying.sums(known)
    recovering_fen, recovered_fen, written_off_fen = paying.asked_back(known)
    return claim_pb2.ClaimOrder(
        line=known.order.line,
        revision=known.order.revision,
        owed_fen=owed_fen,
        payee=_PAYEE[known.order.payee],
        payment=_PAYMENT[paying.payment_of_line(known)],
        live_fen=live_fen,
        settled_fen=settled_fen,
        reasons=paying.reasons_of(known),
        recovering_fen=recovering_fen,
        recovered_fen=recovered_fen,
        written_off_fen=written_off_fen,
    )


def claim_event(
    claim: Claim, determination: Determination | None, reasons: Sequence[str], law_digest: str, decided: date
) -> event_pb2.ClaimEvent:
    event = event_pb2.ClaimEvent()
    event.claim_id = str(claim.id)
    event.version = claim.version
    event.source = claim.source
    event.county = claim.county
    event.event_date.CopyFrom(to_proto(claim.event_date))
    event.payment = _PAYMENT[claim.payment]
    match claim.state:
        case State.VOIDED:
            voided = event_pb2.ClaimVoided(revision=claim.revision, kind=_KIND[claim.kind], reason=_VOID[reasons[0]])
            event.voided.CopyFrom(voided)
        case State.REVERSED:
            event.reversed.CopyFrom(
                event_pb2.ClaimReversed(revision=claim.revision, kind=_KIND[claim.kind], reason=_VOID[reasons[0]])
            )
        case State.RETURNED:
            event.returned.CopyFrom(
                event_pb2.ClaimReturned(revision=claim.revision, kind=_KIND[claim.kind], reasons=reasons)
            )
        case State.WITHDRAWN:
            event.withdrawn.CopyFrom(event_pb2.ClaimWithdrawn(revision=claim.revision, kind=_KIND[claim.kind]))
        case _ if claim.state is State.PENDED or determination is None:
            event.pended.CopyFrom(
                event_pb2.ClaimPended(revision=claim.revision, kind=_KIND[claim.kind], reasons=reasons)
            )
        case _:
            _fill_determined(event.determined, claim, determination, reasons, law_digest)
            event.determined.decision_date.CopyFrom(to_proto(decided))
    return event


def event_type(event: event_pb2.ClaimEvent) -> str:
    """The type of an event, as its header names it."""
    kind = event.WhichOneof("event") or ""
    return f"cradle.claims.v1.Claim{kind.title().replace('_', '')}"


def _fill_determined(
    message: event_pb2.ClaimDetermined,
    claim: Claim,
    determination: Determination,
    reasons: Sequence[str],
    law_digest: str,
) -> None:
    figures = determination.figures
    message.revision = claim.revision
    message.kind = _KIND[claim.kind]
    message.outcome = _STATE[claim.state]
    message.law_digest = law_digest
    message.medical_fen, message.catastrophic_fen = figures.medical_fen, figures.catastrophic_fen
    message.allowance_fen = figures.allowance_fen
    if figures.payee:
        message.payee = _PAYEE[figures.payee]
        message.fund_days = figures.fund_days
    if reasons:
        message.reasons.extend(reasons)
    for line in determination.lines:
        told = message.lines.add()
        told.kind, told.number = _LINE[line.kind], line.number
        told.outcome, told.amount_fen = _STATE[line.outcome], line.amount_fen
        if line.payee:
            told.payee = _PAYEE[line.payee]
        if line.reasons:
            told.reasons.extend(line.reasons)


def determination_to_proto(
    determination: Determination, decided: date, law_digest: str, claim: Claim | None = None, revision: int = 0
) -> claim_pb2.Determination:
    """A determination as the API answers with it; without a claim, as of a calculation."""
    figures = determination.figures
    message = claim_pb2.Determination(
        name=f"claims/{claim.id}/determinations/{revision}" if claim else "",
        revision=revision,
        outcome=_STATE[determination.outcome],
        reasons=[reason_message(reason(code)) for code in determination.reasons],
        decision_date=to_proto(decided),
        leave_days=figures.leave_days,
        father_leave_days=figures.father_leave_days,
        fund_days=figures.fund_days,
        allowance_fen=figures.allowance_fen,
        medical_fen=figures.medical_fen,
        catastrophic_fen=figures.catastrophic_fen,
        employer_topup_fen=figures.employer_topup_fen,
        employer_leave_fen=figures.employer_leave_fen,
        employer_liability_fen=figures.employer_liability_fen,
        continuous_months=figures.continuous_months,
        law_digest=law_digest,
        placeholders=placeholders(determination),
    )
    _fill_lines(message.lines, determination)
    if figures.leave_end:
        message.leave_end.CopyFrom(to_proto(figures.leave_end))
    if figures.payee:
        message.payee = _PAYEE[figures.payee]
    return message


def _fill_lines(lines: RepeatedCompositeFieldContainer[claim_pb2.ClaimLine], determination: Determination) -> None:
    for line in determination.lines:
        told = lines.add()
        told.kind, told.number = _LINE[line.kind], line.number
        told.outcome, told.amount_fen = _STATE[line.outcome], line.amount_fen
        if line.payee:
            told.payee = _PAYEE[line.payee]
        if line.reasons:
            told.reasons.extend([reason_message(reason(code)) for code in line.reasons])


def placeholders(determination: Determination) -> list[str]:
    """The parameters a result rests on that the authority has yet to set, by name."""
    steps = map(StepView.of, determination.steps())
    return sorted({step.parameter for step in steps if step.status == "placeholder"})


def claim_to_proto(claim: Claim) -> claim_pb2.Claim:
    message = claim_pb2.Claim(
        name=f"claims/{claim.id}",
        source=claim.source,
        claim_number=claim.number,
        revision=claim.revision,
        kind=_KIND[claim.kind],
        state=_STATE[claim.state],
        county=claim.county,
        event_date=to_proto(claim.event_date),
        person=str(claim.person) if claim.person else "",
        payment=_PAYMENT[claim.payment],
    )
    message.receive_time.FromDatetime(claim.received_at)
    message.update_time.FromDatetime(claim.updated_at)
    return message
