"""What was returned to offices, listed: to each office its own, and nothing of anybody."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import grpc
import pytest
from cradle.registry.v1 import intake_pb2, office_pb2, office_pb2_grpc, service_pb2
from protovalidate import Validator

from deploy.local.stack import Stack
from services.kit import db, rpc
from services.kit.dates import instants_of
from services.kit.messages import Language
from services.kit.shape import shape_problems
from services.registry import store
from services.registry.model.statements import Returned
from services.registry.store.statements import Wanted
from tests.builders import id_number
from tests.claims.harness import told
from tests.claims.reviewers import Reviewer
from tests.kit.live import new_database, rows, unique

pytestmark = pytest.mark.integration

DAY = date(2026, 11, 20)
INSERT = """INSERT INTO statement (receipt_id, office, record_number, position, digest, received_at, outcome, reasons)
    VALUES (gen_random_uuid(), $1, $2, $3, '', $4, $5, $6)"""


def test_what_was_returned_is_listed_newest_first_by_office_code_and_day(stack: Stack) -> None:
    dsn = new_database(stack, "registry")
    begin, end = instants_of(DAY)
    unknown, closed = ["EMPLOYER_UNKNOWN coverage.coverage[0]"], ["BIRTHPLACE_CLOSED a", "DATE_INVALID b"]

    async def listed(limit: int = 100, **wanted: Any) -> list[Returned]:
        async with db.connect(dsn) as database:
            found: list[Returned] = []
            while page := await store.list_returned(
                database, Wanted(**wanted), before=found[-1].place if found else None, limit=limit
            ):
                found += page
            return found

    async def act() -> None:
        for office, number, position, at, outcome, reasons in (
            ("tax", "1", "t/0/1", begin - timedelta(microseconds=1), "RETURNED", unknown),
            ("office/tax", "2", "", begin, "RETURNED", closed),
            ("insurance", "3", "t/0/3", begin, "RETURNED", unknown),
            ("tax", "4", "t/0/4", end - timedelta(microseconds=1), "RETURNED", unknown),
            ("tax", "5", "t/0/5", end, "RETURNED", unknown),
            ("tax", "6", "t/0/6", begin, "RECORDED", []),
            ("tax", "7", "t/0/7", begin, "UNCHANGED", []),
        ):
            await rows(dsn, INSERT, office, number, position, at, outcome, reasons)

        everything = await listed()
        assert [one.record_number for one in everything if one.received_at != begin] == ["5", "4", "1"]
        assert {one.record_number for one in everything[2:4]} == {"2", "3"}
        assert await listed(limit=2) == everything
        assert [one.record_number for one in await listed(office="tax")] == ["5", "4", "2", "1"]
        assert [one.record_number for one in await listed(own="insurance")] == ["3"]
        assert await listed(office="tax", own="insurance") == []
        assert [one.record_number for one in await listed(reason="DATE_INVALID")] == ["2"]
        assert await listed(reason="EMPLOYER") == []
        assert {one.record_number for one in await listed(received=(begin, end))} == {"2", "3", "4"}

        async with db.connect(dsn) as database, database.transaction() as tx:
            await tx.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            plan = await tx.fetch("""EXPLAIN SELECT receipt_id FROM statement WHERE outcome = 'RETURNED'
                                     ORDER BY received_at DESC, receipt_id DESC""")
        assert "Scan Backward using statement_returned" in plan[0][0]

    asyncio.run(act())


def test_an_office_is_told_of_its_own_and_a_clerk_of_all(stack: Stack) -> None:
    number, woman = unique("record").replace("_", "-"), id_number()
    record = intake_pb2.CoverageIntake(record_number=number)
    record.person.person_id_number, record.person.name = woman, "王测试"
    record.person.category, record.person.employer_uscc = service_pb2.CATEGORY_EMPLOYEE, "91610331MA6X000009"

    def call(identity: Any, method: str, request: Any) -> Any:
        with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], identity) as channel:
            return getattr(office_pb2_grpc.OfficeServiceStub(channel), method)(request, timeout=10)

    tax, insurance = (stack.authority.identity(f"office/{name}") for name in ("tax", "insurance"))
    call(tax, "BatchTakeInCoverage", intake_pb2.BatchTakeInCoverageRequest(records=[record]))

    def seen(identity: Any, office: str = "") -> dict[str, office_pb2.ReturnedStatement]:
        request = office_pb2.ListStatementsRequest(page_size=1000, office=office)
        return {one.record_number: one for one in call(identity, "ListStatements", request).statements}

    long, record.record_number = f"{number}-2", f"{number}-2"
    record.person.name = "王" * 1000
    call(tax, "BatchTakeInCoverage", intake_pb2.BatchTakeInCoverageRequest(records=[record]))
    (limit,) = shape_problems(Validator(), record)
    (why,) = seen(tax)[long].reasons
    assert (why.text_zh, why.text_en) == tuple(limit.text(language) for language in Language)

    (why, *_) = seen(tax)[number].reasons
    assert (why.field, seen(tax)[number].office) == ("person.employer_uscc", "office/tax")
    assert why.text_zh
    assert why.text_en
    assert woman not in str(seen(tax)[number])
    assert number not in seen(insurance)
    assert number in seen(Reviewer(stack, "wang").identity)
    assert number in seen(stack.operator)
    assert seen(stack.operator, "office/tax") == seen(stack.operator, "tax") == seen(tax)
    with pytest.raises(grpc.RpcError) as raised:
        seen(Reviewer(stack, "li", "county-reviewer", ("610304",)).identity)
    refused: Any = raised.value
    assert refused.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.RpcError) as raised:
        call(tax, "ListStatements", office_pb2.ListStatementsRequest(page_token="x"))
    refused = raised.value
    assert told(refused)[1] == [("PAGE_TOKEN_INVALID", "page_token")]
    with pytest.raises(grpc.RpcError) as raised:
        call(tax, "ListStatements", office_pb2.ListStatementsRequest(reason="NONSENSE"))
    refused = raised.value
    assert told(refused)[1] == [("CODE_UNKNOWN", "reason")]


def test_an_office_that_is_not_there_is_refused_and_another_told_as_one(stack: Stack) -> None:
    tax = stack.authority.identity("office/tax")

    def refused(identity: Any, office: str) -> Any:
        with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], identity) as channel:
            call = office_pb2_grpc.OfficeServiceStub(channel).ListStatements
            call(office_pb2.ListStatementsRequest(office="tax"), timeout=10)
            with pytest.raises(grpc.RpcError) as raised:
                call(office_pb2.ListStatementsRequest(office=office), timeout=10)
        error: Any = raised.value
        return error.code(), error.details(), told(error)[1]

    where = [("OFFICE_UNKNOWN", "office")]
    known = "There is no such office; there are: tax, insurance"
    form = (grpc.StatusCode.INVALID_ARGUMENT, [("FIELD_MALFORMED", "office")])
    assert [refused(stack.operator, wrong)[::2] for wrong in ("office/", "office/office/tax")] == [form] * 2
    assert refused(stack.operator, "nobody") == (grpc.StatusCode.NOT_FOUND, known, where)
    own = (grpc.StatusCode.NOT_FOUND, "There is no such office; there are: tax", where)
    assert refused(tax, "insurance") == refused(tax, "nobody") == own
