"""What is asked back, over gRPC and the command line of the running system: two persons, the worker, the bank role."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from cradle.treasury.v1 import money_pb2, recovery_pb2, run_pb2, service_pb2
from cradle.treasury.v1.recovery_pb2_grpc import RecoveryServiceStub
from cradle.treasury.v1.service_pb2_grpc import TreasuryServiceStub
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.cli.failures import Exit
from services.cli.main import app
from services.treasury.wire import orders
from tests.kit.live import eventually, rows, send
from tests.treasury.cashier import moved, statement
from tests.treasury.counter import AREA, case, order
from tests.treasury.test_run_service import Person, a_payee, approval, database, fresh, order_of, uploaded

pytestmark = pytest.mark.integration
COUNTY = "610324"
Desk = Callable[..., Result]


@pytest.fixture
def desk(stack: Stack) -> Desk:
    def run(person: str, *arguments: object) -> Result:
        token = stack.authority.token(person, {"cradle_role": "operator"})
        env = {**stack.environment, "LANG": "C", "CRADLE_TOKEN": token}
        return CliRunner(env=env).invoke(app, ["treasury", *map(str, arguments)])

    return run


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def codes(result: Result) -> str:
    assert result.exit_code == Exit.USAGE, result.output
    return result.output


def test_what_was_paid_too_much_is_asked_back_by_two_persons(stack: Stack, desk: Desk) -> None:
    reader = Person(stack, "zhao", "county-treasury", (COUNTY,))
    stranger = Person(stack, "sun", "county-treasury", ("610399",))
    debt, held = case(), case()
    asyncio.run(paid_and_lowered(stack, debt, held))

    listed = reader.call("ListRecoveries", recovery_pb2.ListRecoveriesRequest(), RecoveryServiceStub).recoveries
    name = next(one.name for one in listed if one.outstanding_fen == 300)
    asked = recovery_pb2.GetRecoveryRequest(name=name)
    assert refused(stranger, "GetRecovery", asked) == "NOT_FOUND"
    notified = recovery_pb2.NotifyRecoveryRequest(
        name=name, etag="1", article="x", reason="REDETERMINED", request_id=fresh()
    )
    assert refused(reader, "NotifyRecovery", notified) == "AUTH_PERMISSION_MISSING"

    told = (
        "recover",
        "notify",
        name,
        "--article",
        "社会保险基金监督管理办法",
        "--reason",
        "CASE_VOIDED",
        "--request-id",
    )
    request = fresh()
    foreseen = data(desk("li", *told, request, "--dry-run", "--output", "json"))
    assert (foreseen["state"], foreseen["etag"]) == ("RECOVERY_STATE_NOTIFIED", "2")
    assert data(desk("li", "recover", "show", name, "--output", "json"))["state"] == "RECOVERY_STATE_DETECTED"
    shown = data(desk("li", *told, request, "--output", "json"))
    assert shown["state"] == "RECOVERY_STATE_NOTIFIED"
    assert "3.00" in shown["notice_zh"]
    assert shown["reference"] in shown["notice_en"]
    assert data(desk("li", "recover", "show", name, "--output", "json"))["etag"] == "2"

    disputed = ("recover", "dispute", name, "--amount-fen", 100, "--ground", "AMOUNT_DISPUTED", "--document", "No. 7")
    assert data(desk("li", *disputed, "--output", "json"))["disputed_fen"] == "100"
    assert "RECOVERY_SECOND_PERSON" in codes(desk("li", "recover", "resolve", name, "--uphold"))
    assert data(desk("wang", "recover", "resolve", name, "--uphold", "--output", "json"))["written_off_fen"] == "100"

    given_up = ("recover", "write-off", name, "--amount-fen", 50, "--reason", "HARDSHIP", "--document", "No. 9")
    first = desk("li", *given_up)
    assert first.exit_code == 0
    assert "Another person must agree" in first.output
    assert data(desk("wang", *given_up, "--output", "json"))["outstanding_fen"] == "150"
    parts = data(desk("li", "recover", "instalments", name, "2026-12-31=100", "2027-01-31=50", "--output", "json"))
    assert parts["state"] == "RECOVERY_STATE_INSTALMENTS"
    assert "REPAYMENT_NO_CREDIT" in codes(desk("li", "recover", "repay", name, "--item", 999_999_999))
    whole = desk("wang", "recover", "show", name, "--language", "zh-CN")
    assert "分期偿还" in whole.stdout
    assert name in desk("wang", "recover", "list", "--output", "csv").stdout

    # The other order names another payee since it was paid: two persons let it through.
    number = asyncio.run(order_of(stack, held))["id"]
    waits = desk("li", "orders", "release", number, "--reason", "CHECKED_WITH_PAYEE")
    assert "Another person must agree" in waits.output
    assert "RECOVERY_SECOND_PERSON" in codes(desk("li", "orders", "release", number, "--reason", "CHECKED_WITH_PAYEE"))
    would = desk("wang", "orders", "release", number, "--reason", "CHECKED_WITH_PAYEE", "--dry-run")
    assert "nothing was changed" in would.stderr
    assert asyncio.run(order_of(stack, held))["state"] == "HELD"
    released = data(desk("wang", "orders", "release", number, "--reason", "CHECKED_WITH_PAYEE", "--output", "json"))
    assert released["state"] == "ORDER_STATE_RESERVED"
    assert "ORDER_DECIDED" in codes(desk("wang", "orders", "refuse", number, "--reason", "WRONG_PAYEE"))


async def paid_and_lowered(stack: Stack, debt: str, held: str) -> None:
    """Two orders are paid; of one nothing is owed any more, the other names another payee."""
    clerk, second = Person(stack, "li", "treasury-clerk"), Person(stack, "wang", "treasury-approver")
    clerk.call("AppropriateBudget", money(), TreasuryServiceStub)
    payee, other = await a_payee(stack), await a_payee(stack)
    for one, who in ((debt, payee), (held, other)):
        await send(stack, orders.ORDERS, [(one.encode(), order(one, 300, county=COUNTY, payee=who))])
        await eventually(partial(order_of, stack, one))
    run = clerk.call("PlanRun", run_pb2.PlanRunRequest(scope=run_pb2.RunScope(county=COUNTY), request_id=fresh()))
    hashed = {"name": run.name, "etag": run.etag, "plan_hash": run.plan_hash}
    approved = second.call("ApproveRun", approval(hashed))
    clerk.call("SendRun", run_pb2.SendRunRequest(name=run.name, etag=approved.etag, request_id=fresh()))
    for one in (debt, held):
        await eventually(partial(payment_in, stack, one, "SENT"))
    out = [await payment_in(stack, one, "SENT") for one in (debt, held)]
    told = statement(*[moved(one) for one in out]).encode()
    clerk.call("UploadStatement", uploaded(told, name=f"{uuid4()}.xml"))
    await send(stack, orders.ORDERS, [(debt.encode(), order(debt, 0, 2, county=COUNTY, payee=payee))])
    await send(stack, orders.ORDERS, [(held.encode(), order(held, 400, 2, county=COUNTY, payee=payee))])
    await eventually(partial(order_in, stack, debt, "OVERPAID"))
    await eventually(partial(order_in, stack, held, "HELD"))


def money() -> service_pb2.AppropriateBudgetRequest:
    key = service_pb2.BudgetKey(
        fund=money_pb2.FUND_EMPLOYEE_INSURANCE,
        pooling_area=AREA,
        county=COUNTY,
        programme=money_pb2.PROGRAMME_MATERNITY,
        fiscal_year=2026,
    )
    return service_pb2.AppropriateBudgetRequest(
        key=key, amount_fen=10_000, document="宝财社〔2026〕1号", request_id=fresh()
    )


async def payment_in(stack: Stack, case_id: str, state: str) -> Any:
    found = await rows(
        database(stack, "treasury"),
        """SELECT p.* FROM payment AS p JOIN payment_order AS o ON o.id = p.order_id
           WHERE o.case_id::text = $1 AND p.state = $2 ORDER BY p.id DESC""",
        case_id,
        state,
    )
    return found[0] if found else None


async def order_in(stack: Stack, case_id: str, state: str) -> Any:
    found = await order_of(stack, case_id)
    return found if found["state"] == state else None


def refused(person: Person, method: str, request: Any) -> str:
    return person.refused(method, request, RecoveryServiceStub)
