"""What a reviewer has denied is not approved without a person, whatever its sender does; a person may lift it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from cradle.claims.v1 import redetermination_pb2, review_pb2

from deploy.local.stack import Stack
from services.claims import usecases
from services.claims.api import Redeterminations, Reviews
from services.kit import auth
from services.kit.auth.principal import Principal
from tests.builders import DELIVERED, claim, for_surgery, law_with, replacement, submit, void
from tests.claims.desk import Desk
from tests.claims.harness import Insured, insure
from tests.claims.test_appeals import city
from tests.kit.live import rows, value

pytestmark = pytest.mark.integration

OWED = 1_960_000
DENIED_BEFORE = ("PENDED", ["DENIED_BEFORE"])
FALSE = review_pb2.DENY_REASON_PAPERS_FALSE


@dataclass
class Case:
    """A claim that two persons have denied, and its woman."""

    desk: Desk
    who: Insured
    number: str

    def sent(self, **changes: Any) -> Any:
        return claim(**{"number": self.number, "person": self.who.number, "employer": self.who.employer, **changes})

    async def answer(self, number: str, **answer: Any) -> None:
        """Answer the open review of a claim, by two persons if it needs them."""
        sql = """SELECT review_task.id FROM review_task JOIN claim ON claim.id = claim_id
                 WHERE claim.number = $1 AND review_task.state <> 'CLOSED'"""
        review_id = await value(self.desk.dsn, sql, number)
        done = await self._move("li", review_id, **answer)
        if done.second_person_needed:
            await self._move("wang", review_id, agree=review_pb2.Agree())

    async def _move(self, who: str, review_id: Any, **answer: Any) -> Any:
        async with self.desk.at_work() as (office, database):
            reviews: Any = Reviews(usecases.Desk(office, database))
            with auth.acting(Principal("person", who, "city-reviewer", "baoji", frozenset())):
                name = f"reviews/{review_id}"
                read = await reviews.GetReview(review_pb2.GetReviewRequest(name=name), None)
                move = review_pb2.Move(name=name, etag=read.etag)
                read = await reviews.TakeReview(review_pb2.TakeReviewRequest(move=move), None)
                move = review_pb2.Move(name=name, etag=read.etag)
                return await reviews.AnswerReview(review_pb2.AnswerReviewRequest(move=move, **answer), None)

    async def asked(self) -> list[tuple[str, str, str]]:
        sql = """SELECT claim.number, reason, review_task.state FROM review_task JOIN claim ON claim.id = claim_id
                 WHERE reason = 'DENIED_BEFORE' ORDER BY review_task.id"""
        return [tuple(row) for row in await rows(self.desk.dsn, sql)]

    async def owed(self) -> int:
        return int(await value(self.desk.dsn, "SELECT COALESCE(sum(owed_fen), 0) FROM ordered"))


async def denied(stack: Stack, desk: Desk) -> Case:
    """A claim near another, which a reviewer compares, who finds that its papers are false; the other one is voided."""
    case = Case(desk, Insured(), "near")
    await insure(stack, case.who)
    await desk.take(submit(case.sent(number="other", on=DELIVERED - timedelta(days=3))))
    assert await desk.take(submit(case.sent())) == [("PENDED", ["DELIVERY_DATE_REVIEW"])]
    await case.answer("near", deny=FALSE)
    await desk.take(void("other"))
    assert await desk.claim("near") == ("DENIED", 2)
    assert await case.owed() == 0
    return case


def again(case: Case) -> list[bytes]:
    return [replacement(case.sent(), 2)]


def under_another_number(case: Case) -> list[bytes]:
    return [submit(case.sent(number="another"))]


def after_a_void(case: Case) -> list[bytes]:
    return [void("near", why="ENTERED_WRONGLY"), submit(case.sent(number="another"))]


def with_another_day(case: Case) -> list[bytes]:
    return [replacement(case.sent(on=DELIVERED + timedelta(days=1)), 2)]


def after_a_correction(case: Case) -> list[bytes]:
    """It is another woman's now, whom nobody knows."""
    return [replacement(case.sent(person=Insured().number), 2), submit(case.sent(number="another"))]


@pytest.mark.parametrize("way", [again, under_another_number, after_a_void, with_another_day, after_a_correction])
def test_it_waits_for_a_person_however_it_is_sent_again(stack: Stack, way: Callable[[Case], list[bytes]]) -> None:
    desk = Desk.open(stack)

    async def act() -> None:
        case = await denied(stack, desk)

        for sent in way(case):
            told = await desk.take(sent, source="hospitals")

        assert told == [DENIED_BEFORE]
        assert await case.owed() == 0
        assert [(reason, state) for _, reason, state in await case.asked()] == [("DENIED_BEFORE", "OPEN")]

    asyncio.run(act())


