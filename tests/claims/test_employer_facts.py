"""What claims tells of an employer's women: sums over leaves and allowances as they stand, and nobody in particular."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
import pytest
from cradle.claims.v1 import employer_pb2, employer_pb2_grpc

from deploy.local.stack import Stack
from services.claims.api import EmployerFacts
from services.claims.model import Category
from services.claims.wire import employer as wire
from services.kit import db, rpc
from services.kit.clock import Clock
from services.kit.dates import to_proto
from services.kit.errors import Invalid
from services.kit.ids import new_id
from tests.builders import (
    DELIVERED,
    TODAY,
    claim,
    claim_number,
    employer_record,
    id_number,
    person_record,
    replacement,
    submit,
    uscc,
    void,
)
from tests.claims.desk import Desk
from tests.claims.harness import record
from tests.kit.live import value

DAY = timedelta(days=1)
EARLIER = date(2025, 3, 10)  # decided before the fund paid the person herself
END, EARLIER_END = DELIVERED + 157 * DAY, EARLIER + 157 * DAY


def request(employers: list[str], first: date, last: date) -> employer_pb2.BatchGetEmployerFactsRequest:
    return employer_pb2.BatchGetEmployerFactsRequest(
        employers=employers, first_day=to_proto(first), last_day=to_proto(last)
    )


async def told(desk: Desk, employer: str, first: date, last: date) -> dict[str, Any]:
    """The facts that are not zero."""
    context: Any = None
    async with db.connect(desk.dsn) as database:
        servicer = EmployerFacts(database, Clock(TODAY))
        nobody, found = (
            await servicer.BatchGetEmployerFacts(request([str(new_id()), employer], first, last), context)
        ).answers
    assert [field.name for field, _ in nobody.ListFields()] == ["employer"]
    return {field.name: value for field, value in found.ListFields() if field.name != "employer"}


async def know(stack: Stack, code: str, people: Mapping[str, Category]) -> None:
    wages = {2024: 600_000, 2025: 600_000}
    persons = [person_record(number, code, category=category) for number, category in people.items()]
    await record(stack, [employer_record(code, wages=wages)], persons)


@pytest.mark.integration
def test_claims_and_leaves_of_an_employer_are_summed_as_they_stand(stack: Stack) -> None:
    desk, code, other = Desk.open(stack), uscc(), uscc()
    plain, short, unknown, before, voided, theirs = (id_number() for _ in range(6))
    uninsured = id_number()

    def sent(person: str, employer: str = code, **fields: Any) -> Any:
        return claim(number=claim_number(), person=person, employer=employer, **fields)

    async def act() -> list[dict[str, Any]]:
        insured = dict.fromkeys((plain, short, unknown, before, voided), Category.EMPLOYEE)
        await know(stack, code, {**insured, uninsured: Category.UNINSURED_EMPLOYEE})
        await know(stack, other, {theirs: Category.EMPLOYEE})
        corrected, taken_back = sent(plain, own_wage_fen=None), sent(voided)
        desk.today = date(2025, 6, 1)
        early = sent(before, on=EARLIER, submitted=datetime(2025, 5, 20, tzinfo=UTC))
        assert await desk.take(submit(early)) == [("DETERMINED", [])]
        desk.today = TODAY
        await desk.take(submit(corrected), submit(taken_back))
        corrected.own_monthly_wage_fen = 600_000
        took = await desk.take(
            replacement(corrected, 2),
            void(taken_back.claim_number),
            submit(sent(short, own_wage_fen=900_000)),
            submit(sent(unknown, own_wage_fen=None)),
            submit(sent(uninsured)),
            submit(sent(plain)),
            submit(sent(theirs, other)),
        )
        assert [status for status, _ in took] == ["DETERMINED", "VOIDED", *["DETERMINED"] * 5]
        employer = str(await value(desk.dsn, "SELECT employer FROM claim WHERE number = $1", corrected.claim_number))
        periods = [
            (date(2026, 1, 1), date(2026, 12, 31)),
            (END, END),
            (END + DAY, TODAY),
            (DELIVERED, END - DAY),
            (DELIVERED + DAY, TODAY),
            (EARLIER, EARLIER_END),
        ]
        return [await told(desk, employer, *period) for period in periods]

    year, on_the_day, after, until, later, earlier = asyncio.run(act())
    leaves = {
        "leaves_ended": 3, "maternity_leaves_ended": 3, "women": 3, "days_entitled": 3 * 158, "fund_days": 3 * 98,
        "allowance_fen": 3 * 1_960_000, "below_pay": 1, "topup_fen": 980_000, "pay_unknown": 1,
        "employer_leave_fen": 60 * (20_000 + 30_000),
    }  # fmt: skip
    claims = {"claims": 4, "approved": 3, "denied": 1, "uninsured": 1, "employer_liability_fen": 1_960_000}
    assert year == {**claims, **leaves}
    assert on_the_day == leaves
    assert after == {}
    assert until == claims
    assert later == leaves
    assert earlier["paid_to_employer"] == earlier["leaves_ended"] == earlier["claims"] == 1
    assert earlier["paid_to_employer_fen"] == earlier["allowance_fen"] == 1_960_000


@pytest.mark.integration
def test_the_certification_may_ask_and_a_source_may_not(stack: Stack) -> None:
    asked = request([str(new_id())], TODAY - DAY, TODAY)

    async def ask(who: str) -> employer_pb2.BatchGetEmployerFactsResponse:
        target = stack.environment["CRADLE_CLAIMS_TARGET"]
        async with rpc.channel(target, stack.authority.identity(who)) as channel:
            return await employer_pb2_grpc.EmployerFactsServiceStub(channel).BatchGetEmployerFacts(asked, timeout=10)

    answered = asyncio.run(ask("service/certification"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        asyncio.run(ask("source/hospitals"))

    assert [one.employer for one in answered.answers] == list(asked.employers)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (TODAY, TODAY, None),
        (TODAY, TODAY - DAY, "FIELD_OUT_OF_RANGE"),
        (date(2016, 12, 31), TODAY, None),
        (date(2015, 12, 31), TODAY, "FIELD_OUT_OF_RANGE"),
    ],
)
def test_a_period_ends_after_it_begins_and_is_not_for_ever(first: date, last: date, code: str | None) -> None:
    if code is None:
        assert wire.asked(request([str(new_id())], first, last))[1:] == (first, last)
        return
    with pytest.raises(Invalid) as refused:
        wire.asked(request([str(new_id())], first, last))
    assert [(one.code, one.field) for one in refused.value.reasons] == [(code, "last_day")]
