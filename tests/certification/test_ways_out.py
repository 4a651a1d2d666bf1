"""What must not be stuck, and what must not be awarded: on the real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cradle.registry.v1 import standing_pb2 as registry

from deploy.local.stack import Stack
from services.certification.model import (
    Application,
    Fact,
    Filed,
    Happening,
    Kind,
    Proposed,
    State,
    Stated,
    Suspension,
    Veto,
)
from services.certification.rules.applications import Under, dated
from services.certification.rules.life import anniversary, locked_until
from services.certification.store import applications
from services.certification.usecases import (
    applying,
    arrears,
    assessing,
    deciding,
    following,
    holders,
    reading,
    screening,
)
from services.certification.wire import filed as wire
from services.certification.wire.claims import Women
from services.certification.wire.registry import gates
from services.kit.calendar import CALENDAR, Calendar, Year
from services.kit.dates import to_proto
from services.kit.errors import Invalid, Refused
from tests.builders import uscc
from tests.certification.holder import AWARDED, Holder, holder
from tests.certification.office import (
    CLERK,
    EMPLOYER,
    FOURTH,
    MONDAY,
    THIRD,
    USCC,
    Known,
    Office,
    answer,
    employment,
    office,
    principal,
)
from tests.certification.sheets import LATEST, best, indicator

pytestmark = pytest.mark.integration
WHOLE = Stated(1000, 500, "C", True, best("").answers)
PREMIUM = "gate.arrears.premium"


async def known_of(at: Office, filed: Filed) -> Sequence[Any]:
    return (await at.known.gates([filed], at.today))[filed.id]


def test_a_gate_that_closes_while_it_is_assessed_lets_it_be_proposed(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            at.known.found[PREMIUM] = {"unpaid_fen": 1}
            filed = await at.reviewed()
            at.known.found[PREMIUM] = {"unpaid_fen": 0}
            found = await known_of(at, filed)
            with pytest.raises(Refused, match="DECISION_IS_ANOTHER"):
                await at.does(THIRD, deciding.decline, filed, (), found)
            proposed = await at.does(THIRD, deciding.propose, filed, (), found)
            assert proposed.application.state is State.PUBLIC_NOTICE

    asyncio.run(way())


def test_a_panel_decides_by_what_the_gates_show_now(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            at.known.found[PREMIUM] = {"unpaid_fen": 1}
            filed = await at.does(THIRD, deciding.decline, await at.reviewed(), (), ())
            filed = await at.does(EMPLOYER, applying.ask_review, filed, "记录有误")
            for name in ("fifth", "sixth"):
                filed = await at.does(principal("person", name), assessing.score, filed, best("").answers)
            at.known.found[PREMIUM] = {"unpaid_fen": 0}
            found = await known_of(at, filed)
            with pytest.raises(Refused, match="DECISION_IS_ANOTHER"):
                await at.does(FOURTH, deciding.decide_review, filed, found, uphold=True, why="维持")
            again = await at.does(FOURTH, deciding.decide_review, filed, found, uphold=False, why="已更正")
            assert again.application.state is State.REVIEW

    asyncio.run(way())


def test_no_review_of_a_decision_beside_another_open_application(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            at.known.found[PREMIUM] = {"unpaid_fen": 1}
            filed = await at.does(THIRD, deciding.decline, await at.reviewed(), (), ())
            other = await at.draft()
            with pytest.raises(Refused, match="APPLICATION_ALREADY_OPEN"):
                await at.does(EMPLOYER, applying.ask_review, filed, "已缴清")
            await at.does(EMPLOYER, applying.withdraw, other)
            again = await at.does(EMPLOYER, applying.ask_review, filed, "已缴清")
            assert again.application.state is State.DECISION_REVIEW

    asyncio.run(way())


def veto(employer: UUID, day: date) -> Fact:
    return Fact(employer, "registry/1/veto", "violation/x/1/veto", 1, Happening.VETO, day, Veto.INSURANCE_FRAUD, day)


def test_a_veto_locks_out_whoever_holds_nothing_and_whatever_is_under_way(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.proposed()
            upheld = MONDAY + timedelta(1)
            at.on((filed.application.notice_ends_on or MONDAY) + timedelta(1))
            async with at.desk.database.transaction() as tx:
                await following.follow(at.desk, tx, [veto(filed.employer, upheld)])
            with pytest.raises(Refused, match="LOCKED_OUT"):
                await at.does(FOURTH, deciding.award, filed, ())
            assert not await at.desk.database.fetch("SELECT FROM certificate")
            await at.does(EMPLOYER, applying.withdraw, filed)
            draft = await at.stated(await at.draft())
            last = locked_until(upheld, 3) or upheld
            at.on(last)
            with pytest.raises(Refused, match="LOCKED_OUT"):
                await at.does(EMPLOYER, applying.submit, draft)
            at.on(last + timedelta(1))
            assert (await at.does(EMPLOYER, applying.submit, draft)).application.state is State.SUBMITTED

    asyncio.run(way())


def test_those_that_wait_for_a_person_stand_in_nobodys_way(
    stack: Stack, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two a look, and two that a clerk has yet to look into: a third is looked up all the same."""
    monkeypatch.setattr(screening, "_MAX", 2)

    async def way() -> None:
        async with office(stack, dsn) as at:
            made: list[Filed] = []
            by_hand = at.known.found.pop("gate.nursing_room")
            for serial in (31, 32, 33):
                code = uscc(serial)
                at.known.employers[code] = employment(code)
                if serial == 33:
                    at.known.found["gate.nursing_room"] = by_hand
                who = principal("employer", code, employers=frozenset({code}))
                filed = await at.draft(code, who=who)
                stated = best("").answers
                filed = await at.does(who, applying.save, filed, lambda one: (one.kind, WHOLE), stated)
                filed = await at.does(who, applying.submit, filed)
                made.append(await at.does(CLERK, assessing.accept, filed))
                if serial == 32:
                    await screening.screen(at.desk)
            await screening.screen(at.desk)
            last = await applications.by_id(at.desk.database, made[-1].id)
            assert last
            assert last.application.state is State.ASSESSMENT

    asyncio.run(way())


