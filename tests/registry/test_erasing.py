"""Erasure: nothing readable of her afterwards, anywhere in the registry's database; her reference and sums stay."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import Any

import pytest
from cradle.registry.v1 import office_pb2

from deploy.local.stack import Stack
from services.kit.errors import Invalid, NotFound
from services.kit.ids import new_id
from services.registry import usecases
from services.registry.usecases import Asker, Office
from services.registry.wire import asking, intake
from tests.builders import TODAY, id_number, month, spans, uscc
from tests.kit.live import new_database, rows, sealer_of, value
from tests.registry.office import asked, employer, office, person, told_of
from tests.registry.statements import child, household, paid

pytestmark = pytest.mark.integration
NAME, CHILD = "司马删除", "司马安安"
WHY = "request 2026-117"
CLERK = Asker("clerk:7")


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "registry")


async def take_in(given: Office, *records: Any) -> None:
    async with given.database.transaction() as tx:
        digest, now = given.sealer.digest, given.clock.now()
        batch = [intake.called(one, "tax", TODAY, now, 65_536, digest) for one in records]
        assert not [one.reasons for one in await usecases.take_in(given, tx, batch) if one.reasons]


async def everything(dsn: str) -> str:
    """Every row of every table, bytes in hexadecimal."""
    tables = await rows(dsn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    assert len(tables) >= 12
    dumped = [await rows(dsn, f'SELECT t::text AS row FROM "{table["tablename"]}" AS t') for table in tables]
    return "\n".join(row["row"] for table in dumped for row in table)


async def opened(stack: Stack, dsn: str) -> str:
    """Everything that the keys on file open, put together with everything that is in the clear."""
    master = sealer_of(stack)
    found = [await everything(dsn)]
    keys = {row["person_id"]: row["wrapped"] for row in await rows(dsn, "SELECT * FROM person_key")}
    for row in await rows(dsn, "SELECT id, sealed FROM person WHERE sealed IS NOT NULL"):
        context = row["id"].bytes
        found.append(master.unwrap(keys[row["id"]], context).open(row["sealed"], context).decode())
    return "\n".join(found)


def traces(number: str, name: str) -> re.Pattern[str]:
    words = [number, number[:17], name, number.encode().hex(), name.encode().hex()]
    return re.compile("|".join(map(re.escape, words)))


def test_after_it_nothing_of_her_is_readable_and_every_sum_still_adds_up(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, other, code = id_number(), id_number(), uscc()
        hers, others = traces(number, NAME), traces(other, "欧阳留下")
        async with office(stack, dsn) as given:
            persons = [person(number, code, name=NAME), person(other, code, name="欧阳留下")]
            await usecases.record(given, [employer(code)], persons)
            await take_in(given, paid(number, ("2026-04", "2026-05-08")), household(number, child(certificate="W9")))
            before = await asked(given, number, code, on=date(2026, 3, 10))
            assert hers.search(await opened(stack, dsn))
            rows_before = await value(dsn, "SELECT count(*) FROM coverage")

            erased = await usecases.erase(given, number, None, WHY, CLERK)

            after = await asked(given, number, code, on=date(2026, 3, 10))
            by_reference = await asked(given, reference=before.person, code=code, on=date(2026, 3, 10))
        left = await opened(stack, dsn)
        assert not hers.search(left)
        assert others.search(left)
        assert (erased.person, erased.before) == (before.person, False)
        assert before == after == by_reference
        assert await value(dsn, "SELECT count(*) FROM coverage") == rows_before
        assert await value(dsn, "SELECT count(*) FROM person_key WHERE person_id = $1", before.person) == 0

    asyncio.run(act())


def test_it_is_audited_and_told_once_however_often_it_is_asked_for(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code, name=NAME)])
            reference = (await asked(given, number)).person

            made = await asyncio.gather(*[usecases.erase(given, number, None, WHY, CLERK) for _ in range(4)])
            again = await usecases.erase(given, "", reference, "another", CLERK)

        assert sorted(one.before for one in made) == [False, True, True, True]
        assert again.before
        assert {one.at for one in (*made, again)} == {made[0].at}
        (kept,) = await rows(dsn, "SELECT * FROM erasure WHERE person_id = $1", reference)
        assert (kept["principal"], kept["reason"], kept["erased_at"]) == (CLERK.principal, WHY, made[0].at)
        told = await told_of(dsn, reference, "registry.person.v1")
        assert [event.WhichOneof("event") for event in told] == ["recorded", "erased"]

    asyncio.run(act())


def test_what_is_reported_of_her_later_hangs_on_her_reference_and_says_not_who_she_is(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        hers = traces(number, NAME)
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code, spans("2024-01..2026-03"), name=NAME)])
            erased = await usecases.erase(given, number, None, WHY, CLERK)

            await usecases.record(given, [], [person(number, code, spans("2024-01..2026-04"), name=NAME)])
            await take_in(given, paid(number, ("2026-05", "2026-06-08"), name=NAME))
            found = await asked(given, number)

        assert found.person == erased.person
        assert found.contributions.paid_months == spans("2024-01..2026-05")
        assert found.contributions.reported_to_month == month("2026-05")
        assert not hers.search(await opened(stack, dsn))

    asyncio.run(act())


def test_a_dry_run_says_who_it_would_be_and_erases_nobody(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code, name=NAME)])
            reference = (await asked(given, number)).person

            found = await usecases.find(given, number, None, CLERK)

        assert (found.person, found.at, found.before) == (reference, None, False)
        (row,) = await rows(dsn, "SELECT * FROM audit ORDER BY id DESC LIMIT 1")
        assert (row["method"], row["principal"], row["subjects"]) == ("ErasePerson", CLERK.principal, [reference])
        assert traces(number, NAME).search(await opened(stack, dsn))

    asyncio.run(act())


def test_whom_nobody_knows_cannot_be_erased(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        async with office(stack, dsn) as given:
            for number, reference in ((id_number(), None), ("", new_id())):
                with pytest.raises(NotFound) as raised:
                    await usecases.erase(given, number, reference, WHY, CLERK)
                assert raised.value.reasons[0].code == "PERSON_NOT_FOUND"

    asyncio.run(act())


@pytest.mark.parametrize("table", ["erasure", "statement", "household_members"])
@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
def test_what_was_done_is_not_undone(stack: Stack, dsn: str, table: str, statement: str) -> None:
    column = {"erasure": "reason", "statement": "outcome", "household_members": "birth_months"}[table]

    with pytest.raises(Exception, match=f"{table} is append-only"):
        asyncio.run(rows(dsn, statement.format(table, column)))


def test_a_reason_that_holds_a_number_is_refused_for_it_is_kept_for_ever() -> None:
    request = office_pb2.ErasePersonRequest(person=str(new_id()), reason=f"asked by {id_number()}")
    with pytest.raises(Invalid) as raised:
        asking.one_person(request)
    assert [(given.code, given.field) for given in raised.value.reasons] == [("ID_NUMBER_NOT_HERE", "reason")]
