"""Payment runs over gRPC on the running system: two persons by their tokens, the bank role, folders of a bank."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from cradle.registry.v1 import service_pb2 as registry_pb2
from cradle.registry.v1 import service_pb2_grpc as registry_grpc
from cradle.treasury.v1 import money_pb2, reconciliation_pb2, refused_account_pb2, run_pb2, service_pb2
from cradle.treasury.v1.reconciliation_pb2_grpc import ReconciliationServiceStub
from cradle.treasury.v1.run_pb2_grpc import RunServiceStub
from cradle.treasury.v1.service_pb2_grpc import TreasuryServiceStub

from deploy.local import authority
from deploy.local.stack import Stack
from services.kit import db, rpc
from services.treasury.wire import orders
from tests.builders import id_number
from tests.claims.reviewers import refusal
from tests.kit.live import eventually, rows, send
from tests.treasury.bugs import mend, plant
from tests.treasury.cashier import BANK_CODE, CARD, answered, deliver, moved, reference_of, statement
from tests.treasury.counter import AREA, case, order

pytestmark = pytest.mark.integration
COUNTY = "610322"


class Person:
    """Every call is a call of this person."""

    def __init__(self, stack: Stack, name: str, role: str, counties: tuple[str, ...] = ()) -> None:
        self.stack, self.name = stack, name
        claims: dict[str, Any] = {"cradle_role": role}
        if counties:
            claims["cradle_counties"] = list(counties)
        self.identity = stack.authority.identity(authority.OPERATOR, token=stack.authority.token(name, claims))

    def call(self, method: str, request: Any, stub: Any = RunServiceStub) -> Any:
        with rpc.blocking_channel(self.stack.environment["CRADLE_TREASURY_TARGET"], self.identity) as channel:
            return getattr(stub(channel), method)(request, timeout=20)

    def refused(self, method: str, request: Any, stub: Any = RunServiceStub) -> str:
        with pytest.raises(grpc.RpcError) as refused:
            self.call(method, request, stub)
        return refusal(refused.value).codes[0][0]


def fresh() -> str:
    return str(uuid4())


def database(stack: Stack, service: str) -> str:
    return stack.environment["DATABASE_URL"].rstrip("/") + f"/cradle_{service}"


async def a_payee(stack: Stack) -> str:
    """The reference of a person whose account is on record."""
    number = id_number()
    async with rpc.channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        stub = registry_grpc.RegistryServiceStub(channel)
        query = registry_pb2.CoverageQuery(person_id_number=number)
        known = await stub.BatchGetCoverage(
            registry_pb2.BatchGetCoverageRequest(queries=[query], purpose="a test"), timeout=10
        )
        account = registry_pb2.PayeeAccount(holder="王小红", number=CARD, bank_code=BANK_CODE)
        payee = registry_pb2.PayeeRecord(person_id_number=number, account=account)
        await stub.BatchRecordPayees(registry_pb2.BatchRecordPayeesRequest(payees=[payee]), timeout=10)
    return known.answers[0].person


def test_two_persons_pay_a_run_and_one_person_cannot(stack: Stack) -> None:
    clerk, second = Person(stack, "li", "treasury-clerk"), Person(stack, "wang", "treasury-approver")
    reader = Person(stack, "zhao", "county-treasury", (COUNTY,))
    inbox, outbox = (stack.folder / "bank" / name for name in ("inbox", "outbox"))

    def bank_says(content: str) -> None:
        deliver(inbox, f"{uuid4()}.xml", content.encode())

    async def payment_in(case_id: str, state: str) -> Any:
        found = await rows(
            database(stack, "treasury"),
            """SELECT p.* FROM payment AS p JOIN payment_order AS o ON o.id = p.order_id
               WHERE o.case_id::text = $1 AND p.state = $2 ORDER BY p.id DESC""",
            case_id,
            state,
        )
        return found[0] if found else None

    async def story() -> None:
        give(clerk)
        one, other = case(), case()
        for case_id, payee in ((one, await a_payee(stack)), (other, fresh())):
            value = order(case_id, 1_960_000, county=COUNTY, payee=payee)
            await send(stack, orders.ORDERS, [(case_id.encode(), value)])
            await eventually(partial(order_of, stack, case_id))

        # The registry knows one of the payees: the other is an exception, and stops nothing.
        request = run_pb2.PlanRunRequest(scope=run_pb2.RunScope(county=COUNTY), request_id=fresh())
        run = clerk.call("PlanRun", request)
        assert clerk.call("PlanRun", request).name == run.name
        assert (run.state, run.planned_count, run.exceptions) == (run_pb2.RUN_STATE_PLANNED, 1, 1)
        left = clerk.call("ListExceptions", run_pb2.ListExceptionsRequest(run=run.name)).exceptions
        assert [reason.code for reason in left[0].reasons] == ["REFERENCE_UNKNOWN"]

        # Who plans does not approve, whatever his role; who may approve may not send; a reader may read.
        hashed = {"name": run.name, "etag": run.etag, "plan_hash": run.plan_hash}
        assert clerk.refused("ApproveRun", approval(hashed)) == "AUTH_PERMISSION_MISSING"
        operator = Person(stack, "li", "operator")
        assert operator.refused("ApproveRun", approval(hashed)) == "RUN_SECOND_PERSON"
        approved = second.call("ApproveRun", approval(hashed))
        assert approved.is_ready
        moving = {"name": run.name, "etag": approved.etag}
        assert second.refused("SendRun", run_pb2.SendRunRequest(**moving, request_id=fresh())) != ""
        assert reader.refused("PlanRun", request) == "AUTH_PERMISSION_MISSING"
        assert reader.call("GetRun", run_pb2.GetRunRequest(name=run.name)).sums[0].amount_fen == 1_960_000

        clerk.call("SendRun", run_pb2.SendRunRequest(**moving, request_id=fresh()))
        payment = await eventually(partial(payment_in, one, "SENT"))
        found = await eventually(partial(files_in, outbox, payment["end_to_end_id"]))
        assert len(found) == 1
        bank_says(answered((payment, "ACSP", "")))
        await eventually(partial(payment_in, one, "ACCEPTED"))
        bank_says(statement(moved(payment)))
        await eventually(partial(payment_in, one, "RECONCILED"))

        settled = clerk.call("GetRun", run_pb2.GetRunRequest(name=run.name))
        assert settled.state == run_pb2.RUN_STATE_SETTLED
        assert settled.files[0].handover == "TAKEN"
        closing = run_pb2.CloseRunRequest(name=run.name, etag=settled.etag, request_id=fresh())
        assert clerk.call("CloseRun", closing).state == run_pb2.RUN_STATE_CLOSED

    asyncio.run(story())


def uploaded(content: bytes, *, whole: bytes = b"", name: str = "s.xml") -> Iterator[run_pb2.UploadStatementRequest]:
    """In two pieces; `whole` is what is announced."""
    announced = whole or content
    yield run_pb2.UploadStatementRequest(
        file=run_pb2.StatementFile(file_name=name, sha256=hashlib.sha256(announced).digest(), size_bytes=len(announced))
    )
    yield run_pb2.UploadStatementRequest(chunk=content[:100])
    yield run_pb2.UploadStatementRequest(chunk=content[100:])


def test_what_names_no_run_no_payment_and_no_order_is_told_alike(stack: Stack) -> None:
    reader = Person(stack, "zhao", "auditor")
    orders = TreasuryServiceStub

    assert reader.refused("GetRun", run_pb2.GetRunRequest(name="runs/17")) == "NAME_MALFORMED"
    assert reader.refused("ListPayments", run_pb2.ListPaymentsRequest(order="runs/17")) == "NAME_MALFORMED"
    assert reader.refused("GetOrder", service_pb2.GetOrderRequest(name="runs/17"), orders) == "NAME_MALFORMED"


def test_half_a_file_is_refused_and_a_whole_one_is_taken_once(stack: Stack) -> None:
    clerk, reader = Person(stack, "li", "treasury-clerk"), Person(stack, "zhao", "auditor")
    content = statement(day="2026-11-20").encode()
    assert reader.refused("UploadStatement", uploaded(content)) == "AUTH_PERMISSION_MISSING"
    assert clerk.refused("UploadStatement", uploaded(content[:-10], whole=content)) == "BANK_FILE_CUT_SHORT"
    queued = clerk.call("ListUnmatched", run_pb2.ListUnmatchedRequest(page_size=1000)).items
    assert ("s.xml", "BANK_FILE_CUT_SHORT") in [(one.file_name, one.reasons[0].code) for one in queued]
    unannounced = run_pb2.UploadStatementRequest(chunk=content)
    assert clerk.refused("UploadStatement", iter([unannounced])) == "BANK_UPLOAD_ORDER"
    assert clerk.refused("UploadStatement", iter(())) == "BANK_UPLOAD_ORDER"
    assert clerk.refused("UploadStatement", iter([*uploaded(content)][:1] * 2)) == "BANK_UPLOAD_ORDER"
    assert clerk.refused("UploadStatement", uploaded(content, name="../s.xml")) == "FIELD_MALFORMED"
    assert not clerk.call("UploadStatement", uploaded(content)).is_known
    assert clerk.call("UploadStatement", uploaded(content)).is_known

    # The call of before, in one message.
    sha256 = hashlib.sha256(content).digest()
    half = run_pb2.ImportStatementRequest(file_name="s.xml", sha256=sha256, content=content[:-10])
    assert clerk.refused("ImportStatement", half) == "BANK_FILE_HASH"
    assert clerk.call(
        "ImportStatement", run_pb2.ImportStatementRequest(file_name="s.xml", sha256=sha256, content=content)
    ).is_known


def refused_accounts(person: Person) -> list[str]:
    """The payees of what waits for another account, as somebody sees it."""
    request = refused_account_pb2.ListRefusedAccountsRequest(page_size=1000)
    return [one.payee.reference for one in person.call("ListRefusedAccounts", request).orders]


def test_a_message_that_a_bug_had_stopped_is_worked_again_when_a_person_says_so(stack: Stack) -> None:
    """The bug is about one row. A reader and a dry run change nothing; asked twice it is done once."""
    clerk, reader = Person(stack, "li", "treasury-clerk"), Person(stack, "zhao", "auditor")
    mark, name = reference_of(uuid4().int), f"{uuid4()}.xml"
    told = answered(({"end_to_end_id": mark}, "ACSP", "")).replace("BANK-1", name)

    def breaks_of(kind: reconciliation_pb2.BreakKind.ValueType) -> list[reconciliation_pb2.Break]:
        listed = clerk.call(
            "ListBreaks", reconciliation_pb2.ListBreaksRequest(kind=kind, page_size=1000), ReconciliationServiceStub
        )
        return [one for one in listed.breaks if one.file_name == name]

    async def healed(one: str) -> list[str]:
        request = reconciliation_pb2.GetBreakRequest(name=one)
        found = await asyncio.to_thread(clerk.call, "GetBreak", request, ReconciliationServiceStub)
        return [] if found.is_open else [step.step for step in found.history]

    async def story() -> None:
        async with db.connect(database(stack, "treasury")) as here:
            await plant(here, "unmatched", f"NEW.end_to_end_id = '{mark}'")
            try:
                clerk.call("UploadStatement", uploaded(told.encode(), name=name))
            finally:
                await mend(here, "unmatched")
        (found,) = breaks_of(reconciliation_pb2.BREAK_KIND_FILE)
        assert [one.code for one in found.reasons] == ["BANK_MESSAGE_STOPPED"]

        retry = reconciliation_pb2.RetryBreakRequest(name=found.name, etag=found.etag, request_id=fresh())
        dry = reconciliation_pb2.RetryBreakRequest(
            name=found.name, etag=found.etag, request_id=fresh(), validate_only=True
        )
        assert reader.refused("RetryBreak", retry, ReconciliationServiceStub) == "AUTH_PERMISSION_MISSING"
        assert clerk.call("RetryBreak", dry, ReconciliationServiceStub).is_open
        again = clerk.call("RetryBreak", retry, ReconciliationServiceStub)
        assert clerk.call("RetryBreak", retry, ReconciliationServiceStub) == again
        assert await eventually(partial(healed, found.name)) == ["RETRIED", "HEALED"]
        (fits_nothing,) = breaks_of(reconciliation_pb2.BREAK_KIND_ANSWER)
        assert fits_nothing.end_to_end_id == mark
        asked: dict[str, Any] = {"name": fits_nothing.name, "etag": fits_nothing.etag, "request_id": fresh()}
        nothing = reconciliation_pb2.RetryBreakRequest(**asked)
        assert clerk.refused("RetryBreak", nothing, ReconciliationServiceStub) == "BREAK_NOTHING_TO_RETRY"

    asyncio.run(story())


def approval(hashed: dict[str, Any]) -> run_pb2.ApproveRunRequest:
    return run_pb2.ApproveRunRequest(**hashed, request_id=fresh())


async def files_in(outbox: Path, end_to_end_id: str) -> list[Path]:
    return await asyncio.to_thread(holding, outbox, end_to_end_id)


def holding(outbox: Path, end_to_end_id: str) -> list[Path]:
    return [path for path in outbox.glob("*.xml") if end_to_end_id in path.read_text("utf-8")]


def give(clerk: Person, county: str = COUNTY) -> None:
    key = service_pb2.BudgetKey(
        fund=money_pb2.FUND_EMPLOYEE_INSURANCE,
        pooling_area=AREA,
        county=county,
        programme=money_pb2.PROGRAMME_MATERNITY,
        fiscal_year=2026,
    )
    request = service_pb2.AppropriateBudgetRequest(
        key=key, amount_fen=10_000_000, document="宝财社〔2026〕1号", request_id=fresh()
    )
    clerk.call("AppropriateBudget", request, TreasuryServiceStub)


async def order_of(stack: Stack, case_id: str) -> Any:
    found = await rows(database(stack, "treasury"), "SELECT * FROM payment_order WHERE case_id::text = $1", case_id)
    return found[0] if found else None
