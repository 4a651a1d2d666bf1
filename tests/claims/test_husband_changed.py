"""A husband's coverage that comes late or is corrected: the claims of his wife that name him are decided again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from deploy.local.stack import Stack
from services.claims import store, usecases
from services.claims.model import Category
from services.kit.errors import Conflict
from tests.builders import TODAY, claim_number, id_number, medical, provider_record, replacement, stay_sent, submit
from tests.claims.desk import Desk, changed, hear, take
from tests.claims.harness import Insured, insure, record
from tests.kit.live import eventually, rows, value

pytestmark = pytest.mark.integration

HOSPITAL = "H61030200123"
HALF, AS_RESIDENT = 250_000, 227_500  # of 5 000 yuan: the share of a spouse; (5 000 - 1 500) at 65 %


@pytest.fixture(scope="module", autouse=True)
def hospital(stack: Stack) -> None:
    asyncio.run(record(stack, providers=[provider_record(HOSPITAL)]))


def man() -> Insured:
    return Insured(id_number(sequence=401))


def sent_by(wife: Insured, husband: Insured, number: str) -> Any:
    return medical(number=number, person=wife.number, husband=husband.number, stays=[stay_sent(500_000)])


async def husband_of(desk: Desk, number: str) -> UUID:
    husband: UUID = await value(desk.dsn, "SELECT husband FROM claim WHERE number = $1", number)
    return husband


async def paid(desk: Desk) -> list[tuple[str, int]]:
    """The outcome of each determination, with the medical cost it pays."""
    sql = "SELECT outcome, result::jsonb #>> '{figures,medical_fen}' AS fen FROM determination ORDER BY version"
    return [(row["outcome"], int(row["fen"] or 0)) for row in await rows(desk.dsn, sql)]


async def tasks(desk: Desk) -> list[tuple[Any, ...]]:
    found = await rows(desk.dsn, "SELECT version, kind, due_on, state FROM review_task")
    return [tuple(task) for task in found]


# --- late -----------------------------------------------------------------------------------------------------------


def test_a_claim_that_waits_for_a_husband_is_decided_when_his_coverage_comes_and_only_once(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        wife, him = Insured(), man()
        waited = await desk.take(submit(sent_by(wife, him, number)))
        await insure(stack, him)
        husband = await husband_of(desk, number)

        await desk.hear(husband, 1)
        after = await desk.claim(number), await paid(desk), await desk.events(number)
        await desk.hear(husband, 1)
        await desk.hear(husband, 2)

        assert waited == [("PENDED", ["AWAITING_COVERAGE", "PERSON_UNKNOWN"])]
        assert after == (("APPROVED", 2), [("APPROVED", HALF)], ["ClaimPended 1", "ClaimDetermined 2"])
        assert (await desk.claim(number), await paid(desk), await desk.events(number)) == after
        assert [status.revision for status in await desk.receipts(number)] == [1, 1]

    asyncio.run(act())


@pytest.mark.parametrize("his_first", [True, False], ids=["his first", "hers first"])
def test_his_coverage_and_hers_in_any_order_come_to_the_same(stack: Stack, his_first: bool) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        wife, him = Insured(), man()
        await desk.take(submit(sent_by(wife, him, number)))
        hers, his = await desk.person(number), await husband_of(desk, number)

        for who in [him, wife] if his_first else [wife, him]:
            await insure(stack, who, category=Category.EMPLOYEE if who is him else Category.RESIDENT)
            await desk.hear(his if who is him else hers, 1)

        between = [("APPROVED", HALF)] if his_first else [("APPROVED", AS_RESIDENT), ("APPROVED", HALF)]
        assert await paid(desk) == between
        assert await tasks(desk) == []

    asyncio.run(act())


def test_his_coverage_that_was_heard_of_before_the_claim_is_decided_on_at_once(stack: Stack) -> None:
    """The other order: the claim was looked up before, and the event was heard before the claim came on file."""
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        wife, him = Insured(), man()
        async with desk.at_work() as (office, database):
            message = desk.message(submit(sent_by(wife, him, number)))
            early = await usecases.prepare(office, [message])
            await insure(stack, him)
            (coverage,) = early.coverage.values()
            assert coverage.husband is not None
            await hear(office, database, [changed(coverage.husband, 1)])

            with pytest.raises(Conflict):
                async with database.transaction() as tx:
                    await usecases.take_in(office, tx, early)
            answered = await take(office, database, [message])

        assert answered == [("DETERMINED", [])]
        assert await paid(desk) == [("APPROVED", HALF)]

    asyncio.run(act())


def test_his_change_that_was_recorded_before_the_look_up_and_committed_after_it_is_not_missed(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        async with desk.at_work() as (office, database):
            early = await usecases.prepare(office, [desk.message(submit(sent_by(Insured(), man(), number)))])
            (coverage,) = early.coverage.values()
            assert coverage.husband is not None
            await hear(office, database, [changed(coverage.husband, 1, early.known_at - timedelta(seconds=1))])

            with pytest.raises(Conflict):
                async with database.transaction() as tx:
                    await usecases.take_in(office, tx, early)

    asyncio.run(act())


def test_his_change_waits_for_a_claim_that_is_being_taken_in_and_then_decides_it(stack: Stack) -> None:
    """The claim was looked up before his change and is not committed when it is heard: one must wait for the other."""
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        wife, him = Insured(), man()
        async with desk.at_work() as (office, database):
            early = await usecases.prepare(office, [desk.message(submit(sent_by(wife, him, number)))])
            (coverage,) = early.coverage.values()
            assert coverage.husband is not None
            event = changed(coverage.husband, 1)
            await insure(stack, him)
            async with database.transaction() as tx:
                await usecases.take_in(office, tx, early)
                hearing = asyncio.create_task(hear(office, database, [event]))
                await eventually(lambda: is_waiting(desk), None)
            with pytest.raises(Conflict):  # it did not look the claim up, for it was not on file
                await hearing
            await hear(office, database, [event])

        assert await paid(desk) == [("APPROVED", HALF)]

    asyncio.run(act())


async def is_waiting(desk: Desk) -> bool:
    """Whether a session of this database waits for a lock."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await value(desk.dsn, sql))


