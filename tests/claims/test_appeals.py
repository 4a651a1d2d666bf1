"""Appeals: filed in time, decided by another person, once; what is determined again states the whole."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from cradle.claims.v1 import appeal_pb2, event_pb2, redetermination_pb2, review_pb2, service_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from deploy.local.stack import Stack
from services.claims import usecases
from services.claims.api import Appeals, Claims, Redeterminations, Reviews
from services.claims.model.appeal import APPEAL_MOVES, AppealState
from services.kit import auth
from services.kit.auth.principal import Principal
from services.kit.dates import to_proto
from services.kit.errors import Invalid, NotFound
from tests.builders import TODAY, claim, claim_number, law_with, replacement, submit, void
from tests.claims.desk import Desk
from tests.claims.harness import Insured, insure
from tests.kit.live import rows, value

pytestmark = pytest.mark.integration

OWED, DIFFICULT = 1_960_000, 2_260_000  # 98 and 113 days
_pb = appeal_pb2


def principal(name: str, *counties: str) -> Principal:
    bounds = frozenset(counties) if counties else None
    return Principal("person", name, "city-reviewer", "baoji", frozenset(), counties=bounds)


@dataclass
class City:
    """An office with claims on file, and persons who appeal and decide."""

    desk: Desk
    people: dict[str, Insured] = field(default_factory=dict)

    async def determined(self) -> str:
        """The number of another claim, approved."""
        who, number = Insured(), claim_number()
        await insure(self.desk.stack, who)
        self.people[number] = who
        await self.desk.take(submit(self.claim(number)))
        return number

    def claim(self, number: str, **changes: Any) -> Any:
        who, sent = self.people[number], datetime.combine(self.desk.today, time(1), UTC)
        return claim(number=number, person=who.number, employer=who.employer, submitted=sent, **changes)

    async def ask(self, servicer: type[Any], method: str, request: Any, who: Principal | str = "li") -> Any:
        async with self.desk.at_work() as (office, database):
            made = servicer(usecases.Desk(office, database))
            with auth.acting(principal(who) if isinstance(who, str) else who):
                return await getattr(made, method)(request, None)

    async def file(self, number: str, who: str = "li", *, notified: date | None = None, **stated: Any) -> _pb.Appeal:
        request = _pb.FileAppealRequest(
            claim=f"sources/hospitals/claims/{number}",
            appellant=_pb.APPELLANT_PERSON,
            ground=_pb.APPEAL_GROUND_FACTS_WRONG,
            notify_date=to_proto(notified) if notified else None,
            **{"request_id": str(uuid4()), **stated},
        )
        made: _pb.Appeal = await self.ask(Appeals, "FileAppeal", request, who)
        return made

    async def withdraw(self, one: _pb.Appeal, **stated: Any) -> _pb.Appeal:
        request = _pb.WithdrawAppealRequest(
            **{"name": one.name, "etag": one.etag, "request_id": str(uuid4()), **stated}
        )
        made: _pb.Appeal = await self.ask(Appeals, "WithdrawAppeal", request)
        return made

    async def get(self, one: _pb.Appeal) -> _pb.Appeal:
        found: _pb.Appeal = await self.ask(Appeals, "GetAppeal", _pb.GetAppealRequest(name=one.name))
        return found

    async def take(self, one: _pb.Appeal, who: str) -> review_pb2.Review:
        request = review_pb2.TakeReviewRequest(move=await self.move(one, who))
        taken: review_pb2.Review = await self.ask(Reviews, "TakeReview", request, who)
        return taken

    async def answer(self, one: _pb.Appeal, who: str, **answer: Any) -> Any:
        """Take the review of an appeal and answer it."""
        await self.take(one, who)
        request = review_pb2.AnswerReviewRequest(move=await self.move(one, who), **answer)
        return await self.ask(Reviews, "AnswerReview", request, who)

    async def move(self, one: _pb.Appeal, who: str) -> review_pb2.Move:
        review = await self.ask(Reviews, "GetReview", review_pb2.GetReviewRequest(name=one.review), who)
        return review_pb2.Move(name=review.name, etag=review.etag)

    async def redetermine(self) -> None:
        async with self.desk.at_work() as (office, database):
            while await usecases.redetermining.go_on(office, database):
                pass

    async def amounts(self, number: str) -> list[int]:
        sql = """SELECT COALESCE((result::jsonb #>> '{figures,allowance_fen}')::bigint, 0) AS fen
                 FROM determination JOIN claim ON claim.id = claim_id WHERE number = $1
                 ORDER BY determination.version"""
        return [row["fen"] for row in await rows(self.desk.dsn, sql, number)]

    async def owed(self, number: str) -> int:
        sql = "SELECT sum(owed_fen) FROM ordered JOIN claim ON claim.id = claim_id WHERE number = $1"
        return int(await value(self.desk.dsn, sql, number))

    async def told(self, number: str) -> list[event_pb2.ClaimEvent]:
        sql = """SELECT payload FROM outbox JOIN claim ON aggregateid = claim.id::text
                 WHERE number = $1 AND topic = 'claims.claim.v1' ORDER BY outbox.id"""
        return [event_pb2.ClaimEvent.FromString(row["payload"]) for row in await rows(self.desk.dsn, sql, number)]


def city(stack: Stack, today: date = TODAY) -> City:
    desk = Desk.open(stack)
    desk.today = today
    return City(desk)


def state(one: _pb.Appeal) -> str:
    return _pb.AppealState.Name(one.state).removeprefix("APPEAL_STATE_")


def code(refused: pytest.ExceptionInfo[Invalid]) -> str:
    return refused.value.reasons[0].code


DYSTOCIA = review_pb2.Supplement(dystocia=True)


# --- filing ----------------------------------------------------------------------------------------------------------


def test_an_appeal_is_asked_of_a_person_and_told_and_what_is_undisputed_is_paid(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number = await at.determined()
        made = await at.file(number, lines=["ALLOWANCE/1"], note="我的分娩是难产")

        assert (state(made), list(made.lines), made.revision) == ("FILED", ["ALLOWANCE/1"], 1)
        assert (made.due_date.month, made.due_date.day) == (12, 21)
        assert await at.owed(number) == OWED
        assert [(one.version, one.WhichOneof("event")) for one in await at.told(number)] == [
            (1, "determined"),
            (2, "appealed"),
        ]
        assert await at.desk.claim(number) == ("APPROVED", 2)
        sealed = await value(at.desk.dsn, "SELECT note_sealed FROM review_entry")
        assert "难产".encode() not in sealed
        review = await at.ask(Reviews, "GetReview", review_pb2.GetReviewRequest(name=made.review), "wang")
        assert [(entry.move, entry.note) for entry in review.history] == [("OPENED", "我的分娩是难产")]
        assert [one.name for one in review.claim_on_file.appeals] == [made.name]
        async with at.desk.at_work() as (office, database):
            servicer: Any = Claims(database, office.law, None, None)  # type: ignore[arg-type]  # it only asks
            with auth.acting(principal("li")):
                shown = await servicer.GetClaim(service_pb2.GetClaimRequest(name=made.claim), None)
                request = service_pb2.ExplainDeterminationRequest(name=made.claim, language=service_pb2.LANGUAGE_EN)
                explained = await servicer.ExplainDetermination(request, None)
        assert [one.name for one in shown.appeals] == [made.name]
        assert "An appeal filed on 2026-11-23 is being dealt with" in explained.text

    asyncio.run(act())


@pytest.mark.parametrize(("days", "told"), [(60, ""), (61, "APPEAL_LATE"), (59, "")])
def test_it_is_filed_within_the_window_or_with_a_cause(stack: Stack, days: int, told: str) -> None:
    decided = date(2026, 9, 21)  # 60 days later it is a Friday
    at = city(stack, decided)

    async def act() -> None:
        number = await at.determined()
        at.desk.today = decided + timedelta(days=days)
        if told:
            with pytest.raises(Invalid) as refused:
                await at.file(number)
            assert (code(refused), dict(refused.value.reasons[0].values)) == (told, {"last": "2026-11-20"})
            assert state(await at.file(number, late_because=_pb.LATE_BECAUSE_FORCE_MAJEURE)) == "FILED"
        else:
            with pytest.raises(Invalid) as refused:
                await at.file(number, late_because=_pb.LATE_BECAUSE_OTHER_CAUSE)
            assert code(refused) == "APPEAL_NOT_LATE"
            assert state(await at.file(number)) == "FILED"

    asyncio.run(act())


def test_the_window_runs_from_the_day_of_the_notice(stack: Stack) -> None:
    decided = date(2026, 9, 21)
    at = city(stack, decided)

    async def act() -> None:
        number = await at.determined()
        at.desk.today = decided + timedelta(days=70)
        for wrong in (decided - timedelta(days=1), at.desk.today + timedelta(days=1)):
            with pytest.raises(Invalid) as refused:
                await at.file(number, notified=wrong)
            assert code(refused) == "APPEAL_NOTIFIED_WRONG"

        assert state(await at.file(number, notified=decided + timedelta(days=10))) == "FILED"

    asyncio.run(act())


def test_the_same_twice_is_once_and_one_is_open_at_a_time(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number, request_id = await at.determined(), str(uuid4())
        first, again = [await at.file(number, request_id=request_id) for _ in range(2)]
        with pytest.raises(Invalid) as refused:
            await at.file(number)

        assert first == again
        assert code(refused) == "APPEAL_OPEN"
        assert await value(at.desk.dsn, "SELECT count(*) FROM appeal") == 1
        withdrawn, same = [await at.withdraw(first, request_id=request_id.replace("-", "")) for _ in range(2)]
        assert (state(withdrawn), withdrawn.decided_by, same) == ("WITHDRAWN", "person/li", withdrawn)
        assert state(await at.file(number)) == "FILED"

    asyncio.run(act())


def test_several_at_once_are_one(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number = await at.determined()
        found = await asyncio.gather(*[at.file(number) for _ in range(4)], return_exceptions=True)

        assert sum(isinstance(one, _pb.Appeal) for one in found) == 1
        assert {one.reasons[0].code for one in found if isinstance(one, Invalid)} == {"APPEAL_OPEN"}

    asyncio.run(act())


def test_what_is_voided_and_what_is_no_line_is_answered(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        voided, told = await at.determined(), []
        await at.desk.take(void(voided))
        for number, lines in ((voided, []), (await at.determined(), ["STAY/1"])):
            with pytest.raises(Invalid) as refused:
                await at.file(number, lines=lines)
            told.append(code(refused))
        assert told == ["APPEAL_CLAIM_VOIDED", "APPEAL_LINE_UNKNOWN"]

    asyncio.run(act())


def test_a_claim_that_waits_is_not_appealed(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number, other = await at.determined(), Insured()
        await insure(stack, other)
        sent = at.claim(number)
        sent.employer_uscc = other.employer  # not hers: a person must look
        await at.desk.take(replacement(sent, 2))
        with pytest.raises(Invalid) as refused:
            await at.file(number)

        assert code(refused) == "APPEAL_NOT_DETERMINED"

    asyncio.run(act())


def test_of_another_county_nobody_learns_that_it_is_there(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        made = await at.file(await at.determined())
        elsewhere = principal("zhao", "610302")

        with pytest.raises(NotFound):
            await at.ask(Appeals, "GetAppeal", _pb.GetAppealRequest(name=made.name), elsewhere)
        for who, count in ((elsewhere, 0), (principal("zhao", "610304"), 1)):
            found = await at.ask(Appeals, "ListAppeals", _pb.ListAppealsRequest(state=_pb.APPEAL_STATE_FILED), who)
            assert len(found.appeals) == count

    asyncio.run(act())


# --- deciding --------------------------------------------------------------------------------------------------------


def test_it_is_upheld_by_another_person_and_may_not_be_appealed_again(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number = await at.determined()
        made = await at.file(number)
        with pytest.raises(Invalid) as refused:
            await at.answer(made, "li", stand=review_pb2.Stand())
        assert code(refused) == "APPEAL_BY_ANOTHER"
        await at.answer(made, "wang", stand=review_pb2.Stand())
        with pytest.raises(Invalid) as again:
            await at.file(number)

        ended = await at.get(made)
        assert (state(ended), ended.decided_by) == ("UPHELD", "person/wang")
        assert code(again) == "APPEAL_DECIDED"
        assert await at.amounts(number) == [OWED]
        assert [one.WhichOneof("event") for one in await at.told(number)] == ["determined", "appealed", "appeal_ended"]

    asyncio.run(act())


def test_it_is_determined_again_from_what_was_corrected_and_the_whole_is_ordered(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number = await at.determined()
        made = await at.file(number)
        await at.answer(made, "wang", decide=DYSTOCIA)

        assert state(await at.get(made)) == "REDETERMINED"
        assert await at.amounts(number) == [OWED, DIFFICULT]
        assert await at.owed(number) == DIFFICULT
        told = await at.told(number)
        assert [(one.version, one.WhichOneof("event")) for one in told] == [
            (1, "determined"),
            (2, "appealed"),
            (3, "determined"),
            (4, "appeal_ended"),
        ]
        assert told[-1].appeal_ended.outcome == _pb.APPEAL_STATE_REDETERMINED
        second = await at.file(number)  # what is determined anew may be appealed anew
        with pytest.raises(Invalid) as refused:
            await at.take(second, "wang")
        assert code(refused) == "APPEAL_BY_ANOTHER"
        await at.answer(second, "zhao", stand=review_pb2.Stand())

    asyncio.run(act())


def test_nobody_comes_off_worse_and_an_appeal_is_not_sent_back(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        made = await at.file(await at.determined())
        with pytest.raises(Invalid) as worse:
            await at.answer(made, "wang", deny=review_pb2.DENY_REASON_NOT_PROVEN)
        request = review_pb2.ReturnClaimRequest(
            move=await at.move(made, "wang"), reasons=[review_pb2.RETURN_REASON_STATED_WRONGLY]
        )
        with pytest.raises(Invalid) as back:
            await at.ask(Reviews, "ReturnClaim", request, "wang")

        assert (code(worse), code(back)) == ("APPEAL_NOT_WORSE", "APPEAL_ONLY_DECIDED")
        assert state(await at.get(made)) == "FILED"

    asyncio.run(act())


def test_the_database_refuses_who_filed_or_decided_before(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number = await at.determined()
        first = await at.file(number)
        await at.answer(first, "wang", decide=DYSTOCIA)
        await at.file(number)
        sql = """UPDATE appeal SET state = 'UPHELD', decided_by = $1, second_by = $2, deciders = '{person/wang}'
                 WHERE state = 'FILED'"""
        for people in (("person/li", ""), ("person/wang", ""), ("person/zhao", "person/wang")):
            with pytest.raises(asyncpg.CheckViolationError, match="decided_by_another"):
                await rows(at.desk.dsn, sql, *people)

    asyncio.run(act())


# --- what else happens to the claim ----------------------------------------------------------------------------------


def test_a_void_ends_it_and_a_correction_does_not(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number = await at.determined()
        made = await at.file(number)
        await at.desk.take(replacement(at.claim(number, remark="again"), 2))
        open_still = state(await at.get(made))
        await at.desk.take(void(number, 2))
        await at.desk.take(void(number, 2))

        assert (open_still, state(await at.get(made))) == ("FILED", "LAPSED")
        (review,) = await rows(at.desk.dsn, "SELECT state, outcome FROM review_task WHERE kind = 'APPEAL'")
        assert tuple(review) == ("CLOSED", "SUPERSEDED")
        with pytest.raises(Invalid):
            await at.take(made, "wang")

    asyncio.run(act())


def test_an_answer_races_with_a_correction_and_what_is_owed_is_what_was_decided_last(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        for _ in range(5):
            number = await at.determined()
            made = await at.file(number)
            await asyncio.gather(
                at.answer(made, "wang", decide=DYSTOCIA),
                at.desk.take(replacement(at.claim(number, remark="again"), 2)),
                at.desk.look_again(),
            )

            versions = [one.version for one in await at.told(number)]
            assert state(await at.get(made)) == "REDETERMINED"
            assert versions == list(range(1, len(versions) + 1))
            assert await at.owed(number) == (await at.amounts(number))[-1]

    asyncio.run(act())


def test_a_changed_law_decides_in_her_favour_and_leaves_the_appeal_open(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        number = await at.determined()
        made = await at.file(number)
        at.desk.law = law_with({"allowance.divisor": 28})
        planning = redetermination_pb2.PlanRedeterminationRequest(request_id=str(uuid4()))
        name = (await at.ask(Redeterminations, "PlanRedetermination", planning)).name
        await at.redetermine()
        request = redetermination_pb2.GetRedeterminationRequest(name=name)
        planned = await at.ask(Redeterminations, "GetRedetermination", request)
        approval = redetermination_pb2.ApproveRedeterminationRequest(
            name=name, etag=planned.etag, plan_hash=planned.plan_hash, request_id=str(uuid4())
        )
        await at.ask(Redeterminations, "ApproveRedetermination", approval, "wang")
        await at.redetermine()

        assert await at.amounts(number) == [OWED, 98 * 600_000 // 28]
        assert state(await at.get(made)) == "FILED"
        with pytest.raises(Invalid) as refused:  # who approved the plan has decided about the claim
            await at.take(made, "wang")
        assert code(refused) == "APPEAL_BY_ANOTHER"
        await at.answer(made, "zhao", stand=review_pb2.Stand())
        assert await at.owed(number) == 98 * 600_000 // 28

    asyncio.run(act())


def test_an_answer_races_with_a_void_and_one_of_them_ends_it(stack: Stack) -> None:
    at = city(stack)

    async def act() -> None:
        for _ in range(5):
            number = await at.determined()
            made = await at.file(number)
            await asyncio.gather(
                at.answer(made, "wang", decide=DYSTOCIA), at.desk.take(void(number)), return_exceptions=True
            )

            ended = state(await at.get(made))
            versions = [one.version for one in await at.told(number)]
            assert ended in {"LAPSED", "REDETERMINED"}
            assert versions == sorted(set(versions))
            assert (await at.desk.claim(number))[0] == "VOIDED"
            assert await at.owed(number) == 0

    asyncio.run(act())


WALK = ("file", "withdraw", "uphold", "redetermine", "correct", "void")


@dataclass
class Walker:
    """One claim, the appeals about it so far, and whatever is done next; what is refused changes nothing."""

    at: City
    number: str
    filed: list[_pb.Appeal] = field(default_factory=list)
    revision: int = 1

    async def step(self, nth: int, what: str) -> None:
        at, last = self.at, self.filed[-1] if self.filed else None
        match what:
            case "file":
                self.filed.append(await at.file(self.number))
            case "withdraw" if last:
                await at.withdraw(await at.get(last))
            case "uphold" if last:
                await at.answer(last, f"wang{nth}", stand=review_pb2.Stand())
            case "redetermine" if last:
                await at.answer(last, f"wang{nth}", decide=DYSTOCIA)
            case "correct":
                await at.desk.take(replacement(at.claim(self.number, remark=f"again {nth}"), self.revision + 1))
                self.revision += (await at.desk.claim(self.number))[0] != "VOIDED"
            case "void":
                await at.desk.take(void(self.number, self.revision))

    async def states(self) -> list[AppealState]:
        return [AppealState(state(await self.at.get(one))) for one in self.filed]


@given(some.lists(some.sampled_from(WALK), min_size=3, max_size=8))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_done_in_whatever_order_an_appeal_ends_once(stack: Stack, walk: list[str]) -> None:
    at = city(stack)

    async def act() -> None:
        walker = Walker(at, await at.determined())
        for nth, what in enumerate(walk):
            before = await walker.states()
            with suppress(Invalid):
                await walker.step(nth, what)
            after = await walker.states()
            assert all(new in {old, *APPEAL_MOVES[old].values()} for old, new in zip(before, after, strict=False))
            assert after.count(AppealState.FILED) <= 1
        await balanced(at, walker)

    asyncio.run(act())


async def balanced(at: City, walker: Walker) -> None:
    """What is told, owed and asked fits what stands."""
    number, open_appeals = walker.number, (await walker.states()).count(AppealState.FILED)
    versions = [one.version for one in await at.told(number)]
    is_void = (await at.desk.claim(number))[0] == "VOIDED"

    assert versions == list(range(1, len(versions) + 1))
    assert await at.owed(number) == (0 if is_void else (await at.amounts(number))[-1])
    assert not (is_void and open_appeals)
    assert await value(at.desk.dsn, "SELECT count(*) FROM review_task WHERE state <> 'CLOSED'") == open_appeals
