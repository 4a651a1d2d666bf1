"""Coverage by days, on a real database: what held on a day as known then, whose it is, and what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from cradle.registry.v1 import event_pb2

from deploy.local.stack import Stack
from services.kit.dates import from_proto
from services.kit.ids import new_id
from services.registry import usecases
from services.registry.model import BEGINNING, GOES_ON, Category, Level, Question, StatedSpan
from services.registry.usecases import Asker
from tests.builders import id_number, month, spans, uscc
from tests.kit.live import new_database, rows, sealer_of, value
from tests.registry.office import asked, covered, employer, office, person, provider, told_of

pytestmark = pytest.mark.integration
CHANGED = date(2026, 3, 10)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "registry")


def moved(old: str, new: str) -> Sequence[StatedSpan]:
    """A student in the residents' scheme until she works; then through one employer, and through another from a day."""
    return (
        covered(BEGINNING, date(2023, 6, 30), Category.RESIDENT, is_student=True),
        covered(date(2023, 9, 1), CHANGED - DAY, by=old),
        covered(CHANGED, GOES_ON, by=new),
    )


def test_the_day_asked_for_says_the_category_and_the_employer(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, old, new = id_number(), uscc(), uscc()
        async with office(stack, dsn) as given:
            employers = [employer(old, y2025=500_000, bases={2025: 450_000}), employer(new, y2025=700_000)]
            await usecases.record(given, employers, [person(number, coverage=moved(old, new))])
            ids = {code: (await asked(given, number, code)).employer for code in (old, new)}

            before, first, latest, gap, student = [
                await asked(given, number, on=on)
                for on in (CHANGED - DAY, CHANGED, None, date(2023, 7, 1), date(2023, 6, 30))
            ]

        assert (before.insured_by, dict(before.wages), dict(before.bases)) == (
            ids[old],
            {2025: 500_000},
            {2025: 450_000},
        )
        assert (first.insured_by, dict(first.wages)) == (ids[new], {2025: 700_000})
        assert latest == first
        assert (gap.category, gap.insured_by, gap.is_known) == (None, None, True)
        assert gap.contributions == first.contributions
        assert (student.category, student.is_student) == (Category.RESIDENT, True)
        assert (before.category, before.is_student) == (Category.EMPLOYEE, False)

    asyncio.run(act())


def test_a_correction_leaves_what_was_known_of_a_day_before(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, old, new = id_number(), uscc(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(old), employer(new)], [person(number, old)])
            between = datetime.now(UTC)
            await usecases.record(given, [], [person(number, coverage=moved(old, new))])

            then, now = [await asked(given, number, new, at, on=CHANGED) for at in (between, None)]

        assert then.insured_by != then.employer
        assert now.insured_by == now.employer
        (_, told) = await told_of(dsn, now.person)
        assert told.changed.recorded_at.ToDatetime(tzinfo=UTC) > between

    asyncio.run(act())


def test_somebody_never_reported_has_a_reference_and_keeps_it(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            first, again = await asked(given, number), await asked(given, number)
            by_reference = await asked(given, reference=first.person)
            await usecases.record(given, [employer(code)], [person(number, code)])
            reported = await asked(given, reference=first.person)

        assert first.person == again.person == by_reference.person == reported.person
        assert first.person is not None
        assert [one.is_known for one in (first, again, by_reference, reported)] == [False, False, False, True]
        assert reported.category is Category.EMPLOYEE
        assert [event.version for event in await told_of(dsn, first.person)] == [2]
        assert [event.version for event in await told_of(dsn, first.person, "registry.person.v1")] == [1]

    asyncio.run(act())


def test_the_same_stranger_twice_in_a_call_and_in_two_calls_at_once_has_one_reference(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        numbers = [id_number() for _ in range(50)]
        questions = [Question(number) for number in (*numbers, *reversed(numbers))]
        async with office(stack, dsn) as given:
            calls = [usecases.get_coverage(given, questions, datetime.now(UTC)) for _ in range(4)]
            found = await asyncio.gather(*calls)

        references = {tuple(one.person for one in answers) for answers in found}
        assert len(references) == 1
        assert len(set(references.pop())) == 50

    asyncio.run(act())


def test_a_reference_that_was_never_given_is_nobodys(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        async with office(stack, dsn) as given:
            found = await asked(given, reference=new_id())

        assert (found.person, found.is_known, found.category) == (None, False, None)

    asyncio.run(act())


def test_a_wife_without_work_is_answered_with_her_husbands_contributions(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        hers, his, code = id_number(), id_number(sequence=401), uscc()
        paid = spans("2020-01..2026-02")
        async with office(stack, dsn) as given:
            until = covered(BEGINNING, CHANGED, by=code)
            await usecases.record(given, [employer(code)], [person(his, paid=paid, coverage=[until])])

            on_it, after, alone = [
                await asked(given, hers, on=CHANGED, husband=his),
                await asked(given, hers, on=CHANGED + DAY, husband=his),
                await asked(given, hers, on=CHANGED),
            ]
            husband = await asked(given, his)

        assert (on_it.category, on_it.insured_by) == (Category.SPOUSE_OF_EMPLOYEE, husband.insured_by)
        assert (on_it.contributions, dict(on_it.wages)) == (husband.contributions, {2025: 600_000})
        assert (on_it.person, on_it.is_known) == (alone.person, False)
        assert after == alone._replace(husband=husband.person)
        subjects = await rows(dsn, "SELECT subjects FROM audit ORDER BY id DESC OFFSET 3 LIMIT 1")
        assert set(subjects[0]["subjects"]) == {on_it.person, husband.person}

    asyncio.run(act())


def test_a_husband_is_told_by_reference_and_may_be_asked_for_by_it(stack: Stack, dsn: str) -> None:
    """One who was never reported has a reference too, and keeps it."""

    async def act() -> None:
        hers, his, code = id_number(), id_number(sequence=401), uscc()
        async with office(stack, dsn) as given:
            unknown = await asked(given, hers, on=CHANGED, husband=his)
            await usecases.record(given, [employer(code)], [person(his, code)])
            by_number = await asked(given, hers, on=CHANGED, husband=his)
            assert unknown.person is not None
            assert unknown.husband is not None
            by_reference = await asked(given, reference=unknown.person, on=CHANGED, husband=unknown.husband)

        assert (unknown.category, by_number.category) == (None, Category.SPOUSE_OF_EMPLOYEE)
        assert by_reference == by_number
        assert unknown.husband == by_number.husband != by_number.person

    asyncio.run(act())


def test_an_institution_has_the_level_of_its_contract_on_the_day(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        first, raised, closed = date(2020, 1, 1), date(2025, 7, 1), date(2026, 6, 30)
        hospital = provider(
            "H61030200999", (first, raised - DAY, Level.SECONDARY), (raised, closed, Level.TERTIARY), account="62220"
        )
        days = [first - DAY, first, raised - DAY, raised, closed, closed + DAY]
        async with office(stack, dsn) as given:
            await usecases.record(given, [], [], [hospital])
            at = datetime.now(UTC)

            found = await usecases.get_institutions(given, [(hospital.code, day) for day in days], at)
            (unknown,) = await usecases.get_institutions(given, [("H0", first)], at)
            (earlier,) = await usecases.get_institutions(given, [(hospital.code, first)], at - timedelta(minutes=1))

        assert [one.level for one in found] == [
            None,
            Level.SECONDARY,
            Level.SECONDARY,
            Level.TERTIARY,
            Level.TERTIARY,
            None,
        ]
        assert {(one.provider is not None, one.county) for one in found} == {(True, "610304")}
        assert (unknown.provider, unknown.level, unknown.county) == (None, None, "")
        assert earlier.level is None
        assert b"62220" not in await value(dsn, "SELECT sealed_account FROM provider WHERE code = $1", hospital.code)

    asyncio.run(act())


def test_a_person_sealed_by_the_version_before_is_sealed_with_her_own_key_when_she_is_stated(
    stack: Stack, dsn: str
) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code)])
            found = await asked(given, number)
            index = await value(dsn, "SELECT blind_index FROM person WHERE id = $1", found.person)
            sealed = sealer_of(stack).seal(b"as before", index)
            await rows(dsn, "UPDATE person SET sealed = $2 WHERE id = $1", found.person, sealed)

            await usecases.record(given, [], [person(number, code)])

            hers = sealer_of(stack).unwrap(
                await value(dsn, "SELECT wrapped FROM person_key WHERE person_id = $1", found.person),
                found.person.bytes if found.person else b"",
            )
            sealed = await value(dsn, "SELECT sealed FROM person WHERE id = $1", found.person)
        assert number.encode() in hers.open(sealed, found.person.bytes if found.person else b"")

    asyncio.run(act())


async def written(dsn: str) -> list[int]:
    tables = ("coverage", "employer_wage", "provider_level", "outbox")
    return [await value(dsn, f"SELECT count(*) FROM {table}") for table in tables]


def test_the_same_record_twice_is_one_row_and_one_event(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        hospital = provider("H61030200777", (date(2020, 1, 1), GOES_ON, Level.PRIMARY), account="62221")
        records = [employer(code, bases={2025: 1})], [person(number, code)], [hospital]
        async with office(stack, dsn) as given:
            await usecases.record(given, *records)
            once = await written(dsn)
            sealed = await rows(dsn, "SELECT sealed FROM person ORDER BY id")

            await usecases.record(given, *records)

        assert await written(dsn) == once
        assert await rows(dsn, "SELECT sealed FROM person ORDER BY id") == sealed

    asyncio.run(act())


def test_every_change_of_a_person_is_told_once_in_order_with_the_day_it_begins(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code, spans("2024-01..2026-01"))])
            await usecases.record(given, [], [person(number, code, spans("2024-01..2026-02"))])
            late = ((month("2026-03"), date(2026, 5, 8)),)
            await usecases.record(given, [], [person(number, code, spans("2024-01..2026-02"), late=late)])
            found = await asked(given, number)

        told = await told_of(dsn, found.person)
        assert [event.version for event in told] == [2, 3, 4]
        assert [event.WhichOneof("event") for event in told] == ["changed"] * 3
        assert [day_of(event) for event in told] == [BEGINNING, date(2026, 2, 1), date(2026, 3, 1)]
        instants = [event.changed.recorded_at.ToDatetime(tzinfo=UTC) for event in told]
        recorded = await rows(
            dsn, "SELECT recorded_at FROM coverage WHERE person_id = $1 ORDER BY recorded_at", found.person
        )
        assert instants == [row["recorded_at"] for row in recorded]

    asyncio.run(act())


def day_of(event: event_pb2.CoverageEvent) -> date:
    return from_proto(getattr(event.changed, "from"))


def test_two_offices_that_record_a_person_at_once_are_told_one_after_the_other(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code)])
            before = await asked(given, number)
            stated = [person(number, code, spans(f"2024-01..2026-0{last}")) for last in (4, 5, 6, 7)]

            await asyncio.gather(*[usecases.record(given, [], [one]) for one in stated])

            after = await asked(given, number)
        told = await told_of(dsn, before.person)
        assert [event.version for event in told] == [2, 3, 4, 5, 6]
        instants = [event.changed.recorded_at.ToDatetime(tzinfo=UTC) for event in told]
        assert instants == sorted(set(instants))
        assert after.contributions in [one.contributions for one in stated]

    asyncio.run(act())


