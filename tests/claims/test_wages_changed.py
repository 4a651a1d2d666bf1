"""An employer's average wage that comes late or is corrected: the allowances that rest on it are decided again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import grpc
import pytest
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub

from deploy.local.stack import Stack
from services.claims import usecases
from services.claims.usecases import Office
from services.kit import rpc
from services.kit.errors import Conflict
from tests.builders import (
    TODAY,
    claim,
    claim_number,
    employer_record,
    id_number,
    person_record,
    replacement,
    submit,
)
from tests.claims.desk import Desk, changed, hear, hear_wages, take, wages_changed
from tests.claims.harness import Insured, insure, record
from tests.kit.live import rows, value

pytestmark = pytest.mark.integration

LOW, HIGH = 600_000, 900_000
OWED, MORE = 1_960_000, 2_940_000  # 98 days of it


def sent_by(who: Insured, number: str, **changes: Any) -> Any:
    return claim(number=number, person=who.number, employer=who.employer, **changes)


async def know(stack: Stack, who: Insured, wages: Mapping[int, int]) -> None:
    await record(stack, [employer_record(who.employer, wages=wages)], [person_record(who.number, who.employer)])


async def employer_of(desk: Desk, number: str) -> str:
    employer: str = await value(desk.dsn, "SELECT employer FROM claim WHERE number = $1", number)
    return employer


async def owed(desk: Desk) -> list[tuple[str, int]]:
    """The outcome of each determination, with the allowance it pays."""
    sql = "SELECT outcome, result::jsonb #>> '{figures,allowance_fen}' AS fen FROM determination ORDER BY decided_at"
    return [(row["outcome"], int(row["fen"] or 0)) for row in await rows(desk.dsn, sql)]


# --- late -----------------------------------------------------------------------------------------------------------


def test_a_claim_without_a_wage_is_decided_when_it_comes_and_only_once(stack: Stack) -> None:
    desk, number, who = Desk.open(stack), claim_number(), Insured()

    async def act() -> None:
        await know(stack, who, {2024: LOW})
        waited = await desk.take(submit(sent_by(who, number)))
        await know(stack, who, {2024: LOW, 2025: LOW})
        employer = await employer_of(desk, number)

        for version in (2, 2, 3):
            await desk.hear_wages(employer, version, 2025)
            await desk.look_again()

        assert waited == [("PENDED", ["WAGE_REQUIRED"])]
        assert await desk.claim(number) == ("APPROVED", 2)
        assert await owed(desk) == [("PENDED", 0), ("APPROVED", OWED)]
        assert await desk.events(number) == ["ClaimPended 1", "ClaimDetermined 2"]
        closed = await rows(desk.dsn, "SELECT kind, state, outcome FROM review_task")
        assert [tuple(task) for task in closed] == [("WAGE_REQUIRED", "CLOSED", "SUPERSEDED")]

    asyncio.run(act())


def test_a_wage_that_was_heard_of_before_the_claim_is_decided_on_at_once(stack: Stack) -> None:
    """The other order: the claim was looked up before, and the event was heard before the claim came on file."""
    desk, number, who = Desk.open(stack), claim_number(), Insured()

    async def act() -> None:
        await know(stack, who, {2024: LOW})
        async with desk.at_work() as (office, database):
            message = desk.message(submit(sent_by(who, number)))
            early = await usecases.prepare(office, [message])
            (coverage,) = early.coverage.values()
            await know(stack, who, {2025: LOW})
            await hear_wages(database, [wages_changed(coverage.employer, 2, 2025)])

            with pytest.raises(Conflict):
                async with database.transaction() as tx:
                    await usecases.take_in(office, tx, early)
            answered = await take(office, database, [message])

        assert answered == [("DETERMINED", [])]
        assert await owed(desk) == [("APPROVED", OWED)]

    asyncio.run(act())


def test_a_wage_that_was_recorded_before_the_look_up_and_committed_after_it_is_not_missed(stack: Stack) -> None:
    desk, who = Desk.open(stack), Insured()

    async def act() -> None:
        await know(stack, who, {2025: LOW})
        async with desk.at_work() as (office, database):
            early = await usecases.prepare(office, [desk.message(submit(sent_by(who, claim_number())))])
            (coverage,) = early.coverage.values()
            before = early.known_at - timedelta(seconds=1)
            await hear_wages(database, [wages_changed(coverage.employer, 2, 2025, recorded_at=before)])

            with pytest.raises(Conflict):
                async with database.transaction() as tx:
                    await usecases.take_in(office, tx, early)

    asyncio.run(act())


def test_a_claim_that_is_being_taken_in_when_a_wage_is_heard_of_is_waited_for(stack: Stack) -> None:
    """It met nothing when it looked, and is not to be seen yet."""
    desk, number, who = Desk.open(stack), claim_number(), Insured()

    async def act() -> None:
        await know(stack, who, {2024: LOW})
        async with desk.at_work() as (office, database):
            early = await usecases.prepare(office, [desk.message(submit(sent_by(who, number)))])
            (coverage,) = early.coverage.values()
            await know(stack, who, {2025: LOW})
            async with database.transaction() as tx:
                await usecases.take_in(office, tx, early)
                await hear_wages(database, [wages_changed(coverage.employer, 2, 2025)])
                queueing = asyncio.create_task(usecases.queue_by_wages(office, database))
                done, _ = await asyncio.wait({queueing}, timeout=0.5)
                assert not done
            await queueing
            await usecases.look_again(office, database)

        assert await owed(desk) == [("PENDED", 0), ("APPROVED", OWED)]

    asyncio.run(act())


def test_coverage_looked_up_before_a_wage_was_heard_of_is_looked_up_again(stack: Stack) -> None:
    desk, number, who = Desk.open(stack), claim_number(), Insured()

    async def act() -> None:
        await record(stack, [employer_record(who.employer)])
        await desk.take(submit(sent_by(who, number)))
        await insure(stack, who)
        event = changed(await desk.person(number), 1)
        async with desk.at_work() as (office, database):
            early = await usecases.prepare_hearing(office, database, [event])
            await record(stack, [employer_record(who.employer, wages={2025: HIGH})])
            await hear_wages(database, [wages_changed(await employer_of(desk, number), 2, 2025)])

            with pytest.raises(Conflict):
                async with database.transaction() as tx:
                    await usecases.hear(office, tx, early)
            await hear(office, database, [event])

        assert await owed(desk) == [("APPROVED", MORE)]

    asyncio.run(act())


# --- corrected ------------------------------------------------------------------------------------------------------


def test_a_higher_wage_is_decided_on_in_the_same_revision(stack: Stack) -> None:
    desk, number, who = Desk.open(stack), claim_number(), Insured()

    async def act() -> None:
        await know(stack, who, {2025: LOW})
        await desk.take(submit(sent_by(who, number)))
        await know(stack, who, {2025: HIGH})

        for version in (3, 2, 3):
            await desk.hear_wages(await employer_of(desk, number), version, 2025)
            await desk.look_again()

        assert await owed(desk) == [("APPROVED", OWED), ("APPROVED", MORE)]
        assert [row[0] for row in await rows(desk.dsn, "SELECT sequence FROM determination ORDER BY version")] == [1, 2]
        assert (await desk.receipts(number))[-1].allowance_fen == MORE
        assert await value(desk.dsn, "SELECT count(*) FROM review_task") == 0

    asyncio.run(act())


def test_a_lower_wage_is_a_reviewers_and_changes_nothing(stack: Stack) -> None:
    desk, number, who = Desk.open(stack), claim_number(), Insured()

    async def act() -> None:
        await know(stack, who, {2025: HIGH})
        await desk.take(submit(sent_by(who, number)))
        await know(stack, who, {2025: LOW})

        for version in (2, 2, 3):
            await desk.hear_wages(await employer_of(desk, number), version, 2025)
            await desk.look_again()

        assert await owed(desk) == [("APPROVED", MORE)]
        found = await rows(desk.dsn, "SELECT version, kind, due_on, state FROM review_task")
        assert [tuple(task) for task in found] == [(1, "COVERAGE_WORSE", TODAY + timedelta(days=14), "OPEN")]

    asyncio.run(act())


@pytest.mark.parametrize("order", [(2, 3), (3, 2)], ids=str)
def test_years_that_changed_one_after_the_other_are_both_looked_at_in_any_order(
    stack: Stack, order: tuple[int, int]
) -> None:
    desk, who = Desk.open(stack), Insured()
    earlier, later = claim_number(), claim_number()
    years = {2: 2024, 3: 2025}

    async def act() -> None:
        await know(stack, who, {2024: LOW, 2025: LOW})
        await desk.take(submit(sent_by(who, earlier, on=date(2025, 2, 10))), submit(sent_by(who, later)))
        await know(stack, who, {2024: HIGH, 2025: HIGH})
        employer = await employer_of(desk, later)

        for version in order:
            await desk.hear_wages(employer, version, years[version])
        await desk.look_again()

        assert [await desk.claim(number) for number in (earlier, later)] == [("APPROVED", 2)] * 2

    asyncio.run(act())


@pytest.mark.parametrize(("year", "queued"), [(2024, 0), (2025, 1), (2026, 0)])
def test_only_the_year_before_the_event_is_looked_at(stack: Stack, year: int, queued: int) -> None:
    desk, number, who = Desk.open(stack), claim_number(), Insured()

    async def act() -> None:
        await know(stack, who, {2025: LOW})
        await desk.take(submit(sent_by(who, number)))

        await desk.hear_wages(await employer_of(desk, number), 2, year)

        assert await desk.look_again() == queued
        assert await desk.look_again() == 0
        assert await owed(desk) == [("APPROVED", OWED)]

    asyncio.run(act())


def test_a_claim_that_names_another_employer_meanwhile_is_not_touched(stack: Stack) -> None:
    desk, number, who, other = Desk.open(stack), claim_number(), Insured(), Insured()

    async def act() -> None:
        await know(stack, who, {2025: LOW})
        await know(stack, other, {2025: LOW})
        await desk.take(submit(sent_by(who, number)))
        before = await employer_of(desk, number)
        await desk.take(replacement(sent_by(other, number), 2))
        await know(stack, who, {2025: HIGH})

        await desk.hear_wages(before, 2, 2025)

        assert await desk.look_again() == 0

    asyncio.run(act())


# --- by and by ------------------------------------------------------------------------------------------------------


def by_two(office: Office) -> Office:
    return replace(office, settings=office.settings.model_copy(update={"timer_claims_max": 2}))


def test_many_claims_of_one_employer_are_decided_in_batches_and_what_failed_is_taken_up_again(stack: Stack) -> None:
    desk, firm = Desk.open(stack), Insured()
    women = [Insured(id_number(), firm.employer) for _ in range(5)]

    async def act() -> None:
        people = [person_record(one.number, one.employer) for one in women]
        await record(stack, [employer_record(firm.employer, wages={2025: LOW})], people)
        await desk.take(*[submit(sent_by(one, claim_number())) for one in women])
        await record(stack, [employer_record(firm.employer, wages={2025: HIGH})])
        employer = await value(desk.dsn, "SELECT DISTINCT employer FROM claim")
        await desk.hear_wages(employer, 2, 2025)

        async with desk.at_work() as (office, database):
            done = [await usecases.look_again(by_two(office), database)]
            async with rpc.channel("127.0.0.1:1", stack.operator) as nowhere:
                with pytest.raises(grpc.aio.AioRpcError):
                    await usecases.look_again(replace(office, registry=RegistryServiceStub(nowhere)), database)
            done += [await usecases.look_again(by_two(office), database) for _ in range(3)]

        assert done == [2, 2, 1, 0]
        assert await owed(desk) == [("APPROVED", OWED)] * 5 + [("APPROVED", MORE)] * 5

    asyncio.run(act())


def test_one_that_hits_a_bug_stays_queued_and_the_others_are_decided(stack: Stack) -> None:
    desk, firm = Desk.open(stack), Insured()
    women = [Insured(id_number(), firm.employer) for _ in range(3)]

    async def act() -> None:
        people = [person_record(one.number, one.employer) for one in women]
        await record(stack, [employer_record(firm.employer, wages={2024: LOW})], people)
        await desk.take(*[submit(sent_by(one, claim_number())) for one in women])
        broken = await value(desk.dsn, "SELECT id FROM claim ORDER BY id OFFSET 1 LIMIT 1")
        await rows(desk.dsn, "UPDATE claim SET kind = 'NONE' WHERE id = $1", broken)
        await record(stack, [employer_record(firm.employer, wages={2025: LOW})])
        await rows(desk.dsn, "INSERT INTO look_again SELECT id FROM claim")

        assert await desk.look_again() == 2

        assert await rows(desk.dsn, "SELECT claim_id FROM look_again") == [(broken,)]
        assert await owed(desk) == [("PENDED", 0)] * 3 + [("APPROVED", OWED)] * 2

    asyncio.run(act())


def test_two_workers_at_once_decide_each_claim_once(stack: Stack) -> None:
    desk, number, who = Desk.open(stack), claim_number(), Insured()

    async def act() -> None:
        await know(stack, who, {2025: LOW})
        await desk.take(submit(sent_by(who, number)))
        await know(stack, who, {2025: HIGH})
        await desk.hear_wages(await employer_of(desk, number), 2, 2025)

        await asyncio.gather(*[desk.look_again() for _ in range(4)])

        assert await owed(desk) == [("APPROVED", OWED), ("APPROVED", MORE)]

    asyncio.run(act())