def test_a_denied_surgery_asks_a_person_about_every_one_of_its_day(stack: Stack) -> None:
    """What was found of her papers may be behind the others too: none of them is refused, a person looks."""
    desk = Desk.open(stack)

    async def act() -> None:
        case = Case(desk, Insured(), "abortion")
        await insure(stack, case.who)
        abortion = for_surgery(case.sent(), "3")
        abortion.event.ClearField("gestation_days")
        assert await desk.take(submit(abortion)) == [("PENDED", ["GESTATION_REQUIRED"])]
        await case.answer("abortion", deny=FALSE)

        assert await desk.take(submit(for_surgery(case.sent(number="ligation"), "5"))) == [DENIED_BEFORE]
        await case.answer("ligation", decide=review_pb2.Supplement())

        assert (await desk.claim("ligation"))[0] == "APPROVED"

    asyncio.run(act())


def test_a_person_decides_it_and_from_then_on_it_is_decided_as_any_other(stack: Stack) -> None:
    desk = Desk.open(stack)

    async def act() -> None:
        case = await denied(stack, desk)
        await desk.take(replacement(case.sent(), 2))
        await case.answer("near", decide=review_pb2.Supplement())
        assert (await desk.claim("near"))[0] == "APPROVED"
        assert await case.owed() == OWED

        assert await desk.take(replacement(case.sent(), 3)) == [("DETERMINED", [])]
        assert await case.owed() == OWED

    asyncio.run(act())


def test_coverage_that_comes_approves_nothing_beside_the_finding(stack: Stack) -> None:
    """One claim that was refused for too few months, and one that waited for her months to be reported."""
    desk = Desk.open(stack)

    async def act() -> None:
        case = await denied(stack, desk)
        await insure(stack, case.who, paid="2026-01..2026-11")
        assert await desk.take(submit(case.sent(number="short"))) == [("DETERMINED", ["CONTRIB_SHORT"])]
        await insure(stack, case.who, paid="2026-01..2026-02", reported_to="2026-02")
        (late,) = await desk.take(submit(case.sent(number="late")))
        assert late == ("PENDED", ["AWAITING_COVERAGE", "CONTRIBUTIONS_NOT_REPORTED"])
        await insure(stack, case.who)
        for version in (1001, 1002):
            await desk.hear(await desk.person("short"), version)

        assert [(await desk.claim(number))[0] for number in ("short", "late")] == ["DENIED", "PENDED"]
        asked = [("short", "DENIED_BEFORE", "OPEN"), ("late", "DENIED_BEFORE", "OPEN")]
        assert sorted(await case.asked()) == sorted(asked)
        assert await case.owed() == 0

    asyncio.run(act())


def test_another_law_approves_nothing_beside_the_finding(stack: Stack) -> None:
    """The plan is approved for all claims at once: nobody has looked at this one."""
    at = city(stack)

    async def act() -> None:
        case = await denied(stack, at.desk)
        await insure(stack, case.who, paid="2026-01..2026-11")
        assert await at.desk.take(submit(case.sent(number="short"))) == [("DETERMINED", ["CONTRIB_SHORT"])]
        at.desk.law = law_with({"allowance.min_continuous_months": 1})
        plan = await at.ask(
            Redeterminations, "PlanRedetermination", redetermination_pb2.PlanRedeterminationRequest(request_id="p")
        )
        await at.redetermine()
        plan = await at.ask(
            Redeterminations, "GetRedetermination", redetermination_pb2.GetRedeterminationRequest(name=plan.name)
        )
        approved = redetermination_pb2.ApproveRedeterminationRequest(
            name=plan.name, etag=plan.etag, plan_hash=plan.plan_hash, request_id="a"
        )
        await at.ask(Redeterminations, "ApproveRedetermination", approved, "wang")
        await at.redetermine()

        assert (await at.desk.claim("short"))[0] == "DENIED"
        sql = """SELECT reason FROM review_task JOIN claim ON claim.id = claim_id
                 WHERE claim.number = 'short' AND review_task.state = 'OPEN'"""
        assert [row["reason"] for row in await rows(at.desk.dsn, sql)] == ["LAW_CHANGED"]
        assert await case.owed() == 0

    asyncio.run(act())


def test_an_appeal_lifts_what_was_denied(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        case = await denied(stack, at.desk)
        made = await at.file(case.number, "zhao")

        answered = await at.answer(made, "qian", decide=review_pb2.Supplement())
        if answered.second_person_needed:
            await at.take(made, "sun")
            request = review_pb2.AnswerReviewRequest(move=await at.move(made, "sun"), agree=review_pb2.Agree())
            await at.ask(Reviews, "AnswerReview", request, "sun")

        assert (await at.desk.claim(case.number))[0] == "APPROVED"
        assert await case.owed() == OWED

    asyncio.run(act())
