"""Violations, arrears, closings on a real database: twice is once, told once, answered as known then; staff counted."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import grpc
import pytest
from cradle.registry.v1 import intake_pb2, standing_pb2, standing_pb2_grpc

from deploy.local.stack import Stack
from services.kit import rpc
from services.kit.dates import to_proto
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.registry import rules, usecases
from services.registry.model import (
    BEGINNING,
    Category,
    StandingAsked,
    StatedViolation,
    Unpaid,
    Violation,
    ViolationDates,
    ViolationKind,
    ViolationState,
)
from services.registry.usecases import Asker, Office, Standing
from services.registry.wire import standing as wire
from tests.builders import TODAY, employer_record, id_number, month, uscc
from tests.kit.live import new_database, rows, value
from tests.registry.office import covered, employer, office, person, told_of
from tests.registry.statements import day, numbered
from tests.registry.test_taking_in import shown, take_in

pytestmark = pytest.mark.integration
EMPLOYER = "registry.employer.v1"
LABOUR, UNION = "office/labour", "office/union"
ASSESSOR = Asker("service/certification", "application 7")
OPENED, TALKED, DEADLINE, CLOSED = (date(2026, 5, one) for one in (1, 8, 20, 29))
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "registry")


def stated(code: str, number: str, authority: str = LABOUR, decision: str = "", **dates: date) -> StatedViolation:
    made = Violation(authority, number, ViolationKind.LABOUR_PROTECTION, ViolationDates(OPENED, **dates), decision)
    return StatedViolation(code, made, "violations[0]")


async def record(given: Office, *violations: StatedViolation, keep: bool = True) -> int:
    authority = violations[0].violation.authority
    return await usecases.record_violations(given, authority, violations, keep=keep)


async def stands(
    given: Office,
    code: str,
    on: date = TODAY,
    known_at: datetime | None = None,
    *,
    days: int = 0,
    by: UUID | None = None,
) -> Standing:
    asked = StandingAsked(((by, "" if by else code),), on, days)
    (found,) = await usecases.get_standing(given, asked, known_at or datetime.now(UTC), ASSESSOR)
    return found


def states(found: Standing) -> list[tuple[str, ViolationState]]:
    return [(one.number, rules.state_of(one.dates)) for one in found.violations]


async def reference(dsn: str, code: str) -> UUID:
    found: UUID = await value(dsn, "SELECT id FROM employer WHERE uscc = $1", code)
    return found


def test_a_violation_stated_twice_is_once_and_each_change_is_told_in_order(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code = uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [])
            opened = stated(code, f"{code}-1")
            talked = stated(code, f"{code}-1", talked_on=TALKED, due_on=DEADLINE)
            closed = stated(code, f"{code}-1", talked_on=TALKED, due_on=DEADLINE, closed_on=CLOSED)

            changed = [await record(given, one) for one in (opened, opened, talked, talked, closed, closed)]
            other = await record(given, stated(code, f"{code}-1", UNION))

            found = await stands(given, code)

        assert changed == [1, 0, 1, 0, 1, 0]
        assert other == 1  # the number is the authority's own
        assert [one.authority for one in found.violations] == [LABOUR, UNION]
        assert states(found) == [(f"{code}-1", ViolationState.CLOSED), (f"{code}-1", ViolationState.OPENED)]
        events = await told_of(dsn, await reference(dsn, code), EMPLOYER)
        assert [(one.version, one.WhichOneof("event")) for one in events] == [
            (1, "recorded"), (2, "wage_changed"), *[(version, "violation_changed") for version in (3, 4, 5, 6)]
        ]  # fmt: skip
        told = [one.violation_changed.violation.state for one in events[2:]]
        assert told == [
            standing_pb2.VIOLATION_STATE_OPENED, standing_pb2.VIOLATION_STATE_TALKED,
            standing_pb2.VIOLATION_STATE_CLOSED, standing_pb2.VIOLATION_STATE_OPENED,
        ]  # fmt: skip

    asyncio.run(act())


def test_an_answer_is_as_of_a_day_and_as_known_at_an_instant(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code = uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [])
            await record(given, stated(code, f"{code}-1", talked_on=TALKED, due_on=DEADLINE))
            before = datetime.now(UTC)
            await record(given, stated(code, f"{code}-1", talked_on=TALKED, due_on=DEADLINE, closed_on=TALKED))

            seen = [
                states(await stands(given, code, on, known_at))
                for on, known_at in ((OPENED - DAY, None), (TALKED - DAY, None), (TALKED, None), (TALKED, before))
            ]

        number = f"{code}-1"
        assert seen == [
            [], [(number, ViolationState.OPENED)], [(number, ViolationState.CLOSED)], [(number, ViolationState.TALKED)]
        ]  # fmt: skip

    asyncio.run(act())


def test_what_is_refused_or_only_tried_leaves_nothing(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code, other, nobody = uscc(), uscc(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code), employer(other)], [])
            await record(given, stated(code, f"{code}-1"))

            tried = await record(given, stated(code, f"{code}-2"), keep=False)
            refused = []
            for one in (stated(other, f"{code}-1"), stated(nobody, f"{code}-3")):
                with pytest.raises(Invalid) as told:
                    await record(given, stated(code, f"{code}-4"), one)
                refused += [(problem.code, problem.field) for problem in told.value.reasons]
            found = [states(await stands(given, one)) for one in (code, other)]
            unknown = await stands(given, nobody)

        assert tried == 1
        field = "violations[0].employer_uscc"
        assert refused == [("VIOLATION_OF_ANOTHER", field), ("EMPLOYER_UNKNOWN", field)]
        assert found == [[(f"{code}-1", ViolationState.OPENED)], []]
        assert unknown == Standing(None)
        assert len(await told_of(dsn, await reference(dsn, code), EMPLOYER)) == 3

    asyncio.run(act())


def test_of_many_at_once_for_one_employer_each_is_kept_and_has_a_version(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code = uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [])
            tasks = [record(given, stated(code, f"{code}-{n}", one)) for n in range(4) for one in (LABOUR, UNION)]
            changed = await asyncio.gather(*tasks, record(given, stated(code, f"{code}-0")))
            found = await stands(given, code)

        assert sum(changed) == len(found.violations) == 8
        events = await told_of(dsn, await reference(dsn, code), EMPLOYER)
        assert sorted(one.version for one in events) == list(range(1, 11))

    asyncio.run(act())


# --- arrears and closing ----------------------------------------------------------------------------------------------


def owing(code: str, *items: intake_pb2.Arrears) -> intake_pb2.CoverageIntake:
    return numbered("A-1", arrears=intake_pb2.ArrearsStatement(employer_uscc=code, arrears=items))


def item(due_on: str, amount_fen: int, paid_on: str = "") -> intake_pb2.Arrears:
    made = intake_pb2.Arrears(month=month("2026-03"), due_on=day(due_on), amount_fen=amount_fen)
    if paid_on:
        made.paid_on.CopyFrom(day(paid_on))
    return made


def test_arrears_of_the_tax_office_are_taken_in_like_its_other_records(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code = uscc()
        first, second = item("2026-04-30", 120_000), item("2026-05-31", 80_000)
        paid = item("2026-04-30", 120_000, paid_on="2026-06-03")
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [])
            settled = [
                await take_in(given, *given_)
                for given_ in ([owing(code, second, first)], [owing(code, first, second)], [owing(code, paid, second)])
            ]
            known_at = datetime.now(UTC)
            settled.append(await take_in(given, owing(code)))
            unknown = await take_in(given, owing(uscc()), owing(code))
            days = [date(2026, 4, 30), date(2026, 5, 1), date(2026, 6, 2), date(2026, 6, 3)]
            unpaid = [(await stands(given, code, on, known_at)).unpaid for on in days]
            now = (await stands(given, code)).unpaid

        outcomes = [shown(one)[0][0] for one in settled]
        assert outcomes == ["RECORDED", "UNCHANGED", "RECORDED", "RECORDED"]
        assert shown(unknown) == [("RETURNED", [("EMPLOYER_UNKNOWN", "arrears.employer_uscc")]), ("UNCHANGED", [])]
        since, later = date(2026, 5, 1), date(2026, 6, 1)
        assert unpaid == [Unpaid(), Unpaid(120_000, since), Unpaid(200_000, since), Unpaid(80_000, later)]
        assert now == Unpaid()
        events = (await told_of(dsn, await reference(dsn, code), EMPLOYER))[2:]
        told = [
            (one.version, one.arrears_changed.unpaid_fen, one.arrears_changed.HasField("unpaid_since"))
            for one in events
        ]
        assert told == [(3, 200_000, True), (4, 80_000, True), (5, 0, False)]

    asyncio.run(act())


def test_arrears_that_cannot_be_are_returned(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        deferred = item("2026-04-30", 1)
        deferred.deferred_until.CopyFrom(day("2026-04-29"))
        ahead = item("2026-04-30", 1, paid_on=f"{TODAY + DAY}")
        no_day = item("2026-04-30", 1)
        no_day.due_on.day = 31
        async with office(stack, dsn) as given:
            settled = await take_in(given, owing(uscc(), deferred, ahead, no_day))

        assert shown(settled) == [
            (
                "RETURNED",
                [
                    ("DATES_OUT_OF_ORDER", "arrears.arrears[0].deferred_until"),
                    ("DATE_IN_FUTURE", "arrears.arrears[1].paid_on"),
                    ("DATE_INVALID", "arrears.arrears[2].due_on"),
                ],
            )
        ]

    asyncio.run(act())


def test_an_employer_is_closed_from_its_day_on_and_that_is_told(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code = uscc()
        closed = employer_record(code)
        closed.closed_on.CopyFrom(to_proto(CLOSED))
        async with office(stack, dsn) as given:
            await take_in(given, numbered("E-1", employer=employer_record(code)))
            before = datetime.now(UTC)
            for _ in range(2):
                await take_in(given, numbered("E-1", employer=closed))
            asked = ((CLOSED - DAY, None), (CLOSED, None), (TODAY, before))
            seen = [await stands(given, code, on, known_at) for on, known_at in asked]

        assert [one.known.closed_on if one.known else 0 for one in seen] == [None, CLOSED, None]
        events = await told_of(dsn, await reference(dsn, code), EMPLOYER)
        recorded = [one.recorded for one in events if one.WhichOneof("event") == "recorded"]
        assert [one.HasField("closed_on") for one in recorded] == [False, True]

    asyncio.run(act())


# --- staff ------------------------------------------------------------------------------------------------------------


def test_staff_is_counted_on_the_day_and_by_how_long_they_are_insured(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code, other, on = uscc(), uscc(), date(2026, 6, 30)
        spans = [
            [covered(by=code)],
            [covered(date(2026, 1, 1), on, by=code)],
            [covered(date(2026, 1, 1), on - DAY, by=code), covered(on, by=other)],
            [covered(on - 30 * DAY, by=code)],
            [covered(on - 29 * DAY, by=code)],
            [covered(on, by=code)],
            [covered(on + DAY, by=code)],
            [covered(category=Category.FLEXIBLE, by=code)],
        ]
        moved = id_number()
        async with office(stack, dsn) as given:
            people = [person(id_number(), coverage=one) for one in spans]
            await usecases.record(given, [employer(code), employer(other)], [*people, person(moved, code)])
            before = datetime.now(UTC)
            await usecases.record(given, [], [person(moved, other)])

            seen = [await stands(given, code, on, days=days) for days in (0, 30, 31)]
            earlier, beside = await stands(given, code, on, before), await stands(given, other, on)

        counts = [one.known.insured if one.known else 0 for one in (*seen, earlier, beside)]
        assert counts == [5, 3, 2, 6, 2]
        assert seen[0].known
        assert seen[0].known.insured_since == BEGINNING

    asyncio.run(act())


def test_staff_recorded_before_there_were_spans_counts_too(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code, number = uscc(), new_id()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [])
            by = await reference(dsn, code)
            await rows(dsn, "INSERT INTO person (id, blind_index) VALUES ($1, $2)", number, number.bytes)
            await rows(
                dsn,
                """INSERT INTO coverage (person_id, recorded_at, category, employer_id, first_months, last_months,
                                         late_months, late_paid_on)
                   VALUES ($1, now(), 'EMPLOYEE', $2, '{}', '{}', '{}', '{}')""",
                number,
                by,
            )
            found = await stands(given, code, by=by)

        assert found.known
        assert (found.known.insured, found.known.insured_since, found.known.uscc) == (1, BEGINNING, code)

    asyncio.run(act())


def test_what_it_is_asked_for_names_nobody() -> None:
    asked = standing_pb2.BatchGetEmployerStandingRequest(on=to_proto(TODAY), purpose=f"about {id_number()}")
    with pytest.raises(Invalid) as refused:
        wire.asked(asked)
    assert [(one.code, one.field) for one in refused.value.reasons] == [("ID_NUMBER_NOT_HERE", "purpose")]


# --- over gRPC --------------------------------------------------------------------------------------------------------


def test_an_authority_states_and_the_certification_asks_in_order_with_an_audit(stack: Stack) -> None:
    code, target = uscc(), stack.environment["CRADLE_REGISTRY_TARGET"]
    served = f"{stack.environment['DATABASE_URL']}/cradle_registry"
    audit = "SELECT principal, purpose, cardinality(subjects) FROM audit WHERE purpose = $1"

    async def act() -> standing_pb2.BatchGetEmployerStandingResponse:
        async with office(stack, served) as given:
            await usecases.record(given, [employer(code)], [person(id_number(), code)])
        async with rpc.channel(target, stack.authority.identity("office/labour")) as channel:
            stub = standing_pb2_grpc.StandingServiceStub(channel)
            record = standing_pb2.ViolationRecord(
                number="L-1",
                employer_uscc=code,
                kind=standing_pb2.VIOLATION_KIND_DISCRIMINATION,
                opened_on=to_proto(OPENED),
            )
            request = standing_pb2.BatchRecordViolationsRequest(violations=[record])
            assert (await stub.BatchRecordViolations(request, timeout=10)).changed == 1
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.BatchGetEmployerStanding(standing_pb2.BatchGetEmployerStandingRequest(), timeout=10)
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        async with rpc.channel(target, stack.authority.identity("service/certification")) as channel:
            stub = standing_pb2_grpc.StandingServiceStub(channel)
            queries = [standing_pb2.EmployerQuery(uscc=one) for one in (uscc(), code)]
            return await stub.BatchGetEmployerStanding(
                standing_pb2.BatchGetEmployerStandingRequest(employers=queries, on=to_proto(TODAY), purpose=code),
                timeout=10,
            )

    unknown, known = asyncio.run(act()).answers
    assert unknown == standing_pb2.EmployerStanding()
    assert (known.uscc, known.county, known.insured, known.unpaid_fen) == (code, "610304", 1, 0)
    assert known.insured_since == to_proto(BEGINNING)
    assert [(one.authority, one.state) for one in known.violations] == [
        ("office/labour", standing_pb2.VIOLATION_STATE_OPENED)
    ]
    assert [tuple(row) for row in asyncio.run(rows(served, audit, code))] == [("service/certification", code, 1)]
