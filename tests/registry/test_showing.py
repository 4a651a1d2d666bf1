"""One on file as it was known at an instant: to whom it is shown, audited before, and nothing that tells who it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from cradle.registry.v1 import record_pb2

from deploy.local.stack import Stack
from services.kit.auth import Principal
from services.kit.errors import Invalid, NotFound, OutOfScope
from services.registry import usecases
from services.registry.model import BEGINNING, GOES_ON, Category, Level
from services.registry.model.shown import Identity
from services.registry.usecases import Asker
from services.registry.usecases.showing import Look, show_employer, show_household, show_person, show_provider
from services.registry.wire import showing as wire
from tests.builders import id_number, uscc
from tests.kit.live import new_database, rows
from tests.registry.office import NAME, asked, covered, employer, office, person, provider
from tests.registry.statements import child, household
from tests.registry.test_taking_in import shown as taken
from tests.registry.test_taking_in import take_in

pytestmark = pytest.mark.integration
MARCH, APRIL = date(2026, 3, 31), date(2026, 4, 1)
OPERATOR = Principal("person", "li", "operator", "baoji", frozenset({"registry.records.read"}))


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "registry")


def look(known_at: datetime | None = None, **bounds: frozenset[str]) -> Look:
    return Look(replace(OPERATOR, **bounds), "case 7", known_at or datetime.now(UTC))  # type: ignore[arg-type]


def test_one_on_file_is_shown_as_known_then_within_scope_and_audited(stack: Stack, dsn: str) -> None:
    number, code, hospital = id_number(), uscc(), f"H{uscc()[8:17]}"
    flexible = covered(APRIL, GOES_ON, Category.FLEXIBLE)

    async def act() -> None:
        async with office(stack, dsn) as here:
            contract = (date(2020, 1, 1), GOES_ON, Level.SECONDARY)
            await usecases.record(here, [employer(code)], [person(number, code)], [provider(hospital, contract)])
            between = datetime.now(UTC)
            changed = person(number, coverage=[covered(BEGINNING, MARCH, by=code), flexible])
            await usecases.record(here, [employer(code, y2026=700_000)], [changed], [])
            settled = await take_in(here, household(number, child(), father=id_number(sequence=403)))
            assert taken(settled) == [("RECORDED", [])]
            reference = (await asked(here, number)).person
            assert reference

            # as of two dates: how she is covered on one, as known on another
            was, now = (
                await show_person(here, reference, "", look(between)),
                await show_person(here, None, number, look()),
            )
            assert [one.span.category for one in was.on(APRIL)] == [Category.EMPLOYEE]
            assert [one.span.category for one in now.on(MARCH)] == [Category.EMPLOYEE]
            assert [one.span.category for one in now.on(APRIL)] == [Category.FLEXIBLE]
            assert [one.employer_uscc for one in now.coverage] == [code, ""]
            assert (was.identity, was.household, now.household is None) == (Identity.ON_FILE, now.household, False)
            for told in (wire.person(was, APRIL), wire.person(now, None)):
                assert not any(secret in str(told) for secret in (number, NAME))
            assert not wire.person(now, None).coverage[0].HasField("first_day")
            assert not wire.person(now, None).coverage[1].HasField("last_day")
            assert (await show_employer(here, None, code, look(between))).wages == ((2025, 600_000),)
            assert (await show_employer(here, None, code, look())).wages == ((2026, 700_000),)
            assert [one.level for one in (await show_provider(here, None, hospital, look())).contracts] == ["SECONDARY"]
            family = await show_household(here, reference, look())
            assert (family.mother, len(family.persons)) == (reference, 3)
            assert await show_household(here, family.id, look()) == family
            assert (await show_household(here, family.id, look(between))).children == ()

            # before they were known there is nothing of them
            early = look(datetime(2020, 1, 1, tzinfo=UTC))
            assert (await show_person(here, reference, "", early)).coverage == ()
            assert (await show_employer(here, None, code, early)).recorded_at is None

            # who is bound sees his own: hers is the county of the employer of her latest days, and now she has none
            mine, other = (look(between, counties=frozenset({one})) for one in ("610304", "610331"))
            assert (await show_person(here, reference, "", mine)).id == reference
            assert (await show_household(here, reference, mine)).mother == reference
            assert (await show_employer(here, None, code, look(employers=frozenset({code})))).uscc == code
            await show_provider(here, None, hospital, mine)
            hers = look(counties=frozenset({"610304"}))
            for unseen in (
                show_person(here, reference, "", other),
                show_person(here, reference, "", hers),
                show_person(here, reference, "", look(employers=frozenset({code}))),
                show_person(here, reference, "", look(sources=frozenset({"hospitals"}))),
                show_household(here, reference, other),
                show_employer(here, None, code, other),
                show_employer(here, None, code, look(employers=frozenset({uscc()}))),
                show_employer(here, None, code, look(sources=frozenset({"hospitals"}))),
                show_provider(here, None, hospital, other),
            ):
                with pytest.raises(OutOfScope):
                    await unseen

        sql = "SELECT method, principal, subjects FROM audit WHERE purpose = 'case 7'"
        audited = await rows(dsn, sql)
        assert {one["method"] for one in audited} == {"GetPerson", "GetHousehold", "GetEmployer", "GetProvider"}
        assert {one["principal"] for one in audited} == {"person/li"}
        assert set(family.persons) in [set(one["subjects"]) for one in audited]
        assert len(audited) == 14  # one row a call that was answered

    asyncio.run(act())


def test_nobody_is_made_by_asking_and_of_who_was_erased_only_what_hangs_on_her_reference_is_shown(
    stack: Stack, dsn: str
) -> None:
    number, code = id_number(), uscc()

    async def act() -> None:
        async with office(stack, dsn) as here:
            await usecases.record(here, [employer(code)], [person(number, code)], [])
            reference = (await asked(here, number)).person
            assert reference

            stranger = id_number()
            with pytest.raises(NotFound):
                await show_person(here, None, stranger, look())
            assert await rows(dsn, "SELECT 1 FROM person WHERE blind_index = $1", here.index(stranger)) == []
            unreported = (await asked(here, stranger)).person
            assert (await show_person(here, unreported, "", look())).identity is Identity.NEVER_REPORTED

            await usecases.erase(here, "", reference, "a test", Asker("person/li", "a test"))
            erased = await show_person(here, reference, "", look())
            assert (erased.identity, len(erased.coverage)) == (Identity.ERASED, 1)

    asyncio.run(act())


@pytest.mark.parametrize(("purpose", "code"), [(" ", "FIELD_REQUIRED"), (f"about {id_number()}", "ID_NUMBER_NOT_HERE")])
def test_a_purpose_says_something_and_names_nobody(purpose: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        wire.purpose(record_pb2.GetPersonRequest(purpose=purpose))

    assert [(one.code, one.field) for one in raised.value.reasons] == [(code, "purpose")]


@pytest.mark.parametrize(("reference", "code"), [("", ""), ("x", "y")])
def test_one_is_named_once(reference: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        wire.named(record_pb2.GetEmployerRequest(employer=reference, uscc=code), "employer", "uscc")

    assert [(one.code, one.field) for one in raised.value.reasons] == [("NAMED_ONCE", "employer")]