def test_an_employer_is_told_when_it_is_recorded_and_when_its_wages_change(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code = uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code, y2024=500_000, y2025=600_000)], [])
            await usecases.record(given, [employer(code, y2024=500_000, y2025=650_000, bases={2023: 1})], [])
            found = await asked(given, id_number(), code)

        recorded, wages, changed = await told_of(dsn, found.employer, "registry.employer.v1")
        assert [event.version for event in (recorded, wages, changed)] == [1, 2, 3]
        assert recorded.recorded.county == "610304"
        assert list(wages.wage_changed.years) == [2024, 2025]
        assert list(changed.wage_changed.years) == [2023, 2025]

    asyncio.run(act())


def test_who_asked_and_what_for_is_written_down(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        async with office(stack, dsn) as given:
            asker = Asker("insurer:hospitals", "deciding claims")
            (found,) = await usecases.get_coverage(given, [Question(id_number())], datetime.now(UTC), asker)

        (row,) = await rows(dsn, "SELECT * FROM audit ORDER BY id DESC LIMIT 1")
        assert (row["method"], row["principal"], row["purpose"]) == ("BatchGetCoverage", asker.principal, asker.purpose)
        assert row["subjects"] == [found.person]

    asyncio.run(act())


def test_what_was_recorded_before_there_were_days_holds_on_every_day(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [])
            stranger = await asked(given, number, code)
            await rows(
                dsn,
                """INSERT INTO coverage (person_id, recorded_at, category, employer_id, first_months, last_months,
                                         late_months, late_paid_on)
                   VALUES ($1, now(), 'EMPLOYEE', $2, '{24180}', '{24240}', '{24242}', '{2020-05-05}')""",
                stranger.person,
                stranger.employer,
            )

            found = [await asked(given, number, on=on) for on in (None, date(1990, 1, 1), CHANGED)]
            await usecases.record(
                given, [], [person(number, code, ((24180, 24240),), late=((24242, date(2020, 5, 5)),))]
            )

        assert [one.category for one in found] == [Category.EMPLOYEE] * 3
        assert {one.insured_by for one in found} == {stranger.employer}
        assert [one.contributions.reported_to_month for one in found] == [24242] * 3
        assert len(await told_of(dsn, stranger.person)) == 1  # who says how far the report goes says something new

    asyncio.run(act())
