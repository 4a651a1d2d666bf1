"""A certificate from its award on, on the real PostgreSQL: what happens to it, what is told, and how it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cradle.certification.v1 import certificate_pb2, event_pb2
from cradle.registry.v1 import event_pb2 as registry_pb2
from cradle.registry.v1 import standing_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.stack import Stack
from services.certification.credential import verify
from services.certification.issued import Outcome
from services.certification.model import (
    CertificateState,
    Fact,
    Happening,
    Kind,
    Proposed,
    Report,
    State,
    Suspension,
    Veto,
)
from services.certification.model.moves import CERTIFICATE_ENDS
from services.certification.rules.happened import life_of
from services.certification.rules.life import anniversary, standing
from services.certification.usecases import applying, arrears, deciding, holders, publishing
from services.certification.usecases.issuing import Issuing
from services.certification.wire import employers
from services.kit.calendar import Calendar, Year
from services.kit.dates import to_proto
from services.kit.errors import Invalid, Refused, Stale
from tests.certification.holder import AWARDED, Holder, holder
from tests.certification.office import CLERK, EMPLOYER, FOURTH, THIRD, Office, office
from tests.certification.paper import FONTS, ISSUER, KEYS, URL
from tests.kit.live import rows, value

pytestmark = pytest.mark.integration
DUE = date(2027, 6, 1)
ACTIVE, SUSPENDED, REVOKED = CertificateState.ACTIVE, CertificateState.SUSPENDED, CertificateState.REVOKED


def run(way: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(way())


def report(day: date, due: date = DUE) -> Report:
    return Report("", due, 0, day, 1000, 500, "全年执行", day, "")


def codes(error: Invalid) -> list[str]:
    return [one.code for one in error.reasons]


def told(events: Any) -> list[tuple[int, str]]:
    read = [event_pb2.CertificateEvent.FromString(payload) for _, payload in events]
    states = certificate_pb2.CertificateState
    return [(one.version, states.Name(one.changed.state).removeprefix("CERTIFICATE_STATE_")) for one in read]


# --- what the registry tells ------------------------------------------------------------------------------------------


def violation(
    employer: UUID, version: int, kind: str = "LABOUR_PROTECTION", day: date = date(2026, 9, 1), **dates: date
) -> list[Fact]:
    given = standing_pb2.Violation(
        authority="office/labour", number="A-1", kind=standing_pb2.ViolationKind.Value(f"VIOLATION_KIND_{kind}")
    )
    for name, on in {"opened_on": date(2026, 9, 1), **dates}.items():
        getattr(given, name).CopyFrom(to_proto(on))
    event = registry_pb2.EmployerEvent(employer=str(employer), version=version)
    event.violation_changed.violation.CopyFrom(given)
    event.violation_changed.recorded_at.FromDatetime(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return employers.facts(event.SerializeToString())


def unpaid(employer: UUID, version: int, day: date, since: date | None) -> list[Fact]:
    event = registry_pb2.EmployerEvent(employer=str(employer), version=version)
    event.arrears_changed.unpaid_fen = 100 if since else 0
    if since:
        event.arrears_changed.unpaid_since.CopyFrom(to_proto(since))
    event.arrears_changed.recorded_at.FromDatetime(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return employers.facts(event.SerializeToString())


def test_a_violation_suspends_until_it_is_closed_and_an_upheld_veto_revokes_in_any_order(
    stack: Stack, dsn: str
) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            await at.awarded()
            opened = violation(at.employer, 1)
            closed = violation(at.employer, 2, day=date(2026, 10, 1), closed_on=date(2026, 10, 1))
            at.on(date(2026, 10, 2))
            for facts in (closed, opened, closed, opened):
                await at.books(*facts)
            days = [date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 30), date(2026, 10, 1)]
            assert [(await at.status(day) or "")[0] for day in days] == [ACTIVE, SUSPENDED, SUSPENDED, ACTIVE]

            upheld = violation(at.employer, 4, "INSURANCE_FRAUD", date(2026, 11, 1), upheld_on=date(2026, 10, 30))
            opened = violation(at.employer, 3, "INSURANCE_FRAUD", date(2026, 10, 20))
            at.on(date(2026, 11, 2))
            for facts in (upheld, opened, upheld):
                one = await at.books(*facts)
            assert (one.now.state, one.now.on, one.now.locked_until) == (
                REVOKED,
                date(2026, 10, 30),
                date(2029, 10, 30),
            )
            assert one.now.why == "VETO_INSURANCE_FRAUD"

    run(way)


@pytest.mark.parametrize(("days", "state"), [(29, ACTIVE), (30, SUSPENDED), (31, SUSPENDED)])
def test_arrears_of_more_than_thirty_days_suspend_without_another_word(
    stack: Stack, dsn: str, days: int, state: CertificateState
) -> None:
    """The first day of arrears is one day, so after 29 more it is 30, and after 30 more it is over 30."""

    async def way() -> None:
        async with holder(stack, dsn) as at:
            since = date(2026, 7, 1)
            await at.books_before(unpaid(at.employer, 1, since, since))
            await at.awarded()
            await at.swept(since + timedelta(days))
            assert (await at.held()).now.state is state
            await at.books(*unpaid(at.employer, 2, at.today, None))
            assert (await at.held()).now.state is ACTIVE

    run(way)


def test_what_becomes_arrears_by_time_alone_is_asked_for_and_booked_once(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            await at.awarded()
            known: Any = at.desk.register
            assert await arrears.ask_again(at.desk) == 0
            known.unpaid = date(2026, 7, 1)
            at.on(date(2026, 8, 5))
            assert [await arrears.ask_again(at.desk) for _ in range(2)] == [1, 0]
            assert ((await at.held()).now.state, (await at.held()).now.on) == (SUSPENDED, date(2026, 7, 31))
            known.unpaid = None
            at.on(date(2026, 8, 20))
            assert [await arrears.ask_again(at.desk) for _ in range(2)] == [1, 0]
            assert ((await at.held()).now.state, (await at.held()).now.on) == (ACTIVE, date(2026, 8, 20))

    run(way)


# --- reports, and days ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "state"),
    [(29, ACTIVE), (30, SUSPENDED), (31, SUSPENDED), (89, SUSPENDED), (90, REVOKED), (91, REVOKED)],
)
def test_the_day_is_told_once_by_whichever_sweep_comes_first(
    stack: Stack, dsn: str, late: int, state: CertificateState
) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            await at.awarded()
            day = DUE + timedelta(late)
            assert await at.status(day) == (state, date(2029, 5, 31))  # before anybody has swept
            await asyncio.gather(at.swept(day), at.swept(day))
            assert await at.swept(day) == 0
            one = await at.held()
            assert (one.now.state, one.told_to) == (state, day)
            assert [state for _, state in told(await at.events())] == ["ACTIVE", *([state] if state != ACTIVE else [])]
            assert len({version for version, _ in told(await at.events())}) == len(await at.events())
            reminded = await rows(dsn, "SELECT what, due_on FROM certificate_reminder WHERE told_on IS NOT NULL")
            assert sorted((row["what"], row["due_on"]) for row in reminded) == [
                ("REPORT_OPENS", DUE), ("REPORT_OVERDUE", DUE),
            ]  # fmt: skip

    run(way)


def test_a_yearly_report_is_filed_once_in_its_time_and_counts_when_another_found_it_in_order(
    stack: Stack, dsn: str
) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            await at.awarded()
            opens = DUE - timedelta(60)
            at.on(opens - timedelta(1))
            for given, wanted in (
                (report(at.today), ["REPORT_NOT_DUE_YET", "REPORT_TOO_OLD"]),
                (report(DUE), ["REPORT_NOT_DUE_YET", "REPORT_AHEAD"]),
                (report(opens, DUE + timedelta(1)), ["REPORT_OTHER_DAY", "REPORT_AHEAD"]),
                (report(AWARDED, AWARDED), ["REPORT_OTHER_DAY"]),
                (report(opens, anniversary(AWARDED, 2)), ["REPORT_NOT_DUE_YET", "REPORT_AHEAD"]),
            ):
                with pytest.raises(Refused) as refused:
                    await at.does(EMPLOYER, holders.report, given)
                assert codes(refused.value) == wanted
            at.on(opens)
            await at.does(EMPLOYER, holders.report, report(opens))
            with pytest.raises(Refused, match="REPORT_TWICE"):
                await at.does(EMPLOYER, holders.report, report(opens))
            with pytest.raises(Refused, match="REPORT_SECOND_PERSON"):
                await at.does(EMPLOYER, holders.check, DUE, in_order=True, said="")
            with pytest.raises(Invalid, match="FIELD_REQUIRED said"):
                await at.does(CLERK, holders.check, DUE, in_order=False, said="")
            await at.does(CLERK, holders.check, DUE, in_order=False, said="请补充女职工人数的依据")
            await at.swept(DUE + timedelta(45))
            assert (await at.held()).now.state is SUSPENDED
            await at.does(EMPLOYER, holders.report, report(DUE))
            assert (await at.held()).now.state is SUSPENDED
            one = await at.does(CLERK, holders.check, DUE, in_order=True, said="")
            assert (one.now.state, one.now.why) == (ACTIVE, "REINSTATED")
            with pytest.raises(Refused, match="REPORT_TWICE"):
                await at.does(EMPLOYER, holders.report, report(DUE))
            assert await at.swept(DUE + timedelta(91)) == 0
            assert told(await at.events())[-1][1] == "ACTIVE"

    run(way)


@pytest.mark.parametrize(("filed", "state"), [(29, ACTIVE), (30, ACTIVE), (31, SUSPENDED)])
def test_a_slow_check_costs_nobody_who_was_in_time(stack: Stack, dsn: str, filed: int, state: CertificateState) -> None:
    """It is checked 95 days after it was due: who came by the 30th is neither suspended nor revoked meanwhile."""

    async def way() -> None:
        async with holder(stack, dsn) as at:
            await at.awarded()
            at.on(DUE + timedelta(filed))
            await at.does(EMPLOYER, holders.report, report(DUE))
            await at.swept(DUE + timedelta(60))
            assert (await at.held()).now.state is state
            if state is SUSPENDED:
                return
            await at.swept(DUE + timedelta(95))
            one = await at.does(CLERK, holders.check, DUE, in_order=True, said="")
            assert one.now.state is ACTIVE
            assert {change for _, change, *_ in told(await at.events())} == {"ACTIVE"}

    run(way)


def test_one_that_is_found_out_of_order_too_late_suspends(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            await at.awarded()
            at.on(DUE)
            await at.does(EMPLOYER, holders.report, report(DUE))
            await at.swept(DUE + timedelta(40))
            one = await at.does(CLERK, holders.check, DUE, in_order=False, said="人数与登记不符")
            assert (one.now.state, one.now.why) == (SUSPENDED, "ANNUAL_REPORT_OVERDUE")

    run(way)


# --- what persons do --------------------------------------------------------------------------------------------------


def test_false_data_revokes_by_two_persons_who_say_the_same_and_nothing_follows_an_end(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            before = await at.awarded()
            at.on(day := date(2026, 8, 1))
            one = await at.does(THIRD, holders.suspend, Suspension.NURSING_ROOM_CLOSED, "宝人社〔2026〕1号")
            assert one.now.why == "SUSPENSION_NURSING_ROOM_CLOSED"
            with pytest.raises(Refused, match="SUSPENSION_ALREADY"):
                await at.does(THIRD, holders.suspend, Suspension.NURSING_ROOM_CLOSED, "x")
            with pytest.raises(Refused, match="SUSPENSION_NOT_OPEN"):
                await at.does(THIRD, holders.reinstate, Suspension.ARREARS, "x")
            at.on(date(2026, 8, 11))
            one = await at.does(FOURTH, holders.reinstate, Suspension.NURSING_ROOM_CLOSED, "宝人社〔2026〕2号")
            assert one.now.state is ACTIVE

            wanted = Proposed(Veto.FALSE_DATA, day, "听证笔录1号", THIRD.name)
            one = await at.does(THIRD, holders.revoke, wanted)
            assert one.now.state is ACTIVE
            with pytest.raises(Refused, match="REVOCATION_SECOND_PERSON"):
                await at.does(THIRD, holders.revoke, wanted)
            other = wanted._replace(proposed_by=FOURTH.name)
            with pytest.raises(Refused, match="REVOCATION_DIFFERS"):
                await at.does(FOURTH, holders.revoke, other._replace(document="听证笔录2号"))
            with pytest.raises(Invalid, match="FIELD_OUT_OF_RANGE"):
                await at.does(FOURTH, holders.revoke, other._replace(on=at.today + timedelta(1)))
            one = await at.does(FOURTH, holders.revoke, other)
            assert (one.now.state, one.now.locked_until) == (REVOKED, date(2029, 8, 1))
            for move, details in ((holders.surrender, ()), (holders.suspend, (Suspension.ARREARS, "x"))):
                with pytest.raises(Refused, match="CERTIFICATE_NOT_IN_FORCE"):
                    await at.does(EMPLOYER if not details else THIRD, move, *details)
            with pytest.raises(Stale, match="CERTIFICATE_CHANGED"):
                await at.does(FOURTH, holders.surrender, etag=before.version)

    run(way)


def test_what_is_published_follows_what_happened(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            one = await at.awarded()
            issuing, now = at.desk.issuing, at.desk.clock.now()
            assert issuing
            lists = await issuing.lists(at.desk.database, 0, now, timedelta(hours=1))
            found = verify(one.credential, ISSUER, lists, now)
            assert (found.outcome, found.issued and found.issued.number) == (Outcome.VALID, one.number)
            assert (await publishing.verified(at.desk, one.number, now)).outcome is Outcome.VALID
            assert (await publishing.verified(at.desk, "BJ-FFE-2026-999999", now)).outcome is Outcome.INVALID
            assert (await publishing.paper(at.desk, one)).startswith(b"%PDF")
            await at.does(THIRD, holders.suspend, Suspension.ARREARS, "x")
            lists = await issuing.lists(at.desk.database, 0, now, timedelta(hours=1))
            assert verify(one.credential, ISSUER, lists, now).outcome is Outcome.SUSPENDED
            await at.does(EMPLOYER, holders.surrender)
            lists = await issuing.lists(at.desk.database, 0, now, timedelta(hours=1))
            assert verify(one.credential, ISSUER, lists, now).outcome is Outcome.REVOKED
            assert (await publishing.verified(at.desk, one.number, now)).outcome is Outcome.REVOKED

    run(way)


# --- awards -----------------------------------------------------------------------------------------------------------


async def awarded(at: Office, filed: Any) -> Any:
    filed = await at.does(THIRD, deciding.propose, filed, ())
    at.on(filed.application.notice_ends_on + timedelta(1))
    return await at.does(FOURTH, deciding.award, filed, ())


def test_awards_make_one_certificate_extend_it_and_replace_it(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with office(stack, dsn, AWARDED - timedelta(30)) as at:
            plain = {year: Year("", "confirmed", frozenset(), frozenset()) for year in range(2026, 2033)}
            at.desk = replace(at.desk, issuing=Issuing(URL, KEYS, FONTS), calendar=Calendar(plain))
            first = await awarded(at, await at.reviewed())
            with pytest.raises(Refused, match="APPLICATION_MOVE_NOT_ALLOWED"):
                await at.does(FOURTH, deciding.award, first, ())
            employer = at.known.employers[first.uscc].id
            mine = Holder(at.desk, employer)
            one = await mine.held()
            assert one.number == first.certificate
            due = [anniversary(one.awarded_on, year) for year in (1, 2)]
            for day in due:
                mine.on(day)
                await mine.does(EMPLOYER, holders.report, report(day, day))
                await mine.does(CLERK, holders.check, day, in_order=True, said="")

            end = one.now.valid_to
            at.on(end - timedelta(60))
            draft = await at.stated(await at.draft(kind=Kind.EXTENSION))
            filed = await at.does(EMPLOYER, applying.submit, draft)
            assert filed.kind is Kind.EXTENSION
            mine.on(at.today)
            assert (await mine.life()).renewals[0].decided_on is None
            withdrawn = await at.does(EMPLOYER, applying.withdraw, filed)
            assert withdrawn.application.state is State.WITHDRAWN
            assert not (await mine.life()).renewals[0].granted

            scored = await at.reviewed(draft=await at.stated(await at.draft(kind=Kind.EXTENSION)))
            assert scored.kind is Kind.EXTENSION
            renewed = await awarded(at, scored)
            mine.on(at.today)
            after = await mine.held()
            assert (renewed.certificate, after.now.valid_to) == (one.number, anniversary(end, 2))
            assert after.credential != one.credential
            assert after.code == one.code

            second = await awarded(at, await at.reviewed())
            mine.on(at.today)
            assert second.certificate != one.number
            assert await mine.status(at.today) == (ACTIVE, (await mine.held()).now.valid_to)
            assert await value(dsn, "SELECT state FROM certificate WHERE number = $1", one.number) == "SUPERSEDED"
            numbers = await rows(dsn, "SELECT number, serial FROM certificate")
            assert len(numbers) == 2
            changes = await value(dsn, "SELECT count(*) FROM certificate_change")
            assert await value(dsn, "SELECT count(*) FROM outbox WHERE aggregatetype = 'certificate'") == changes

    run(way)


# --- any facts, in any order ------------------------------------------------------------------------------------------

DAYS = st.dates(AWARDED, date(2030, 12, 31))
MAYBE = st.none() | DAYS


def fact(about: str, happening: Happening, since: date | None, **more: Any) -> Fact:
    return Fact(UUID(int=0), "", about, 1, happening, date(2031, 1, 1), since=since, **more)


FACTS = st.one_of(
    st.builds(lambda day: fact(f"report/{day}", Happening.REPORT, day), DAYS),
    st.builds(
        lambda day, kind, until, granted: fact(
            f"application/{day}", Happening.RENEWAL, day, code=kind, until=until, granted=granted
        ),
        DAYS, st.sampled_from(["EXTENSION", "RECERTIFICATION"]), MAYBE, st.booleans(),
    ),
    st.builds(
        lambda about, day, until: fact(about, Happening.SUSPENSION, day, code="VIOLATION_OPENED", until=until),
        st.sampled_from(["violation/a", "violation/b"]), MAYBE, MAYBE,
    ),
    st.builds(lambda day: fact("arrears", Happening.ARREARS, day, code="ARREARS"), MAYBE),
    st.builds(lambda day, veto: fact(veto, Happening.VETO, day, code=veto), DAYS, st.sampled_from(list(Veto))),
    st.builds(lambda day: fact("surrender", Happening.SURRENDER, day), DAYS),
)  # fmt: skip


def test_status_on_any_day_is_what_the_rules_say_whatever_was_booked_first(stack: Stack, dsn: str) -> None:
    async def once(at: Holder, drawn: list[Fact], order: list[int], days: list[date]) -> None:
        at = replace(at, employer=uuid4())
        at.on(AWARDED)
        one = await at.awarded()
        ranked = [
            given._replace(employer=at.employer, source=f"s/{rank}", rank=rank, recorded_on=AWARDED + timedelta(rank))
            for rank, given in enumerate(drawn, 1)
        ]
        at.on(date(2031, 1, 1))
        for place in order:
            await at.books(ranked[place % len(ranked)])
            await at.books(ranked[place % len(ranked)])
        await at.books(*ranked)
        life = life_of(one.awarded_on, ranked)
        for day in days:
            wanted = standing(life, at.desk.schemes[1], day)
            found = await at.status(day, code=False)
            assert found
            assert found[0] == wanted.state
            assert wanted.state in CERTIFICATE_ENDS or found[1] == wanted.valid_to
        await at.swept(at.today)
        versions = [version for version, _ in await at.events()]
        assert versions == sorted(set(versions))
        assert told(await at.events())[-1][1] == standing(life, at.desk.schemes[1], at.today).state

    async def way() -> None:
        async with holder(stack, dsn) as at:
            loop = asyncio.get_running_loop()

            @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
            @given(
                st.lists(FACTS, min_size=1, max_size=7),
                st.lists(st.integers(0, 9), max_size=8),
                st.lists(st.dates(AWARDED, date(2030, 12, 31)), min_size=12, max_size=12),
            )
            def any_order(drawn: list[Fact], order: list[int], days: list[date]) -> None:
                asyncio.run_coroutine_threadsafe(once(at, drawn, order, days), loop).result()

            await asyncio.to_thread(any_order)

    run(way)
