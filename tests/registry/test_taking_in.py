"""The intake on a real database: what each record becomes, twice and in any company, and what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

import pytest
from cradle.registry.v1 import intake_pb2, service_pb2

from deploy.local.stack import Stack
from services.registry import usecases
from services.registry.model import GOES_ON, Category, Level, Received, Settled
from services.registry.usecases import Office
from services.registry.wire import intake
from tests.builders import TODAY, id_number, month, spans, uscc
from tests.kit.live import new_database, rows, value
from tests.registry import statements
from tests.registry.office import asked, employer, office, person, provider, told_of
from tests.registry.statements import child, covered, household, paid, span

pytestmark = pytest.mark.integration
HOSPITAL = "H61030200321"


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "registry")


async def take_in(given: Office, *records: intake_pb2.CoverageIntake) -> list[Settled]:
    async with given.database.transaction() as tx:
        return await usecases.take_in(given, tx, received(given, records))


def received(given: Office, records: Sequence[intake_pb2.CoverageIntake]) -> list[Received]:
    now, digest = given.clock.now(), given.sealer.digest
    return [intake.called(record, "tax", TODAY, now, 65_536, digest) for record in records]


def shown(settled: Sequence[Settled]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(one.outcome.value, [(given.code, given.field) for given in one.reasons]) for one in settled]


def outcomes(settled: Sequence[Settled]) -> list[str]:
    return [one.outcome.value for one in settled]


def test_every_kind_of_record_twice_is_once(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mother, code = id_number(), uscc()
        hospital = intake_pb2.CoverageIntake(record_number="I-1")
        hospital.provider.MergeFrom(a_hospital())
        records = [
            statements.employer(code),
            hospital,
            statements.person(id_number(), code),
            paid(mother, ("2026-03", "2026-04-08"), name="欧阳测试", employer=code, to="2026-03"),
            covered(mother, span("2024-01-01", by=code)),
            household(mother, child(certificate="W610000001", provider=HOSPITAL), father=id_number(sequence=401)),
        ]
        async with office(stack, dsn) as given:
            first = await take_in(given, *records)
            written = [await value(dsn, f"SELECT count(*) FROM {t}") for t in ("coverage", "outbox", "person")]

            second, alone = await take_in(given, *records), [(await take_in(given, one))[0] for one in records]

            assert shown(first) == [("RECORDED", [])] * 6
            assert outcomes(second) == outcomes(alone) == ["UNCHANGED"] * 6
            after = [await value(dsn, f"SELECT count(*) FROM {t}") for t in ("coverage", "outbox", "person")]
            assert after == written
            found = await asked(given, mother, code, on=date(2026, 3, 10))
            assert (found.category, found.insured_by) == (Category.EMPLOYEE, found.employer)
            assert found.contributions.paid_months == spans("2026-03")

    asyncio.run(act())


def a_hospital() -> service_pb2.ProviderRecord:
    first = statements.day("2020-01-01")
    contract = service_pb2.ContractSpan(level=service_pb2.PROVIDER_LEVEL_SECONDARY, first_day=first)
    return service_pb2.ProviderRecord(code=HOSPITAL, name="宝鸡测试医院", county="610304", contracts=[contract])


def test_as_many_reasons_are_kept_as_the_receipt_tells(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        async with office(stack, dsn) as given:
            (settled,) = await take_in(given, paid(id_number(), *[("2026-03", "2026-02-01")] * 60))

        assert [one.code for one in settled.reasons] == ["PAID_BEFORE_DUE"] * 50 + ["MORE_REASONS"]

    asyncio.run(act())


def test_a_bad_record_is_returned_and_delays_no_other(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        good, bad = id_number(), id_number()
        async with office(stack, dsn) as given:
            settled = await take_in(
                given,
                paid(bad, ("2026-03", "2026-02-01")),
                paid(good, ("2026-03", "2026-04-08"), to="2026-04"),
                paid(bad, ("2026-03", "2026-04-08"), employer=uscc()),
                covered(bad, span("2024-01-01", by=uscc()), span("2020-01-01", "2020-12-31")),
                paid(bad, back=[("2026-03", "2026-04-08")]),
                household(id_number(), child(certificate="W610000002", provider="H61030299999")),
            )
            found, nobody = await asked(given, good), await asked(given, bad)

        assert shown(settled) == [
            ("RETURNED", [("PAID_BEFORE_DUE", "contributions.paid[0].paid_on")]),
            ("RECORDED", []),
            ("RETURNED", [("EMPLOYER_UNKNOWN", "contributions.employer_uscc")]),
            ("RETURNED", [("EMPLOYER_UNKNOWN", "coverage.coverage[0].employer_uscc")]),
            ("RETURNED", [("CONTRIBUTION_NOT_ON_FILE", "contributions.taken_back[0].month")]),
            ("RETURNED", [("BIRTHPLACE_UNKNOWN", "household.children[0].provider_code")]),
        ]
        assert (found.is_known, found.contributions.reported_to_month) == (True, month("2026-04"))
        assert not nobody.is_known
        kept = await rows(dsn, "SELECT reasons FROM statement WHERE receipt_id = $1", settled[4].received.receipt_id)
        assert kept[0]["reasons"] == ["CONTRIBUTION_NOT_ON_FILE contributions.taken_back[0].month"]

    asyncio.run(act())


@pytest.mark.parametrize(
    ("born", "expected"),
    [("2025-12-31", "BIRTHPLACE_CLOSED"), ("2026-01-01", ""), ("2026-06-30", ""), ("2026-07-01", "BIRTHPLACE_CLOSED")],
)
def test_a_child_is_born_where_there_was_a_contract_on_the_day(
    stack: Stack, dsn: str, born: str, expected: str
) -> None:
    async def act() -> None:
        code = f"H{uscc()[8:17]}"
        async with office(stack, dsn) as given:
            contract = (date(2026, 1, 1), date(2026, 6, 30), Level.PRIMARY)
            await usecases.record(given, [], [], [provider(code, contract)])
            (settled,) = await take_in(given, household(id_number(), child(born, f"W{uscc()[8:]}", provider=code)))

        assert [given.code for given in settled.reasons] == ([expected] if expected else [])

    asyncio.run(act())


def test_contributions_leave_coverage_and_coverage_leaves_contributions(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code, spans("2024-01..2026-02"))])
            await take_in(given, paid(number, ("2026-03", "2026-04-08"), ("2026-04", "2026-09-01")))
            await take_in(given, covered(number, span("2024-01-01", by=code)))
            found = await asked(given, number, code, on=date(2026, 3, 10))
            before = await asked(given, number, code, on=date(2023, 12, 31))

        assert found.contributions.paid_months == spans("2024-01..2026-03")
        assert found.contributions.back_paid == ((month("2026-04"), date(2026, 9, 1)),)
        assert (found.category, before.category) == (Category.EMPLOYEE, None)

    asyncio.run(act())


def test_records_of_one_person_in_one_batch_are_taken_in_their_order(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number = id_number()
        async with office(stack, dsn) as given:
            settled = await take_in(
                given,
                paid(number, ("2026-02", "2026-03-08"), ("2026-03", "2026-04-08")),
                paid(number, back=[("2026-03", "2026-04-10")]),
                paid(number, ("2026-02", "2026-03-08")),
                paid(number, ("2026-04", "2026-05-08")),
            )
            found = await asked(given, number)

        assert outcomes(settled) == ["RECORDED", "RECORDED", "UNCHANGED", "RECORDED"]
        assert found.contributions.paid_months == spans("2026-02") + spans("2026-04")
        assert len(await told_of(dsn, found.person)) == 1
        assert await value(dsn, "SELECT count(*) FROM coverage WHERE person_id = $1", found.person) == 1

    asyncio.run(act())


def test_a_birth_is_told_once_and_a_household_when_it_changes(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mother, father = id_number(), id_number(sequence=401)
        eldest, twin, other = (f"W{uscc()[8:]}" for _ in range(3))
        async with office(stack, dsn) as given:
            first = household(mother, child("2023-02-01", eldest, order=1), father=father)
            twins = [child("2026-03-10", twin, order=2), child("2026-03-10", other, order=3)]
            whole = household(mother, child("2023-02-01", eldest, order=1), *twins, father=father)
            settled = [*await take_in(given, first), *await take_in(given, whole), *await take_in(given, whole)]
            reference = (await asked(given, mother)).person

        assert outcomes(settled) == ["RECORDED", "RECORDED", "UNCHANGED"]
        told = await told_of(dsn, reference, "registry.person.v1")
        assert [event.WhichOneof("event") for event in told] == [
            "recorded",
            "child_born",
            "household_changed",
            "child_born",
            "child_born",
            "household_changed",
        ]
        versions = [event.version for event in told]
        assert versions == sorted(set(versions))
        assert [event.child_born.birth_order for event in told if event.HasField("child_born")] == [1, 2, 3]
        assert told[3].child_born.birth_month_first_day == statements.day("2026-03-01")
        assert [event.household_changed.children for event in told if event.HasField("household_changed")] == [1, 3]

    asyncio.run(act())


def test_a_name_given_later_to_a_child_is_kept_and_is_no_birth(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        mother, certificate = id_number(), f"W{uscc()[8:]}"
        async with office(stack, dsn) as given:
            await take_in(given, household(mother, child(certificate=certificate)))
            reference = (await asked(given, mother)).person
            before = await told_of(dsn, reference, "registry.person.v1")
            (settled,) = await take_in(given, household(mother, child(certificate=certificate, name="李沐宸")))

        assert settled.outcome.value == "RECORDED"
        assert await told_of(dsn, reference, "registry.person.v1") == before

    asyncio.run(act())


def test_a_dry_run_says_what_would_become_of_it_and_keeps_nothing(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number = id_number()
        records = [paid(number, ("2026-03", "2026-04-08")), paid(number, back=[("2020-03", "2026-04-08")])]
        async with office(stack, dsn) as given:
            counted = "SELECT (SELECT count(*) FROM statement) + (SELECT count(*) FROM outbox)"
            before = await value(dsn, counted)

            tried = await usecases.dry_run(given, received(given, records))

            assert await value(dsn, counted) == before
            assert not (await asked(given, number)).is_known
            assert shown(tried) == shown(await take_in(given, *records))

    asyncio.run(act())


def test_two_batches_about_the_same_people_at_once_lose_nothing(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        numbers = [id_number() for _ in range(30)]
        async with office(stack, dsn) as given:
            batches = [
                [paid(number, (f"2026-0{last}", f"2026-0{last + 1}-08")) for number in order]
                for last, order in enumerate((numbers, numbers[::-1], numbers[10:] + numbers[:10]), 3)
            ]

            await asyncio.gather(*[take_in(given, *batch) for batch in batches])

            found = [(await asked(given, number)).contributions.paid_months for number in numbers]
        assert found == [spans("2026-03..2026-05")] * 30

    asyncio.run(act())


def test_an_institution_that_was_closed_is_known_and_has_no_level(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code = f"H{uscc()[8:17]}"
        async with office(stack, dsn) as given:
            await usecases.record(given, [], [], [provider(code, (date(2020, 1, 1), GOES_ON, Level.PRIMARY))])
            await usecases.record(given, [], [], [provider(code, (date(2020, 1, 1), date(2025, 1, 1), Level.PRIMARY))])
            (found,) = await usecases.get_institutions(given, [(code, date(2026, 1, 1))], given.clock.now())

        assert found.provider is not None
        assert found.level is None

    asyncio.run(act())