# --- corrected ------------------------------------------------------------------------------------------------------


def test_what_is_better_for_her_by_his_coverage_is_decided_again_in_the_same_revision(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        wife, him = Insured(), man()
        await insure(stack, wife, category=Category.RESIDENT)
        await insure(stack, him, category=Category.RESIDENT)
        await desk.take(submit(sent_by(wife, him, number)))
        await insure(stack, him)

        for version in (1, 1, 2):
            await desk.hear(await husband_of(desk, number), version)

        assert await paid(desk) == [("APPROVED", AS_RESIDENT), ("APPROVED", HALF)]
        assert await desk.claim(number) == ("APPROVED", 2)
        assert await desk.held() == [(number, "MEDICAL", HALF)]
        assert await tasks(desk) == []

    asyncio.run(act())


@pytest.mark.parametrize("hers", [Category.RESIDENT, None], ids=["she is a resident", "she has no coverage"])
def test_what_is_worse_for_her_by_his_coverage_is_a_reviewers_and_changes_nothing(
    stack: Stack, hers: Category | None
) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        wife, him = Insured(), man()
        if hers:
            await insure(stack, wife, category=hers)
        await insure(stack, him)
        await desk.take(submit(sent_by(wife, him, number)))
        await insure(stack, him, category=Category.RESIDENT)

        for version in (1, 1, 2):
            await desk.hear(await husband_of(desk, number), version)

        assert await paid(desk) == [("APPROVED", HALF)]
        assert await tasks(desk) == [(1, "COVERAGE_WORSE", TODAY + timedelta(days=14), "OPEN")]

    asyncio.run(act())


def test_a_husband_who_is_not_named_any_more_changes_nothing(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        wife, once, him = Insured(), man(), man()
        await desk.take(submit(sent_by(wife, once, number)))
        before = await husband_of(desk, number)
        await desk.take(replacement(sent_by(wife, him, number), 2))
        await insure(stack, once)
        await desk.hear(before, 1)
        assert await desk.claim(number) == ("PENDED", 2)

        await insure(stack, him)
        await desk.hear(await husband_of(desk, number), 1)

        assert await paid(desk) == [("APPROVED", HALF)]

    asyncio.run(act())


def test_a_claim_decided_by_a_husband_before_any_was_kept_stays_as_it_is(stack: Stack) -> None:
    """A worker of the release before writes none, and her own coverage says nothing of his."""
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        wife, him = Insured(), man()
        await insure(stack, him)
        await desk.take(submit(sent_by(wife, him, number)))
        await rows(desk.dsn, "UPDATE claim SET husband = NULL")
        await insure(stack, wife, category=Category.RESIDENT)

        await desk.hear(await desk.person(number), 1)

        assert await paid(desk) == [("APPROVED", HALF)]
        assert await tasks(desk) == []

    asyncio.run(act())


# --- locks ----------------------------------------------------------------------------------------------------------


def test_persons_are_locked_in_one_order_whoevers_coverage_changed(stack: Stack) -> None:
    """Her reference is the smaller: while she is locked, a change of his holds nothing that others may wait for."""
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        wife, him = Insured(), man()
        await desk.take(submit(medical(number=claim_number(), person=wife.number, stays=[stay_sent()])))
        await desk.take(submit(sent_by(wife, him, number)))
        hers, his = await desk.person(number), await husband_of(desk, number)
        assert hers < his
        await insure(stack, him)

        async with desk.at_work() as (office, database):
            async with database.transaction() as tx:
                await store.lock_persons(tx, {hers})
                hearing = asyncio.create_task(hear(office, database, [changed(his, 1)]))
                await eventually(lambda: is_waiting(desk), None)
                assert await tx.fetch("SELECT id FROM person WHERE id = $1 FOR UPDATE NOWAIT", his)
            await hearing

        assert await desk.claim(number) == ("APPROVED", 2)

    asyncio.run(act())
