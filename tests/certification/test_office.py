"""An application through the hands of employer and clerks, on the real PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from cradle.registry.v1 import standing_pb2 as pb

from deploy.local.stack import Stack
from services.certification import rules
from services.certification.model import Application, Filed, Kind, Place, State, Stated
from services.certification.rules import clocks
from services.certification.store import applications, file
from services.certification.usecases import applying, assessing, deciding, reading, screening, timing
from services.certification.usecases.assessing import Elsewhere, Shown
from services.certification.wire import filed as wire
from services.certification.wire import registry
from services.certification.wire.claims import Women
from services.kit.calendar import CALENDAR, Calendar, Year
from services.kit.dates import to_proto
from services.kit.errors import Forbidden, Invalid, NotFound, Refused, Stale
from tests.builders import uscc
from tests.certification.office import (
    CLERK,
    COUNTY,
    EMPLOYER,
    FOURTH,
    MONDAY,
    SECOND,
    THIRD,
    USCC,
    employment,
    office,
    principal,
)
from tests.certification.office import answer as known_answer
from tests.certification.sheets import best

pytestmark = pytest.mark.integration


def codes(error: Invalid) -> list[str]:
    return [one.code for one in error.reasons]


def test_the_good_way_is_awarded_by_three_persons_after_the_notice(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.proposed()
            ends = filed.application.notice_ends_on
            assert ends == date(2026, 3, 9)
            at.on(ends)
            with pytest.raises(Refused, match="NOTICE_RUNS"):
                await at.does(FOURTH, deciding.award, filed, ())
            at.on(ends + timedelta(1))
            with pytest.raises(Refused, match="AWARD_SECOND_PERSON"):
                await at.does(THIRD, deciding.award, filed, ())
            with pytest.raises(Refused, match="DECIDER_IS_ASSESSOR"):
                await at.does(SECOND, deciding.award, filed, ())
            awarded = await at.does(FOURTH, deciding.award, filed, ())
            assert awarded.application.state is State.AWARDED
            made = await file.last_decision(at.desk.database, filed.id)
            scheme = await applications.scheme_content(at.desk.database, awarded.scheme_digest)
            assert made
            assert scheme
            assert rules.again(made.facts, scheme, made.rules_revision) == made.decision

    asyncio.run(way())


def test_what_stands_against_a_submission_is_told_at_once_and_nothing_moves(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.draft()
            with pytest.raises(Invalid) as unsaid:
                await at.does(EMPLOYER, applying.submit, filed)
            assert codes(unsaid.value) == ["FIELD_REQUIRED", "FIELD_REQUIRED"]
            filed = await at.stated(filed, consents=False)
            at.known.employers[USCC] = at.known.employers[USCC]._replace(is_registered=False, staffed_since=None)
            with pytest.raises(Refused) as refused:
                await at.does(EMPLOYER, applying.submit, filed)
            assert codes(refused.value) == ["NOT_A_BAOJI_EMPLOYER", "OPERATING_TOO_SHORT", "CONSENT_MISSING"]
            kept = await applications.by_id(at.desk.database, filed.id)
            assert kept is not None
            assert (kept.application.state, kept.number) == (State.DRAFT, filed.number)

    asyncio.run(way())


@pytest.mark.parametrize("months", [11, 12])
def test_an_employer_must_have_had_staff_for_twelve_whole_months(stack: Stack, dsn: str, months: int) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            began = date(2025, 3, 1) if months == 12 else date(2025, 3, 2)
            at.known.employers[USCC] = employment(staffed_since=began)
            filed = await at.stated(await at.draft())
            if months == 12:
                assert (await at.does(EMPLOYER, applying.submit, filed)).application.state is State.SUBMITTED
                return
            with pytest.raises(Refused, match="OPERATING_TOO_SHORT"):
                await at.does(EMPLOYER, applying.submit, filed)

    asyncio.run(way())


def test_one_open_application_an_employer_and_each_request_in_its_own_name(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            first = await at.draft()
            with pytest.raises(Refused, match="APPLICATION_ALREADY_OPEN"):
                await at.draft()
            with pytest.raises(Forbidden, match="AUTH_EMPLOYER_NOT_YOURS"):
                await at.draft(uscc(8))
            with pytest.raises(Invalid, match="USCC_CHECK_DIGIT"):
                await at.draft(USCC[:-1] + ("0" if USCC[-1] != "0" else "1"))
            with pytest.raises(NotFound, match="EMPLOYER_UNKNOWN"):
                await at.draft(uscc(9), who=principal("person", "operator"))
            stranger = principal("employer", "uscc-x", employers=frozenset({uscc(8)}))
            with pytest.raises(NotFound, match="NOT_FOUND"):
                await at.does(stranger, applying.withdraw, first)
            elsewhere = principal("person", "clerk", counties=frozenset({"610302"}))
            with pytest.raises(NotFound, match="NOT_FOUND"):
                await at.does(elsewhere, applying.withdraw, first)
            withdrawn = await at.does(EMPLOYER, applying.withdraw, first)
            with pytest.raises(Stale, match="APPLICATION_CHANGED"):
                await at.does(EMPLOYER, applying.withdraw, first)
            with pytest.raises(Refused, match="APPLICATION_MOVE_NOT_ALLOWED"):
                await at.does(EMPLOYER, applying.withdraw, withdrawn)
            assert (await at.draft()).id != first.id

    asyncio.run(way())


def test_two_at_once_begin_one_application(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            made = await asyncio.gather(*[at.draft() for _ in range(8)], return_exceptions=True)
            begun = [one for one in made if not isinstance(one, BaseException)]
            assert len(begun) == 1
            assert {type(one) for one in made if isinstance(one, BaseException)} == {Refused}

    asyncio.run(way())


def test_what_is_missing_is_told_once_and_lapses_after_fifteen_working_days(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.does(CLERK, assessing.send_back, await at.submitted(), [("", "营业执照")])
            whole = await reading.whole(at.desk, at.desk.database, filed)
            assert whole.missing == [("", "营业执照")]
            assert filed.application.due_on == CALENDAR.add_working_days(MONDAY, 15)
            at.on(filed.application.due_on)
            assert await timing.expire(at.desk) == 0
            at.on(filed.application.due_on + timedelta(1))
            assert await timing.expire(at.desk) == 1
            assert await timing.expire(at.desk) == 0
            lapsed = await applications.by_id(at.desk.database, filed.id)
            assert lapsed is not None
            assert lapsed.application.state is State.LAPSED

    asyncio.run(way())


def test_information_is_asked_for_once_and_changes_only_what_was_asked_about(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            one, other = best("").answers[:2]
            filed = await at.does(CLERK, assessing.ask, await at.screened(), "请补充", (one.indicator,))
            with pytest.raises(Refused, match="CRITERION_NOT_ASKED"):
                await at.does(EMPLOYER, applying.answer, filed, "见附件", (other,))
            filed = await at.does(EMPLOYER, applying.answer, filed, "见附件", (one,))
            assert filed.application.state is State.ASSESSMENT
            asked = await file.asked(at.desk.database, filed.id)
            assert asked is not None
            assert (asked.answer, asked.answered_on) == ("见附件", MONDAY)
            with pytest.raises(Refused, match="INFORMATION_ASKED_BEFORE"):
                await at.does(CLERK, assessing.ask, filed, "再补充", ())

    asyncio.run(way())


def test_an_unanswered_request_goes_on_with_the_days_that_were_left(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.screened()
            left = clocks.working_days_left(CALENDAR, at.today, filed.application.due_on or MONDAY)
            filed = await at.does(CLERK, assessing.ask, filed, "请补充", ())
            at.on((filed.application.due_on or MONDAY) + timedelta(1))
            assert await timing.expire(at.desk) == 1
            after = await applications.by_id(at.desk.database, filed.id)
            assert after is not None
            assert after.application.state is State.ASSESSMENT
            assert after.application.due_on == CALENDAR.add_working_days(at.today, left)

    asyncio.run(way())


def test_nobody_scores_twice_and_sheets_are_no_others_business(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.does(CLERK, assessing.score, await at.screened(), best("").answers)
            with pytest.raises(Refused, match="SAME_ASSESSOR"):
                await at.does(CLERK, assessing.score, filed, best("").answers)
            with pytest.raises(Refused, match="ASSESSORS_ENOUGH"):
                await at.does(SECOND, assessing.score, filed, best("").answers)
            shown = wire.whole(await reading.whole(at.desk, at.desk.database, filed), reading.today(at.desk))
            assert CLERK.name not in str(shown)

    asyncio.run(way())


def test_an_open_gate_declines_and_a_panel_of_others_reviews_it_once(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            at.known.found["gate.arrears.premium"] = {"unpaid_fen": 1}
            filed = await at.reviewed()
            with pytest.raises(Refused) as refused:
                await at.does(THIRD, deciding.propose, filed, ())
            assert codes(refused.value) == ["DECISION_IS_ANOTHER", "GATE_ARREARS"]
            filed = await at.does(THIRD, deciding.decline, filed, (), ())
            assert filed.application.declined_on == MONDAY
            at.on(CALENDAR.add_working_days(MONDAY, 15))
            filed = await at.does(EMPLOYER, applying.ask_review, filed, "已缴清")
            with pytest.raises(Refused, match="SAME_ASSESSOR"):
                await at.does(CLERK, assessing.score, filed, best("").answers)
            with pytest.raises(Refused, match="REVIEWED_BY_THE_SAME"):
                await at.does(THIRD, deciding.decide_review, filed, uphold=True, why="维持")
            with pytest.raises(Refused) as early:
                await at.does(FOURTH, deciding.decide_review, filed, uphold=True, why="维持")
            assert "SECOND_ASSESSOR_MISSING" in codes(early.value)
            for name in ("fifth", "sixth"):
                filed = await at.does(principal("person", name), assessing.score, filed, best("").answers)
            upheld = await at.does(FOURTH, deciding.decide_review, filed, uphold=True, why="维持")
            assert upheld.application.state is State.DECLINED
            with pytest.raises(Refused, match="REVIEWED_BEFORE"):
                await at.does(EMPLOYER, applying.ask_review, upheld, "再申请")

    asyncio.run(way())


def test_a_review_comes_too_late_on_the_sixteenth_working_day(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            at.known.found["gate.arrears.premium"] = {"unpaid_fen": 1}
            filed = await at.does(THIRD, deciding.decline, await at.reviewed(), (), ())
            at.on(CALENDAR.add_working_days(MONDAY, 16))
            with pytest.raises(Refused, match="DEADLINE_PASSED"):
                await at.does(EMPLOYER, applying.ask_review, filed, "已缴清")

    asyncio.run(way())


def test_an_objection_stops_the_award_until_another_person_has_settled_it(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.proposed()
            filed = await at.does(CLERK, deciding.object_to, filed, "某员工被辞退，电话 13800000000")
            assert filed.application.state is State.REVIEW
            sealed = await at.desk.database.fetch("SELECT sealed_lead FROM objection")
            assert b"13800000000" not in sealed[0]["sealed_lead"]
            with pytest.raises(Refused, match="OBJECTION_RUNS"):
                await at.does(FOURTH, deciding.propose, filed, ())
            (open_one,) = await file.objections(at.desk.database, filed.id)
            settled = open_one._replace(upheld=False, reason="查无实据")
            with pytest.raises(Refused, match="OBJECTION_SECOND_PERSON"):
                await at.does(CLERK, deciding.settle, filed, settled)
            filed = await at.does(FOURTH, deciding.settle, filed, settled)
            again = await at.does(THIRD, deciding.propose, filed, ())
            assert again.application.notice_ends_on == CALENDAR.add_working_days(MONDAY, 5)

    asyncio.run(way())


def test_a_gate_that_opens_while_the_notice_runs_ends_in_a_decline(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.proposed()
            at.on((filed.application.notice_ends_on or MONDAY) + timedelta(1))
            at.known.found["gate.open_violation.labour"] = {"open": 1}
            found = (await at.known.gates([filed], at.today))[filed.id]
            with pytest.raises(Refused) as refused:
                await at.does(FOURTH, deciding.award, filed, found)
            assert codes(refused.value) == ["DECISION_IS_ANOTHER", "GATE_OPEN_VIOLATION"]
            declined = await at.does(FOURTH, deciding.decline, filed, (), found)
            assert declined.application.state is State.DECLINED

    asyncio.run(way())


def test_gates_are_looked_up_by_themselves_and_twice_is_once(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.does(CLERK, assessing.accept, await at.submitted())
            assert await screening.screen(at.desk) == 1
            assert await screening.screen(at.desk) == 0
            after = await applications.by_id(at.desk.database, filed.id)
            assert after is not None
            assert after.application.state is State.ASSESSMENT
            assert len(after.application.gates) == 8
            rows = await at.desk.database.fetch("SELECT count(*) AS n FROM application_gate")
            assert rows[0]["n"] == 8

    asyncio.run(way())


def test_a_clock_beyond_the_years_held_is_dated_once_its_notice_is(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        last = max(CALENDAR.years)
        async with office(stack, dsn, date(last, 12, 31)) as at:
            filed = await at.submitted()
            assert filed.application.due_on is None
            assert await timing.date(at.desk) == 0
            later = Calendar({**CALENDAR.years, last + 1: Year("test", "confirmed", frozenset(), frozenset())})
            at.desk = replace(at.desk, calendar=later)
            assert await timing.date(at.desk) == 1
            dated = await applications.by_id(at.desk.database, filed.id)
            assert dated is not None
            assert dated.application.due_on == later.add_working_days(date(last, 12, 31), 5)

    asyncio.run(way())


def test_tasks_come_by_due_date_then_risk_then_age(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            made = []
            for serial, answers in ((21, ()), (22, best("").answers), (23, ())):
                code = uscc(serial)
                at.known.employers[code] = employment(code)
                who = principal("employer", code, employers=frozenset({code}))
                filed = await at.draft(code, who=who)
                whole = Stated(1000, 500, "C", True, ())
                filed = await at.does(who, applying.save, filed, partial(_whole, whole), answers)
                made.append(await at.does(who, applying.submit, filed))
            wanted = applications.Wanted()
            listed = [one.id for one in await applications.tasks(at.desk.database, wanted, "", None, 10)]
            assert listed == [made[1].id, made[0].id, made[2].id]
            page = await applications.tasks(at.desk.database, wanted, "", None, 1)
            rest = await applications.tasks(at.desk.database, wanted, "", Place.of(page[0]), 10)
            assert [one.id for one in (*page, *rest)] == listed

    asyncio.run(way())


def _whole(stated: Stated, filed: Filed) -> tuple[Kind, Stated]:
    return filed.kind, stated


def test_nobody_knows_of_fewer_leaves_than_claims(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.does(CLERK, assessing.accept, await at.submitted())
            for requests, ended in ((2, 3), (3, 3)):
                numbers = {"granted": requests, "requests": requests, "forced_returns": 0}
                shown = Shown(known_answer("gate.leave_refused.maternity", numbers), "台账")
                if requests < ended:
                    with pytest.raises(Invalid, match="GATE_BELOW_CLAIMS"):
                        await at.does(CLERK, assessing.record_gate, filed, shown, Elsewhere((), ended))
                    continue
                filed = await at.does(CLERK, assessing.record_gate, filed, shown, Elsewhere((), ended))
            assert dict(filed.application.gates) == {"gate.leave_refused.maternity": True}

    asyncio.run(way())


def test_what_the_registry_and_claims_say_of_gates() -> None:
    """Each gate just below and at its bound, by whoever says it."""
    filed = Filed(uuid4(), 1, uuid4(), USCC, "", COUNTY, Kind.NEW, "", Application(), submitted_on=MONDAY)
    filed = filed._replace(stated=Stated(staff=10), scheme=1)

    def said(women: Women = Women(), **standing: Any) -> dict[str, tuple[dict[str, int], str]]:  # noqa: B008
        found = registry.gates(pb.EmployerStanding(employer="e", **standing), women, filed, MONDAY)
        return {one.indicator: ({name: int(n) for name, (n,) in one.quantities}, by) for one, by in found}

    assert "gate.arrears.insured" not in said(insured=9)
    assert said(insured=10)["gate.arrears.insured"] == ({"insured": 10, "liable": 10}, "service/registry")
    uninsured = said(Women(uninsured=1), insured=10)["gate.arrears.insured"]
    assert uninsured == ({"insured": 9, "liable": 10}, "service/claims")
    assert said(unpaid_fen=1)["gate.arrears.premium"][0] == {"unpaid_fen": 1}
    year_ago = date(2025, 3, 2)
    for opened, state, count in (
        (year_ago, pb.VIOLATION_STATE_OPENED, 0),
        (year_ago + timedelta(1), pb.VIOLATION_STATE_OPENED, 1),
        (year_ago + timedelta(1), pb.VIOLATION_STATE_UPHELD, 1),
        (year_ago + timedelta(1), pb.VIOLATION_STATE_CLOSED, 0),
    ):
        one = pb.Violation(kind=pb.VIOLATION_KIND_LABOUR_PROTECTION, state=state, opened_on=to_proto(opened))
        assert said(violations=[one])["gate.open_violation.labour"][0] == {"open": count}
    for due, count in ((MONDAY, 0), (MONDAY - timedelta(1), 1)):
        opinion = pb.Violation(
            kind=pb.VIOLATION_KIND_UNION_OPINION,
            state=pb.VIOLATION_STATE_TALKED,
            opened_on=to_proto(date(2026, 1, 5)),
            due_on=to_proto(due),
        )
        assert said(violations=[opinion])["gate.open_violation.union_opinion"][0] == {"overdue": count}


@pytest.mark.parametrize("insured", [1000, 1001])
def test_nobody_states_fewer_staff_than_were_insured(stack: Stack, dsn: str, insured: int) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            at.known.employers[USCC] = employment(insured=insured)
            filed = await at.stated(await at.draft())
            if insured == 1000:
                assert (await at.does(EMPLOYER, applying.submit, filed)).application.state is State.SUBMITTED
                return
            with pytest.raises(Refused, match="STAFF_BELOW_INSURED"):
                await at.does(EMPLOYER, applying.submit, filed)

    asyncio.run(way())


def test_an_objection_that_was_right_has_others_score_anew(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn) as at:
            filed = await at.does(CLERK, deciding.object_to, await at.proposed(), "材料不实")
            (open_one,) = await file.objections(at.desk.database, filed.id)
            right = open_one._replace(upheld=True, reason="部分材料不实")
            filed = await at.does(FOURTH, deciding.settle, filed, right)
            assert (filed.round, filed.application.assessors) == (2, ())
            with pytest.raises(Refused, match="SAME_ASSESSOR"):
                await at.does(SECOND, assessing.score, filed, best("").answers)
            for name in ("fifth", "sixth"):
                filed = await at.does(principal("person", name), assessing.score, filed, best("").answers)
            again = await at.does(THIRD, deciding.propose, filed, (), ())
            assert again.application.state is State.PUBLIC_NOTICE

    asyncio.run(way())