def test_a_renewal_that_is_handed_in_again_as_new_holds_its_certificate_no_longer(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn, AWARDED) as at:
            plain = {year: Year("", "confirmed", frozenset(), frozenset()) for year in range(2026, 2033)}
            at.desk = replace(at.desk, calendar=Calendar(plain))
            mine = Holder(at.desk, at.known.employers[USCC].id)
            one = await mine.awarded()
            for day in (anniversary(AWARDED, 1), anniversary(AWARDED, 2)):
                name = f"report/{day}"
                await mine.books(
                    Fact(mine.employer, name, name, 1, Happening.REPORT, day, since=day, number=one.number)
                )
            at.on(one.now.valid_to - timedelta(30))
            draft = await at.stated(await at.draft(kind=Kind.EXTENSION))
            filed = await at.does(EMPLOYER, applying.submit, draft)
            filed = await at.does(CLERK, assessing.send_back, filed, [("", "营业执照")])
            assert (await mine.life()).renewals[0].decided_on is None
            at.on(one.now.valid_to + timedelta(10))  # applied for in time, and so it lives until it is decided
            filed = await at.does(EMPLOYER, applying.submit, filed)
            assert filed.kind is Kind.EXTENSION
            filed = await at.does(CLERK, assessing.send_back, filed, [("", "营业执照")])
            filed = await at.does(EMPLOYER, applying.save, filed, lambda one: (Kind.NEW, one.stated), ())
            await at.does(EMPLOYER, applying.submit, filed)
            (renewal,) = (await mine.life()).renewals
            assert (renewal.kind, renewal.decided_on, renewal.granted) == (Kind.EXTENSION, at.today, False)

    asyncio.run(way())


