"""The registry on a real database: who is known, as of when, read in one statement and audited once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.kit.db import Database
from services.kit.errors import Invalid
from services.registry import usecases
from services.registry.model import Category, Contributions, Question
from services.registry.wire import records
from tests.builders import id_number, person_record, spans, uscc
from tests.kit.live import new_database, rows, sealer_of, value
from tests.registry.office import NAME, PAID, asked, employer, office, person

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "registry")


def test_an_unknown_person_and_an_unknown_employer_are_unknown(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        async with office(stack, dsn) as given:
            found = await asked(given, id_number(), uscc())

        assert (found.is_known, found.category, found.insured_by, found.employer) == (False, None, None, None)
        assert (found.wages, found.bases, found.contributions) == ((), (), Contributions())

    asyncio.run(act())


def test_a_known_person_is_answered_with_the_wages_of_who_insures_her(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code, other = id_number(), uscc(), uscc()
        async with office(stack, dsn) as given:
            employers = [employer(code, y2024=500_000, y2025=600_000), employer(other, y2025=999_999)]
            await usecases.record(given, employers, [person(number, code)])

            found, elsewhere, nowhere = [await asked(given, number, named) for named in (code, other, uscc())]

        assert found.category is Category.EMPLOYEE
        assert dict(found.wages) == {2024: 500_000, 2025: 600_000}
        assert found.contributions.paid_months == PAID
        assert found.insured_by == found.employer
        assert elsewhere.insured_by == found.employer != elsewhere.employer
        assert dict(elsewhere.wages) == dict(found.wages)
        assert (nowhere.insured_by, nowhere.employer) == (found.employer, None)

    asyncio.run(act())


def test_what_was_known_before_a_correction_stays_what_was_known_then(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            before = datetime.now(UTC)
            await usecases.record(given, [employer(code, y2025=600_000)], [person(number, code)])
            between = datetime.now(UTC)
            await usecases.record(
                given, [employer(code, y2025=700_000)], [person(number, code, spans("2025-01..2026-03"))]
            )

            unknown, then, now = [await asked(given, number, code, at) for at in (before, between, datetime.now(UTC))]

        assert unknown.category is None
        assert (then.contributions.paid_months, dict(then.wages)) == (PAID, {2025: 600_000})
        assert (now.contributions.paid_months, dict(now.wages)) == (spans("2025-01..2026-03"), {2025: 700_000})
        assert then.person == now.person

    asyncio.run(act())


def test_an_id_number_is_found_however_it_was_written(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code = uscc()
        number = next(n for n in (id_number(sequence=s) for s in range(2, 998, 2)) if n.endswith("X"))
        record = person_record(number.lower(), code)
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [records.person(record)])

            found = await asked(given, number, code)

        assert found.is_known

    asyncio.run(act())


def test_five_hundred_persons_are_answered_in_order_with_one_row_of_audit(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        code = uscc()
        numbers = [id_number() for _ in range(500)]
        unknown = {numbers[n] for n in range(0, 500, 10)}
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(n, code) for n in numbers if n not in unknown])
            audited = await value(dsn, "SELECT count(*) FROM audit")

            found = await usecases.get_coverage(given, [Question(n, code) for n in numbers], datetime.now(UTC))

            single = {n: (await asked(given, n, code)).person for n in numbers[:12]}
        (row,) = await rows(dsn, "SELECT * FROM audit OFFSET $1 LIMIT 1", audited)
        assert [coverage.is_known for coverage in found] == [n not in unknown for n in numbers]
        assert {n: coverage.person for n, coverage in zip(numbers[:12], found, strict=False)} == single
        assert len(row["subjects"]) == 500
        assert row["method"] == "BatchGetCoverage"
        assert await value(dsn, "SELECT count(*) FROM audit") == audited + 1 + 12

    asyncio.run(act())


@pytest.mark.parametrize("unknown", [0, 1, 50])
def test_five_hundred_are_asked_for_in_as_many_statements_as_one(stack: Stack, dsn: str, unknown: int) -> None:
    """One answers, one writes the audit; one more gives references to all who were never reported, and one finds the
    employers that are named for the first time.
    """

    async def act() -> None:
        code = uscc()
        numbers = [id_number() for _ in range(500)]
        async with office(stack, dsn, connections_max=1) as given:
            await usecases.record(given, [employer(code)], [person(n, code) for n in numbers[unknown:]])
            ran = await statements_of(given.database)

            await usecases.get_coverage(given, [Question(n, code) for n in numbers], datetime.now(UTC))
            first, ran[:] = ran[:], ()
            await usecases.get_coverage(given, [Question(n, code) for n in numbers], datetime.now(UTC))

        referred = ["INSERT INTO person"] if unknown else []
        assert [sql for sql in first if sql.startswith("INSERT")] == [*referred, "INSERT INTO audit"]
        assert len(first) == 3 + len(referred)
        assert ran == [first[1], "INSERT INTO audit"]

    asyncio.run(act())


def test_an_employer_that_is_told_of_later_is_found_from_then_on(stack: Stack, dsn: str) -> None:
    """What was not found is asked for again: only what was is kept."""

    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            before = await asked(given, number, code)
            await usecases.record(given, [employer(code)], [])
            after = [await asked(given, number, code), await asked(given, number, code)]

        (row,) = await rows(dsn, "SELECT id FROM employer WHERE uscc = $1", code)
        assert before.employer is None
        assert [answer.employer for answer in after] == [row["id"]] * 2

    asyncio.run(act())


async def statements_of(database: Database) -> list[str]:
    """Every statement from now on, by its first words, on a pool of one connection."""
    ran: list[str] = []

    def log(record: Any) -> None:
        if "pg_advisory_unlock_all" not in record.query:  # the pool's own, when a connection comes back
            ran.append(" ".join(record.query.split()[:3]))

    async with database.pool.acquire() as connection:
        connection.add_query_logger(log)
    return ran


def test_the_same_person_asked_twice_is_answered_twice_and_audited_once(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code), person(number, code)])

            one, two = await usecases.get_coverage(given, [Question(number, code)] * 2, datetime.now(UTC))

        assert one == two
        assert await value(dsn, "SELECT cardinality(subjects) FROM audit ORDER BY id DESC LIMIT 1") == 1

    asyncio.run(act())


def test_a_person_of_an_unknown_employer_is_refused_and_nothing_is_kept(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            with pytest.raises(Invalid) as raised:
                await usecases.record(given, [employer(code)], [person(id_number(), code), person(number, uscc())])

            found = await asked(given, number, code)

        assert [(r.code, r.field) for r in raised.value.reasons] == [("EMPLOYER_UNKNOWN", "persons[1].employer_uscc")]
        assert (found.is_known, found.employer) == (False, None)

    asyncio.run(act())


def test_no_table_holds_an_id_number_or_a_name_in_the_clear(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code)])
            await asked(given, number, code)
            (sealed,) = await rows(
                dsn,
                """SELECT id, sealed, wrapped FROM person JOIN person_key ON person_id = id
                   ORDER BY id DESC LIMIT 1""",
            )

        assert number.encode() not in sealed["sealed"]
        assert NAME.encode() not in sealed["sealed"]
        hers = sealer_of(stack).unwrap(sealed["wrapped"], sealed["id"].bytes)
        assert hers.open(sealed["sealed"], sealed["id"].bytes) == f"{number}\n{NAME}".encode()
        for table in ("person", "person_key", "coverage", "audit", "employer", "employer_wage", "outbox"):
            held = await value(dsn, f"SELECT count(*) FROM {table} WHERE {table}::text ~ $1", f"{number}|{NAME}")
            assert held == 0, table

    asyncio.run(act())


@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("coverage", "category"),
        ("employer", "uscc"),  # whose a code is does not change; name and county do
        ("employer", "id"),
        ("employer_wage", "years"),
        ("provider_level", "levels"),
        ("audit", "method"),
    ],
)
def test_what_is_only_ever_appended_to_refuses_to_change(
    stack: Stack, dsn: str, table: str, column: str, statement: str
) -> None:
    with pytest.raises(asyncpg.RaiseError, match=f"{table} is append-only"):
        asyncio.run(rows(dsn, statement.format(table, column)))
