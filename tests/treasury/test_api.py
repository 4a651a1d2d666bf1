"""The running treasury: orders over Kafka, questions over gRPC, who sees what, and the command line."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Iterator
from random import randrange
from typing import Any
from uuid import uuid4

import grpc
import pytest
from cradle.treasury.v1 import money_pb2, payment_pb2, service_pb2
from cradle.treasury.v1.service_pb2_grpc import TreasuryServiceStub
from typer.testing import CliRunner, Result

from deploy.local import authority
from deploy.local.stack import Stack
from services.cli.main import app
from services.kit import rpc
from services.kit.tls import Identity
from services.treasury.model import AccountKind
from tests.claims.harness import told
from tests.kit.live import eventually, read_until, send, value
from tests.treasury.counter import TODAY, case, message, order, sealed

pytestmark = pytest.mark.integration
TIMEOUT_S = 10
Cradle = Callable[..., Result]
EMPLOYEE, MATERNITY = money_pb2.FUND_EMPLOYEE_INSURANCE, money_pb2.PROGRAMME_MATERNITY


def new_county() -> str:
    """A county that no other test knows."""
    return f"9{randrange(100_000):05d}"


@pytest.fixture
def county() -> str:
    return new_county()


@pytest.fixture
def stub(stack: Stack) -> Iterator[Any]:
    with rpc.blocking_channel(stack.environment["CRADLE_TREASURY_TARGET"], stack.operator) as channel:
        yield TreasuryServiceStub(channel)


def reasons_of(error: Any) -> list[tuple[str, str]]:
    return told(error)[1]


def clerk(stack: Stack, role: str, *counties: str) -> Identity:
    claims = {"cradle_role": role, **({"cradle_counties": list(counties)} if counties else {})}
    return stack.authority.identity(authority.OPERATOR, token=stack.authority.token("clerk", claims))


def appropriation(county: str, amount_fen: int, **changed: Any) -> service_pb2.AppropriateBudgetRequest:
    key = service_pb2.BudgetKey(
        fund=EMPLOYEE, pooling_area="610300", county=county, programme=MATERNITY, fiscal_year=TODAY.year
    )
    fields = {"document": "宝财社〔2026〕1号", "request_id": str(uuid4()), **changed}
    return service_pb2.AppropriateBudgetRequest(key=key, amount_fen=amount_fen, **fields)


def sent(stack: Stack, *values: bytes) -> None:
    asyncio.run(send(stack, "treasury.order.v1", [(b"case", value) for value in values]))


def orders_of(stub: Any, county: str, count: int) -> list[service_pb2.Order]:
    """Every order of a county, once there are that many; oldest first."""

    async def ask() -> list[service_pb2.Order]:
        found = stub.ListOrders(service_pb2.ListOrdersRequest(county=county), timeout=TIMEOUT_S).orders
        return list(reversed(found)) if len(found) == count else []

    return asyncio.run(eventually(ask))


def events_of(stack: Stack, cases: set[str], count: int) -> list[payment_pb2.PaymentEvent]:
    def mine(read: list[Any]) -> list[Any]:
        return [one for one in read if one.key.decode() in cases]

    read = asyncio.run(read_until(stack, ["treasury.payment.v1"], lambda found: len(mine(found)) >= count))
    return [payment_pb2.PaymentEvent.FromString(one.value) for one in mine(read)]


def test_orders_are_reserved_held_released_and_told(stack: Stack, stub: Any, county: str) -> None:
    first, second = case(), case()
    sent(stack, order(first, 300, county=county), order(second, 300, county=county), order(first, 301, county=county))

    held = orders_of(stub, county, 2)
    assert [(one.case_id, one.state, one.reasons[0].code) for one in held] == [
        (first, service_pb2.ORDER_STATE_HELD, "BUDGET_MISSING"),
        (second, service_pb2.ORDER_STATE_HELD, "BUDGET_MISSING"),
    ]
    stub.AppropriateBudget(appropriation(county, 500), timeout=TIMEOUT_S)

    events = events_of(stack, {first, second}, 5)
    assert [(one.version, one.WhichOneof("event")) for one in events if one.case_id == second] == [
        (1, "held"),
        (2, "held"),
    ]
    mine = [one for one in events if one.case_id == first]
    assert sorted(one.version for one in mine) == [1, 2, 3]
    assert {one.WhichOneof("event") for one in mine} == {"held", "refused", "reserved"}
    (refusal,) = [
        one
        for one in stub.ListRefusals(service_pb2.ListRefusalsRequest(), timeout=TIMEOUT_S).refusals
        if one.case_id == first
    ]
    assert [reason.code for reason in refusal.reasons] == ["ORDER_CONFLICT"]
    assert "1" in refusal.reasons[0].text_en
    (budget,) = stub.ListBudgets(service_pb2.ListBudgetsRequest(county=county), timeout=TIMEOUT_S).budgets
    assert (budget.appropriated_fen, budget.available_fen, budget.reserved_fen) == (500, 200, 300)
    assert (budget.held_orders, budget.held_fen) == (1, 300)


def test_what_is_malformed_is_refused_and_never_parked(stack: Stack, stub: Any, county: str) -> None:
    good = case()
    sent(stack, b"\xff\x00", sealed(message("", 5, county=county, line="x")), order(good, 5, county=county))

    assert orders_of(stub, county, 1)[0].case_id == good
    dsn = f"{stack.environment['DATABASE_URL']}/cradle_treasury"
    assert asyncio.run(value(dsn, "SELECT count(*) FROM parked")) == 0


def test_the_same_request_has_the_same_answer_and_another_body_is_refused(stub: Any, county: str) -> None:
    asked = appropriation(county, 500)
    first = stub.AppropriateBudget(asked, timeout=TIMEOUT_S)
    stub.AppropriateBudget(appropriation(county, 1), timeout=TIMEOUT_S)

    assert stub.AppropriateBudget(asked, timeout=TIMEOUT_S) == first
    with pytest.raises(grpc.RpcError) as refused:
        stub.AppropriateBudget(appropriation(county, 501, request_id=asked.request_id), timeout=TIMEOUT_S)
    assert reasons_of(refused.value) == [("REQUEST_ID_REUSED", "request_id")]


def test_a_dry_run_books_nothing(stub: Any, county: str) -> None:
    would = stub.AppropriateBudget(appropriation(county, 500, validate_only=True), timeout=TIMEOUT_S)

    assert (would.name, would.available_fen) == ("", 500)
    assert not stub.ListBudgets(service_pb2.ListBudgetsRequest(county=county), timeout=TIMEOUT_S).budgets


def test_the_ledger_answers_balances_statements_transfers_and_that_it_is_whole(
    stack: Stack, stub: Any, county: str
) -> None:
    stub.AppropriateBudget(appropriation(county, 1_000), timeout=TIMEOUT_S)
    sent(stack, *[order(case(), 10, county=county) for _ in range(3)])
    orders_of(stub, county, 3)

    balance = stub.GetTrialBalance(service_pb2.GetTrialBalanceRequest(county=county), timeout=TIMEOUT_S)
    assert (balance.debit_fen, balance.credit_fen) == (1_000, 1_000)
    figures = {one.account.rpartition("/")[2]: one.debit_fen - one.credit_fen for one in balance.accounts}
    assert {kind: fen for kind, fen in figures.items() if fen} == {
        "APPROPRIATED": -1_000,
        "AVAILABLE": 970,
        "RESERVED": 30,
    }
    assert set(figures) == set(AccountKind)
    account = f"610300/EMPLOYEE_INSURANCE/2026/{county}/MATERNITY/RESERVED"
    assert account in {one.account for one in balance.accounts}
    month = f"{TODAY:%Y-%m}"
    statement = stub.GetStatement(service_pb2.GetStatementRequest(county=county, month=month), timeout=TIMEOUT_S)
    assert {one.account: (one.opening_fen, one.closing_fen) for one in statement.accounts}[account] == (0, 30)
    asked = service_pb2.ListTransfersRequest(account=account, month=month, page_size=2)
    page = stub.ListTransfers(asked, timeout=TIMEOUT_S)
    asked.page_token = page.next_page_token
    rest = stub.ListTransfers(asked, timeout=TIMEOUT_S)
    assert [one.amount_fen for one in [*page.transfers, *rest.transfers]] == [10, 10, 10]
    assert not rest.next_page_token
    part = stub.VerifyLedger(service_pb2.VerifyLedgerRequest(page_size=1), timeout=TIMEOUT_S)
    with pytest.raises(grpc.RpcError) as refused:
        stub.VerifyLedger(service_pb2.VerifyLedgerRequest(page_token=part.next_page_token[:-4]), timeout=TIMEOUT_S)
    assert reasons_of(refused.value) == [("PAGE_TOKEN_INVALID", "page_token")]
    for _ in range(part.total_parts):
        assert (part.first_wrong_block, part.imbalance_fen) == (0, 0)
        if not part.next_page_token:
            break
        asked_on = service_pb2.VerifyLedgerRequest(page_size=50, page_token=part.next_page_token)
        part = stub.VerifyLedger(asked_on, timeout=TIMEOUT_S)
    assert (part.next_page_token, part.verified_parts) == ("", part.total_parts)


def test_a_county_sees_its_own_and_changes_nothing(stack: Stack, stub: Any, county: str) -> None:
    other = new_county()
    for one in (county, other):
        stub.AppropriateBudget(appropriation(one, 1_000), timeout=TIMEOUT_S)
    sent(stack, order(case(), 10, county=county), order(case(), 10, county=other))
    (mine,), (theirs,) = orders_of(stub, county, 1), orders_of(stub, other, 1)

    target = stack.environment["CRADLE_TREASURY_TARGET"]
    with rpc.blocking_channel(target, clerk(stack, "county-treasury", county)) as channel:
        asking = TreasuryServiceStub(channel)
        assert {one.key.county for one in asking.ListBudgets(service_pb2.ListBudgetsRequest()).budgets} == {county}
        assert {one.county for one in asking.ListOrders(service_pb2.ListOrdersRequest()).orders} == {county}
        assert asking.GetOrder(service_pb2.GetOrderRequest(name=mine.name)).name == mine.name
        balance = asking.GetTrialBalance(service_pb2.GetTrialBalanceRequest())
        assert {one.account.split("/")[3] for one in balance.accounts} == {county}
        account = f"610300/EMPLOYEE_INSURANCE/2026/{other}/MATERNITY/RESERVED"
        for refused, code in (
            (lambda: asking.GetOrder(service_pb2.GetOrderRequest(name=theirs.name)), grpc.StatusCode.NOT_FOUND),
            (
                lambda: asking.ListTransfers(service_pb2.ListTransfersRequest(account=account, month="2026-11")),
                grpc.StatusCode.NOT_FOUND,
            ),
            (lambda: asking.AppropriateBudget(appropriation(county, 1)), grpc.StatusCode.PERMISSION_DENIED),
            (lambda: asking.VerifyLedger(service_pb2.VerifyLedgerRequest()), grpc.StatusCode.PERMISSION_DENIED),
        ):
            with pytest.raises(grpc.RpcError) as error:
                refused()
            assert error.value.code() is code


def test_the_worker_says_at_its_start_which_limits_the_city_has_not_set(stack: Stack, stub: Any) -> None:
    said = (stack.logs / "treasury-worker.log").read_text("utf-8").splitlines()

    found = [line for line in said if "no limit is set" in line and "CRADLE_TREASURY_LAW_OVERRIDES" in line]
    assert ["order.limit_fen" in line for line in found[:2]] == [True, False]
    assert ["recovery.write_off_limit_fen" in line for line in found[:2]] == [False, True]


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.fixture
def cradle(stack: Stack) -> Cradle:
    def run(*arguments: str) -> Result:
        return CliRunner(env={**stack.environment, "LANG": "C"}).invoke(app, ["treasury", *arguments])

    return run


def table(csv_text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text)))


def test_the_commands_of_the_treasury(stack: Stack, stub: Any, county: str, cradle: Cradle) -> None:
    given = ("--fund", "EMPLOYEE_INSURANCE", "--pooling-area", "610300", "--county", county, "--programme", "MATERNITY")
    amount = ("--year", "2026", "--amount-fen", "123456", "--document", "No. 1")
    dry = cradle("budgets", "appropriate", *given, *amount, "--dry-run", "--language", "en")
    assert (dry.exit_code, dry.stderr) == (0, "A dry run: nothing was changed.\n")
    assert cradle("budgets", "appropriate", *given, *amount).exit_code == 0
    sent(stack, order(case(), 10_000, county=county), order(case(), 900_000, county=county))
    orders_of(stub, county, 2)

    listed = cradle("budgets", "list", "--county", county, "--language", "en")
    assert "1,234.56" in listed.stdout
    assert "employee insurance" in listed.stdout
    assert "职工医保" in cradle("funds", "--language", "zh-CN").stdout
    (budget,) = json.loads(cradle("budgets", "list", "--county", county, "--output", "json").stdout)["budgets"]
    assert budget["available_fen"] == "113456"
    held = json.loads(cradle("orders", "list", "--county", county, "--state", "HELD", "--output", "json").stdout)
    assert [one["owed_fen"] for one in held["orders"]] == ["900000"]
    shown = cradle("orders", "show", held["orders"][0]["name"], "--language", "en")
    assert "BUDGET_HELD" in shown.stdout
    assert cradle("orders", "show", "orders/999999999").exit_code == 3
    assert cradle("orders", "refusals").exit_code == 0
    rows = table(cradle("ledger", "trial-balance", "--county", county, "--output", "csv").stdout)
    assert sum(int(row["debit_fen"]) for row in rows) == sum(int(row["credit_fen"]) for row in rows) == 123_456
    statement = cradle("ledger", "statement", "--county", county, "--month", "2026-11", "--output", "csv")
    rows = table(statement.stdout)
    assert [row["closing_fen"] for row in rows] == ["-123456", "113456", "10000", "0", "0", "0", "0"]
    account = f"610300/EMPLOYEE_INSURANCE/2026/{county}/MATERNITY/RESERVED"
    assert "100.00" in cradle("ledger", "transfers", account, "--month", "2026-11").stdout
    whole = cradle("ledger", "verify", "--language", "en")
    assert (whole.exit_code, "The ledger is whole" in whole.stderr) == (0, True)
