"""A changed law: planned for all claims, approved by a second person, carried out once, downwards never by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from cradle.claims.v1 import redetermination_pb2, review_pb2
from cradle.treasury.v1 import order_pb2

from deploy.local.stack import Stack
from services.claims import rules, usecases
from services.claims.api import Redeterminations, Reviews
from services.claims.usecases import Office
from services.kit import auth
from services.kit.auth.principal import Principal
from services.kit.db import Database
from services.kit.errors import Conflict, Invalid
from services.kit.law import Law
from tests.builders import (
    claim,
    claim_number,
    law_with,
    medical,
    provider_record,
    replacement,
    submit,
    visit_sent,
    void,
)
from tests.claims.desk import Desk
from tests.claims.harness import Insured, insure, record
from tests.kit.live import rows, value

pytestmark = pytest.mark.integration

HOSPITAL = "H61030200123"
OWED = 1_960_000
MORE = law_with({"allowance.divisor": 28})
LESS = law_with({"allowance.divisor": 35})
CAP = "medical.antenatal.cap_per_pregnancy"
_pb = redetermination_pb2


@pytest.fixture(scope="module", autouse=True)
def hospital(stack: Stack) -> None:
    asyncio.run(record(stack, providers=[provider_record(HOSPITAL)]))


def principal(name: str) -> Principal:
    return Principal("person", name, "city-reviewer", "baoji", frozenset())


@dataclass
class City:
    """An office with claims on file, and persons who ask."""

    desk: Desk
    chunk: int = 500
    people: dict[str, Insured] = field(default_factory=dict)

    async def approved(self, *, county: str = "610304") -> str:
        """The number of another claim, decided under the law of the desk."""
        who, number = Insured(), claim_number()
        await insure(self.desk.stack, who)
        self.people[number] = who
        await self.desk.take(submit(self.claim(number, county=county)))
        return number

    def claim(self, number: str, **changes: Any) -> Any:
        who = self.people[number]
        return claim(number=number, person=who.number, employer=who.employer, **changes)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[tuple[Office, Database]]:
        async with self.desk.at_work() as (office, database):
            settings = office.settings.model_copy(update={"timer_claims_max": self.chunk})
            yield replace(office, settings=settings), database

    async def ask(self, method: str, request: Any, who: str = "li") -> Any:
        async with self.at_work() as (office, database):
            servicer = Redeterminations(usecases.Desk(office, database))
            with auth.acting(principal(who)):
                return await getattr(servicer, method)(request, None)

    async def go_on(self) -> int:
        async with self.at_work() as (office, database):
            return await usecases.redetermining.go_on(office, database)

    async def plan(self, law: Law, who: str = "li") -> _pb.Redetermination:
        self.desk.law = law
        made = await self.ask("PlanRedetermination", _pb.PlanRedeterminationRequest(request_id=str(uuid4())), who)
        while await self.go_on():
            pass
        return await self.get(made.name)

    async def get(self, name: str) -> _pb.Redetermination:
        found: _pb.Redetermination = await self.ask("GetRedetermination", _pb.GetRedeterminationRequest(name=name))
        return found

    async def approve(self, one: _pb.Redetermination, who: str = "wang", plan_hash: str = "") -> _pb.Redetermination:
        request = _pb.ApproveRedeterminationRequest(
            name=one.name, etag=one.etag, plan_hash=plan_hash or one.plan_hash, request_id=str(uuid4())
        )
        made: _pb.Redetermination = await self.ask("ApproveRedetermination", request, who)
        return made

    async def carried_out(self, one: _pb.Redetermination) -> _pb.Redetermination:
        await self.approve(one)
        await self.go_on()
        return await self.get(one.name)

    async def amounts(self, number: str) -> list[tuple[str, int]]:
        sql = """SELECT outcome, COALESCE((result::jsonb #>> '{figures,allowance_fen}')::bigint, 0)
                        + COALESCE((result::jsonb #>> '{figures,medical_fen}')::bigint, 0) AS fen
                 FROM determination JOIN claim ON claim.id = claim_id WHERE number = $1
                 ORDER BY determination.version"""
        return [(row["outcome"], row["fen"]) for row in await rows(self.desk.dsn, sql, number)]

    async def ordered(self, number: str) -> list[int]:
        """What each order of a claim states, one after the other."""
        sql = """SELECT payload FROM outbox JOIN claim ON key = convert_to(claim.id::text, 'UTF8')
                 WHERE number = $1 AND topic = 'treasury.order.v1' ORDER BY outbox.id"""
        found = await rows(self.desk.dsn, sql, number)
        return [order_pb2.OrderEvent.FromString(row["payload"]).stated.owed_fen for row in found]

    async def written(self) -> int:
        """How many rows tell of changes."""
        count: int = await value(
            self.desk.dsn,
            """SELECT (SELECT count(*) FROM determination) + (SELECT count(*) FROM outbox)
                      + (SELECT count(*) FROM ordered)""",
        )
        return count

    async def questions(self) -> list[tuple[str, str, str]]:
        sql = """SELECT claim.number, review_task.kind, review_task.state
                 FROM review_task JOIN claim ON claim.id = claim_id ORDER BY 1, 2"""
        return [tuple(row) for row in await rows(self.desk.dsn, sql)]


def city(stack: Stack, chunk: int = 500) -> City:
    return City(Desk.open(stack), chunk)


def sums(one: _pb.Redetermination) -> list[tuple[str, str, int, int, int]]:
    return [
        (s.county, _pb.RedeterminationFinding.Name(s.finding).rpartition("_")[2], s.claims, s.up_fen, s.down_fen)
        for s in one.sums
    ]


def state(one: _pb.Redetermination) -> str:
    return _pb.RedeterminationState.Name(one.state).removeprefix("REDETERMINATION_STATE_")


def became(one: _pb.Redetermination) -> tuple[int, int, int, int]:
    return one.decided, one.asked, one.settled, one.failed


def codes(refused: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [one.code for one in refused.value.reasons]


# --- planning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 500])
def test_a_plan_tells_the_difference_by_county_and_changes_nothing(stack: Stack, chunk: int) -> None:
    at = city(stack, chunk)

    async def act() -> None:
        for county in ("610304", "610304", "610302"):
            await at.approved(county=county)
        before = await at.written()

        planned = await at.plan(MORE)

        gained = 98 * 600_000 // 28 - OWED
        assert (state(planned), planned.planned) == ("PLANNED", 3)
        assert sums(planned) == [("610302", "UP", 1, gained, 0), ("610304", "UP", 2, 2 * gained, 0)]
        assert await at.written() == before
        shown = await at.ask("ListRedeterminedClaims", _pb.ListRedeterminedClaimsRequest(parent=planned.name))
        assert [(one.before_fen, one.after_fen, one.result) for one in shown.claims] == [(OWED, OWED + gained, 0)] * 3
        assert [line.line for line in shown.claims[0].lines] == ["ALLOWANCE/1"]

    asyncio.run(act())


def test_where_the_law_is_the_same_there_is_nothing_to_do_and_that_is_told(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        await at.approved()

        with pytest.raises(Invalid) as refused:
            await at.plan(at.desk.law)

        assert codes(refused) == ["LAW_UNCHANGED"]

    asyncio.run(act())


def test_a_law_that_changes_no_claim_ends_with_its_plan(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        await at.approved()

        planned = await at.plan(law_with({CAP: 100_000}))

        assert (state(planned), sums(planned)) == ("DONE", [("610304", "SAME", 1, 0, 0)])

    asyncio.run(act())


def test_one_is_planned_at_a_time_and_a_request_again_is_the_same_plan(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        await at.approved()
        at.desk.law = MORE
        request = _pb.PlanRedeterminationRequest(request_id=str(uuid4()))
        first, again = [await at.ask("PlanRedetermination", request) for _ in range(2)]

        with pytest.raises(Invalid) as refused:
            await at.plan(MORE)

        assert first.name == again.name
        assert codes(refused) == ["REDETERMINATION_OPEN"]

    asyncio.run(act())


# --- two persons -----------------------------------------------------------------------------------------------------


def test_another_person_approves_exactly_what_was_planned(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        await at.approved()
        planned = await at.plan(MORE)
        told = []
        for who, plan_hash in (("li", ""), ("wang", "0" * 64)):
            with pytest.raises(Invalid) as refused:
                await at.approve(planned, who, plan_hash)
            told += codes(refused)
        at.desk.law = LESS
        with pytest.raises(Invalid) as refused:
            await at.approve(planned)
        told += codes(refused)

        assert told == ["REDETERMINATION_SECOND_PERSON", "REDETERMINATION_HASH_DIFFERS", "REDETERMINATION_LAW_OTHER"]
        with pytest.raises(asyncpg.CheckViolationError, match="second_person_is_another"):
            await rows(at.desk.dsn, "UPDATE redetermination SET approved_by = planned_by, state = 'APPROVED'")
        with pytest.raises(asyncpg.RaiseError):
            await rows(at.desk.dsn, "UPDATE redetermination_item SET after_fen = 0")

    asyncio.run(act())


def test_approving_reads_none_of_the_claims_however_many_they_are(stack: Stack) -> None:
    """It is one call: while nobody can read them, it is answered."""
    at = city(stack)

    async def act() -> None:
        await at.approved()
        planned = await at.plan(MORE)
        connection = await asyncpg.connect(at.desk.dsn)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE redetermination_item IN ACCESS EXCLUSIVE MODE")
                approved = await asyncio.wait_for(at.approve(planned), timeout=10)
        finally:
            await connection.close()

        assert state(approved) == "APPROVED"

    asyncio.run(act())


def test_a_plan_made_under_another_law_is_left_alone_by_whoever_decides_under_this(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number = await at.approved()
        planned = await at.plan(MORE)
        await at.approve(planned)
        at.desk.law = LESS

        assert await at.go_on() == 0
        assert await at.amounts(number) == [("APPROVED", OWED)]

    asyncio.run(act())


# --- carrying out ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 500])
def test_upwards_is_decided_once_and_the_whole_is_ordered(stack: Stack, chunk: int) -> None:
    at = city(stack, chunk)

    async def act() -> None:
        numbers = [await at.approved() for _ in range(3)]
        done = await at.carried_out(await at.plan(MORE))
        written = await at.written()

        more = 98 * 600_000 // 28
        assert (state(done), became(done)) == ("DONE", (3, 0, 0, 0))
        for number in numbers:
            assert await at.amounts(number) == [("APPROVED", OWED), ("APPROVED", more)]
            assert await at.ordered(number) == [OWED, more]
            assert await at.desk.claim(number) == ("APPROVED", 2)
        kept = await rows(at.desk.dsn, "SELECT DISTINCT sequence, law_digest FROM determination ORDER BY sequence")
        assert [tuple(row) for row in kept] == [(1, rules.LAW.digest), (2, MORE.digest)]
        assert (await at.go_on(), await at.written()) == (0, written)

    asyncio.run(act())


def test_downwards_is_asked_of_a_person_with_both_results(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number = await at.approved()
        done = await at.carried_out(await at.plan(LESS))

        assert (state(done), became(done)) == ("DONE", (0, 1, 0, 0))
        assert await at.amounts(number) == [("APPROVED", OWED)]
        assert await at.ordered(number) == [OWED]
        assert await at.questions() == [(number, "LAW_CHANGED", "OPEN")]
        async with at.at_work() as (office, database):
            with auth.acting(principal("zhao")):
                servicer: Any = Reviews(usecases.Desk(office, database))
                (listed,) = (
                    await servicer.ListReviews(review_pb2.ListReviewsRequest(reason="LAW_CHANGED"), None)
                ).reviews
                review = await servicer.GetReview(review_pb2.GetReviewRequest(name=listed.name), None)
        assert (review.redetermined.before_fen, review.redetermined.after_fen) == (OWED, 98 * 600_000 // 35)

    asyncio.run(act())


def test_what_waited_for_the_placeholder_is_decided(stack: Stack) -> None:
    """Two of one person share the cap that was set, in the plan as when it is carried out."""
    at = city(stack)

    async def act() -> None:
        who, numbers = Insured(), [claim_number() for _ in range(2)]
        await insure(stack, who)
        for day, number in enumerate(numbers, 15):
            visits = [visit_sent(80_000, date(2026, 1, day))]
            await at.desk.take(submit(medical("REIMBURSEMENT", number=number, person=who.number, visits=visits)))
        planned = await at.plan(law_with({CAP: 100_000}))
        done = await at.carried_out(planned)

        assert sums(planned) == [("610304", "WAITED", 2, 100_000, 0)]
        assert (state(done), became(done)) == ("DONE", (2, 0, 0, 0))
        assert [await at.amounts(number) for number in numbers] == [
            [("PENDED", 0), ("APPROVED", 80_000)],
            [("PENDED", 0), ("APPROVED", 20_000)],
        ]

    asyncio.run(act())


def test_what_changed_since_the_plan_is_looked_at_by_itself(stack: Stack) -> None:
    """Voided, corrected under the law in force, and decided otherwise than planned."""
    at = city(stack)

    async def act() -> None:
        voided, corrected, other, plain = [await at.approved() for _ in range(4)]
        planned = await at.plan(MORE)
        await at.desk.take(void(voided), replacement(at.claim(corrected, remark="again"), 2))
        at.desk.law = rules.LAW  # a worker of the release before decides once more, under the law before
        await at.desk.take(replacement(at.claim(other, remark="again"), 2))
        at.desk.law = MORE
        done = await at.carried_out(planned)

        more = 98 * 600_000 // 28
        assert (state(done), became(done)) == ("DONE", (1, 1, 2, 0))
        assert await at.amounts(voided) == [("APPROVED", OWED)]
        assert await at.amounts(corrected) == [("APPROVED", OWED), ("APPROVED", more)]
        assert await at.amounts(other) == [("APPROVED", OWED), ("APPROVED", OWED)]
        assert await at.amounts(plain) == [("APPROVED", OWED), ("APPROVED", more)]
        assert await at.questions() == [(other, "LAW_CHANGED", "OPEN")]

    asyncio.run(act())


@pytest.mark.parametrize("chunk", [1, 2, 500])
def test_of_several_workers_one_has_each_chunk(stack: Stack, chunk: int) -> None:
    at = city(stack, chunk)

    async def act() -> None:
        numbers = [await at.approved() for _ in range(4)]
        at.desk.law = MORE
        made = await at.ask("PlanRedetermination", _pb.PlanRedeterminationRequest(request_id=str(uuid4())))
        await asyncio.gather(*[at.go_on() for _ in range(3)])
        planned = await at.get(made.name)
        await at.approve(planned)
        await asyncio.gather(*[at.go_on() for _ in range(3)])

        done = await at.get(made.name)
        assert (state(done), planned.planned, became(done)) == ("DONE", 4, (4, 0, 0, 0))
        for number in numbers:
            assert len(await at.amounts(number)) == 2

    asyncio.run(act())


def test_it_races_with_corrections_voids_and_looking_again_and_each_claim_comes_out_right(stack: Stack) -> None:
    at = city(stack, chunk=2)

    async def act() -> None:
        numbers = [await at.approved() for _ in range(12)]
        planned = await at.plan(MORE)
        await at.approve(planned)
        await rows(at.desk.dsn, "INSERT INTO look_again SELECT id FROM claim")
        voided, corrected = numbers[::4], numbers[1::4]
        sent = [void(number) for number in voided]
        sent += [replacement(at.claim(number, remark="again"), 2) for number in corrected]

        async def until_taken(one: bytes) -> None:
            while True:
                with suppress(Conflict):
                    assert (await at.desk.take(one))[0][0] != "RETURNED"
                    return

        async def persevering(work: Callable[[], Awaitable[int]]) -> None:
            for _ in range(6):
                with suppress(Conflict):
                    await work()

        works = [persevering(at.go_on), persevering(at.go_on), persevering(at.desk.look_again)]
        await asyncio.gather(*works, *map(until_taken, sent))

        done, more = await at.get(planned.name), 98 * 600_000 // 28
        assert (state(done), sum(became(done)), done.asked, done.failed) == ("DONE", 12, 0, 0)
        for number in numbers:
            is_void = number in voided
            assert (await at.desk.claim(number))[0] == ("VOIDED" if is_void else "APPROVED")
            assert (await at.ordered(number))[-1] == (0 if is_void else more)
            assert len(await at.amounts(number)) <= 2 + (number in corrected)
            if not is_void:
                assert (await at.amounts(number))[-1] == ("APPROVED", more)

    asyncio.run(act())


def test_one_that_hits_a_bug_is_told_and_the_others_are_decided(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        numbers = [await at.approved() for _ in range(3)]
        planned = await at.plan(MORE)
        await at.approve(planned)
        sql = "UPDATE ordered SET revision = 99 WHERE claim_id = (SELECT id FROM claim WHERE number = $1)"
        await rows(at.desk.dsn, sql, numbers[1])  # what is ordered next does not stand above it
        await at.go_on()

        done = await at.get(planned.name)
        assert (state(done), became(done)) == ("DONE", (2, 0, 0, 1))
        assert [len(await at.amounts(number)) for number in numbers] == [2, 1, 2]

    asyncio.run(act())


def test_what_is_cancelled_goes_no_further_and_what_was_done_stays(stack: Stack) -> None:
    at = city(stack, chunk=1)

    async def act() -> None:
        numbers = [await at.approved() for _ in range(30)]
        planned = await at.plan(MORE)
        await at.approve(planned)
        await at.go_on()
        half = await at.get(planned.name)
        request = _pb.CancelRedeterminationRequest(name=half.name, etag=half.etag, request_id=str(uuid4()))
        await at.ask("CancelRedetermination", request)
        await at.go_on()

        done = await at.get(planned.name)
        assert (state(done), became(done)) == ("CANCELLED", (20, 0, 0, 0))
        assert sorted([len(await at.amounts(number)) for number in numbers]) == [1] * 10 + [2] * 20
        rest = await at.plan(MORE)
        assert rest.planned == 10

    asyncio.run(act())
