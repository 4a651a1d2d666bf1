"""What is asked of the treasury and answered by it: protobuf to model and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import Final
from uuid import UUID

from cradle.common.v1 import reason_pb2
from cradle.treasury.v1 import money_pb2, service_pb2
from google.type.date_pb2 import Date

from services.kit.dates import from_proto, month_end, to_proto
from services.kit.errors import Invalid
from services.kit.messages import Reason, reason
from services.kit.reasons import reason_message
from services.treasury.model import (
    Appropriation,
    Balance,
    Budget,
    Listed,
    Moved,
    Movement,
    Order,
    Pot,
    State,
    Wanted,
)
from services.treasury.wire.orders import FUNDS, PROGRAMMES

_STATES: Final = {service_pb2.OrderState.Value(f"ORDER_STATE_{state}"): str(state) for state in State}


# --- what is asked ----------------------------------------------------------------------------------------------------


def appropriation(request: service_pb2.AppropriateBudgetRequest, principal: str, today: date) -> Appropriation:
    content = service_pb2.AppropriateBudgetRequest()
    content.CopyFrom(request)
    content.ClearField("request_id")
    return Appropriation(
        UUID(request.request_id),
        hashlib.sha256(content.SerializeToString(deterministic=True)).digest(),
        pot(request.key),
        request.key.pooling_area,
        request.amount_fen,
        request.document,
        principal,
        day(request.effective_on, "effective_on") if request.HasField("effective_on") else today,
    )


def pot(key: service_pb2.BudgetKey) -> Pot:
    return Pot(FUNDS[key.fund], key.county, PROGRAMMES[key.programme], key.fiscal_year)


def wanted(request: service_pb2.ListOrdersRequest) -> Wanted:
    try:
        case_id = UUID(request.case_id) if request.case_id else None
    except ValueError:
        raise Invalid(reason("FIELD_MALFORMED", "case_id", form="UUID")) from None
    return Wanted(case_id, _STATES.get(request.state, ""), request.county)


def fund(given: money_pb2.Fund.ValueType) -> str:
    return FUNDS.get(given, "")


def day(given: Date, field: str) -> date:
    try:
        return from_proto(given)
    except ValueError:
        raise Invalid(reason("DATE_INVALID", field)) from None


def month(text: str) -> tuple[date, date]:
    """Its first day and its last."""
    year, number = (int(part) for part in text.split("-"))
    try:
        return date(year, number, 1), month_end(year * 12 + number - 1)
    except ValueError:
        raise Invalid(reason("DATE_INVALID", "month")) from None


# --- what is answered -------------------------------------------------------------------------------------------------


def budget(found: Budget) -> service_pb2.Budget:
    fund_name, county, programme, year = found.pot
    return service_pb2.Budget(
        name=f"budgets/{found.id}" if found.id else "",
        key=service_pb2.BudgetKey(
            fund=money_pb2.Fund.Value(f"FUND_{fund_name}"),
            pooling_area=found.pooling_area or "",
            county=county,
            programme=money_pb2.Programme.Value(f"PROGRAMME_{programme}"),
            fiscal_year=year,
        ),
        appropriated_fen=found.appropriated_fen,
        available_fen=found.available_fen,
        reserved_fen=found.reserved_fen,
        committed_fen=found.committed_fen,
        spent_fen=found.spent_fen,
        held_orders=found.waiting_orders,
        held_fen=found.waiting_fen,
        receivable_fen=found.receivable_fen,
        recovered_fen=found.recovered_fen,
    )


def order(found: Order) -> service_pb2.Order:
    message = service_pb2.Order(
        name=f"orders/{found.id}",
        programme=money_pb2.Programme.Value(f"PROGRAMME_{found.key.programme}"),
        case_id=str(found.key.case_id),
        period=found.key.period,
        line=found.key.line,
        revision=found.revision,
        state=service_pb2.OrderState.Value(f"ORDER_STATE_{found.state}"),
        reasons=reasons(reason(code) for code in found.reasons),
        owed_fen=found.owed_fen,
        reserved_fen=found.reserved_fen,
        live_fen=found.live_fen,
        settled_fen=found.settled_fen,
        fund=money_pb2.Fund.Value(f"FUND_{found.fund}"),
        county=found.county,
        payable_on=to_proto(found.payable_on),
        payee=money_pb2.Payee(
            kind=money_pb2.PayeeKind.Value(f"PAYEE_KIND_{found.payee.kind}"), reference=found.payee.reference
        ),
        law_digest=found.law_digest,
    )
    message.update_time.FromDatetime(found.updated_at)
    return message


def refusal(found: Listed) -> service_pb2.Refusal:
    message = service_pb2.Refusal(
        name=f"refusals/{found.id}",
        position=found.position,
        case_id=found.case_id,
        line=found.line,
        revision=found.revision,
        reasons=reasons(found.reasons),
    )
    message.receive_time.FromDatetime(found.received_at)
    return message


def trial_balance(found: Iterable[Balance]) -> service_pb2.TrialBalance:
    """Each account's balance on the side on which it is, and the sums of both sides."""
    accounts = []
    for one in found:
        net = one.debit_fen - one.credit_fen
        accounts.append(service_pb2.AccountBalance(account=one.account, debit_fen=max(net, 0), credit_fen=max(-net, 0)))
    return service_pb2.TrialBalance(
        accounts=accounts,
        debit_fen=sum(one.debit_fen for one in accounts),
        credit_fen=sum(one.credit_fen for one in accounts),
    )


def movement(found: Movement) -> service_pb2.AccountMovement:
    return service_pb2.AccountMovement(
        account=found.account,
        opening_fen=found.opening_fen,
        debit_fen=found.debit_fen,
        credit_fen=found.credit_fen,
        closing_fen=found.opening_fen + found.debit_fen - found.credit_fen,
    )


def transfer(found: Moved) -> service_pb2.Transfer:
    return service_pb2.Transfer(
        number=found.number,
        debit=found.debit,
        credit=found.credit,
        amount_fen=found.amount_fen,
        kind=found.kind,
        order=f"orders/{found.order_id}" if found.order_id else "",
        payment=str(found.payment_id) if found.payment_id else "",
        effective_on=to_proto(found.effective_on),
        booked_on=to_proto(found.booked_on),
    )


def reasons(given: Iterable[Reason]) -> list[reason_pb2.Reason]:
    return [reason_message(one) for one in given]
