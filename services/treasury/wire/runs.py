"""What is asked about runs and answered: protobuf to model and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final
from uuid import UUID

from cradle.treasury.v1 import money_pb2, run_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.dates import to_proto
from services.kit.messages import reason
from services.treasury.model import (
    FIRST_HASH,
    File,
    Mark,
    PaymentState,
    Run,
    RunScope,
    RunState,
)
from services.treasury.model.listing import ListedException, ListedPayment, ListedUnmatched, Sum
from services.treasury.wire.answers import day, fund, reasons
from services.treasury.wire.orders import PROGRAMMES

RUN_STATES: Final = {run_pb2.RunState.Value(f"RUN_STATE_{state}"): str(state) for state in RunState}
PAYMENT_STATES: Final = {run_pb2.PaymentState.Value(f"PAYMENT_STATE_{state}"): str(state) for state in PaymentState}
_START: Final = Mark(0, date.min, 0)


# --- what is asked ----------------------------------------------------------------------------------------------------


def new_run(request: run_pb2.PlanRunRequest, run_id: UUID, planner: str, today: date, now: datetime) -> Run:
    asked = request.scope
    scope = RunScope(
        fund(asked.fund),
        asked.county,
        PROGRAMMES.get(asked.programme, ""),
        day(asked.payable_to, "scope.payable_to") if asked.HasField("payable_to") else today,
        asked.payment_max_fen,
        asked.total_max_fen,
    )
    execute_on = day(request.execute_on, "execute_on") if request.HasField("execute_on") else today
    return Run(
        run_id, RunState.PLANNING, 1, scope, execute_on, _START, 0, 0, FIRST_HASH, 0, 0, planner, now,
        None, None, False, None, None, None, None,
    )  # fmt: skip


# --- what is answered -------------------------------------------------------------------------------------------------


def run(found: Run) -> run_pb2.Run:
    scope = run_pb2.RunScope(
        fund=_fund(found.scope.fund),
        county=found.scope.county,
        programme=_programme(found.scope.programme),
        payable_to=to_proto(found.scope.payable_to),
        payment_max_fen=found.scope.payment_max_fen,
        total_max_fen=found.scope.total_max_fen,
    )
    message = run_pb2.Run(
        name=f"runs/{found.id}",
        state=run_pb2.RunState.Value(f"RUN_STATE_{found.state}"),
        etag=str(found.number),
        scope=scope,
        execute_on=to_proto(found.execute_on),
        plan_hash=found.plan_hash.hex(),
        planned_count=found.planned_count,
        planned_fen=found.planned_fen,
        exceptions=found.exceptions,
        dropped=found.dropped,
        is_ready=found.is_ready,
        planned_by=found.planned_by,
        approved_by=found.approved_by or "",
        sent_by=found.sent_by or "",
        closed_by=found.closed_by or "",
    )
    _stamp(message.plan_time, found.planned_at)
    if found.approved_at:
        _stamp(message.approve_time, found.approved_at)
    if found.sent_at:
        _stamp(message.send_time, found.sent_at)
    if found.closed_at:
        _stamp(message.close_time, found.closed_at)
    return message


def whole_run(found: Run, sums: Iterable[Sum], files: Iterable[File]) -> run_pb2.Run:
    message = run(found)
    message.sums.extend(
        run_pb2.RunSum(
            fund=_fund(one.fund),
            county=one.county,
            state=run_pb2.PaymentState.Value(f"PAYMENT_STATE_{one.state}"),
            count=one.payments,
            amount_fen=one.amount_fen,
        )
        for one in sums
    )
    message.files.extend(map(_file, files))
    return message


def foreseen_run(found: Run, sums: Iterable[Sum]) -> run_pb2.Run:
    """It is nowhere: nothing can be said of it by name, and nobody can approve it."""
    message = whole_run(found, sums, ())
    for field in ("name", "etag", "plan_hash"):
        message.ClearField(field)
    return message


def _file(found: File) -> run_pb2.BankFile:
    message = run_pb2.BankFile(
        name=found.name,
        account=found.paying.code,
        count=found.payments,
        total_fen=found.total_fen,
        sha256=found.sha256.hex() if found.sha256 else "",
        size_bytes=found.size_bytes or 0,
        handover=found.handover or "",
    )
    if found.intent_at:
        _stamp(message.intent_time, found.intent_at)
    return message


def payment(listed: ListedPayment) -> run_pb2.Payment:
    found = listed.payment
    message = run_pb2.Payment(
        name=f"payments/{found.id}",
        run=f"runs/{found.run_id}",
        order=f"orders/{found.order_id}",
        end_to_end_id=found.end_to_end_id,
        state=run_pb2.PaymentState.Value(f"PAYMENT_STATE_{found.state}"),
        amount_fen=found.amount_fen,
        fund=_fund(found.fund),
        county=found.county,
        payee=money_pb2.Payee(
            kind=money_pb2.PayeeKind.Value(f"PAYEE_KIND_{found.payee.kind}"), reference=found.payee.reference
        ),
        payee_version=found.payee_version,
        reissue_of=f"payments/{found.reissue_of}" if found.reissue_of else "",
        reason=found.reason,
        proposed_by=listed.proposed_by,
        offset_fen=found.offset_fen,
    )
    if found.debited_on:
        message.debit_date.CopyFrom(to_proto(found.debited_on))
    if found.returned_on:
        message.return_date.CopyFrom(to_proto(found.returned_on))
    _stamp(message.update_time, listed.updated_at)
    return message


def exception(found: ListedException) -> run_pb2.PlanException:
    return run_pb2.PlanException(
        order=f"orders/{found.order_id}",
        amount_fen=found.amount_fen,
        county=found.county,
        reasons=reasons(reason(code) for code in found.reasons),
    )


def unmatched(found: ListedUnmatched) -> run_pb2.Unmatched:
    message = run_pb2.Unmatched(
        name=f"unmatched/{found.id}",
        file_name=found.file_name,
        source=found.source,
        end_to_end_id=found.end_to_end_id,
        payment=f"payments/{found.payment_id}" if found.payment_id else "",
        amount_fen=found.amount_fen,
        is_credit=found.is_credit,
        reasons=reasons(found.reasons),
    )
    if found.value_on:
        message.value_date.CopyFrom(to_proto(found.value_on))
    _stamp(message.receive_time, found.received_at)
    return message


def _fund(name: str) -> money_pb2.Fund.ValueType:
    return money_pb2.Fund.Value(f"FUND_{name}") if name else money_pb2.FUND_UNSPECIFIED


def _programme(name: str) -> money_pb2.Programme.ValueType:
    return money_pb2.Programme.Value(f"PROGRAMME_{name}") if name else money_pb2.PROGRAMME_UNSPECIFIED


def _stamp(message: Timestamp, instant: datetime) -> None:
    message.FromDatetime(instant)