def test_who_looked_a_gate_up_is_in_no_answer(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            by_hand = answer("gate.nursing_room", at.known.found.pop("gate.nursing_room"))
            shown = assessing.Shown(by_hand, "现场笔录1号")
            filed = await at.does(CLERK, assessing.record_gate, await at.screened(), shown, assessing.Elsewhere())
            assert filed.application.state is State.ASSESSMENT
            told = wire.whole(await reading.whole(at.desk, at.desk.database, filed), reading.today(at.desk))
            assert [one.looked_up_by for one in told.gates if one.criterion == by_hand.indicator] == ["person"]
            assert CLERK.name not in str(told)

    asyncio.run(way())


def test_a_sheet_that_cannot_be_is_not_taken_in(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.screened()
            answers = list(best("").answers)
            place, one = next((n, one) for n, one in enumerate(answers) if indicator(one.indicator).measure.share)
            measure = indicator(one.indicator).measure
            more = {name: tuple(10 * each for each in dict(one.quantities)[name]) for name in measure.part}
            answers[place] = one._replace(quantities=tuple(sorted({**dict(one.quantities), **more}.items())))
            with pytest.raises(Invalid) as refused:
                await at.does(CLERK, assessing.score, filed, answers)
            assert [(one.code, one.field) for one in refused.value.reasons] == [
                ("FACT_OUT_OF_RANGE", f"answers[{place}]")
            ]
            assert (await at.does(CLERK, assessing.score, filed, best("").answers)).application.assessors

    asyncio.run(way())


def test_who_proposed_a_revocation_may_word_it_anew_until_another_agrees(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            await at.awarded()
            wrong = Proposed(Veto.FALSE_DATA, at.today, "听证笔录1号", THIRD.name)
            right = wrong._replace(document="听证笔录2号")
            await at.does(THIRD, holders.revoke, wrong)
            await at.does(THIRD, holders.revoke, right)
            with pytest.raises(Refused, match="REVOCATION_SECOND_PERSON"):
                await at.does(THIRD, holders.revoke, right)
            with pytest.raises(Refused, match="REVOCATION_DIFFERS"):
                await at.does(FOURTH, holders.revoke, wrong._replace(proposed_by=FOURTH.name))
            one = await at.does(FOURTH, holders.revoke, right._replace(proposed_by=FOURTH.name))
            assert one.now.state == "REVOKED"

    asyncio.run(way())


def test_a_clock_that_stood_still_is_dated_by_the_days_that_were_left() -> None:
    last = max(CALENDAR.years)
    stood = Application(State.ASSESSMENT, asked=True, days_left=4)
    later = Calendar({**CALENDAR.years, last + 1: Year("test", "confirmed", frozenset(), frozenset())})
    day = date(last, 12, 31)
    assert dated(stood, day, Under(LATEST, CALENDAR)).due_on is None
    assert dated(stood, day, Under(LATEST, later)).due_on == later.add_working_days(day, 4)


@dataclass
class Slow(Known):
    """The registry, while an event of it arrives."""

    meanwhile: Any = None

    async def unpaid_since(self, employers: Sequence[UUID], on: date) -> Mapping[UUID, date | None]:
        found = await super().unpaid_since(employers, on)
        await self.meanwhile()
        return found


def test_what_is_told_while_the_registry_is_asked_is_not_overruled(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            await at.awarded()

            def told(source: str, rank: int, since: date | None) -> Fact:
                return Fact(
                    at.employer, source, "arrears", rank, Happening.ARREARS, at.today, Suspension.ARREARS, since
                )

            await at.books(told("registry/1", 1, None))

            async def paid() -> None:
                await at.books(told("registry/2", 2, date(2026, 3, 1)), told("registry/3", 3, None))

            object.__setattr__(at.desk, "register", Slow(unpaid=date(2026, 3, 1), meanwhile=paid))
            assert await arrears.ask_again(at.desk) == 0
            assert (await at.held()).now.state == "ACTIVE"

    asyncio.run(way())


@pytest.mark.parametrize("kind", ["LABOUR_PROTECTION", "PREGNANCY_DISMISSAL"])
@pytest.mark.parametrize("closed", [False, True])
def test_an_open_case_of_dismissal_for_pregnancy_is_one_of_labour_protection(kind: str, closed: bool) -> None:
    given = registry.Violation(kind=registry.ViolationKind.Value(f"VIOLATION_KIND_{kind}"))
    given.state = registry.VIOLATION_STATE_CLOSED if closed else registry.VIOLATION_STATE_UPHELD
    given.opened_on.CopyFrom(to_proto(MONDAY - timedelta(30)))
    standing = registry.EmployerStanding(employer=str(uuid4()), violations=[given])
    known = employment()
    filed = Filed(uuid4(), 1, known.id, USCC, "", "", Kind.NEW, "x", Application(State.SCREENING), WHOLE)
    found = {
        one.indicator: dict(one.quantities)["open"][0] for one, _ in list(gates(standing, Women(), filed, MONDAY))[:2]
    }
    assert found["gate.open_violation.labour"] == (0 if closed else 1)
    assert found["gate.open_violation.discrimination"] == 0
