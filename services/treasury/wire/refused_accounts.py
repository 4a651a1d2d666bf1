"""Orders that wait for another account of their payee, as they are told."""

from __future__ import annotations

from cradle.treasury.v1 import money_pb2, refused_account_pb2

from services.kit.messages import reason
from services.treasury.model.listing import WaitingOrder
from services.treasury.rules.refusing import Now
from services.treasury.wire.answers import reasons


def order(found: WaitingOrder, now: Now) -> refused_account_pb2.WaitingOrder:
    message = refused_account_pb2.WaitingOrder(
        order=f"orders/{found.id}",
        payment=f"payments/{found.payment_id}",
        fund=money_pb2.Fund.Value(f"FUND_{found.fund}"),
        county=found.county,
        payee=money_pb2.Payee(
            kind=money_pb2.PayeeKind.Value(f"PAYEE_KIND_{found.payee.kind}"), reference=found.payee.reference
        ),
        amount_fen=found.amount_fen,
        reasons=reasons(reason(code) for code in found.reasons),
        account_version=found.version,
        account_now=refused_account_pb2.AccountNow.Value(f"ACCOUNT_NOW_{now}"),
    )
    message.since_time.FromDatetime(found.since)
    return message
