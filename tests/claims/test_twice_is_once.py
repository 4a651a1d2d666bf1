"""Taking in twice is taking in once: after a restore, after a redelivery, and against a second worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.claims import usecases
from services.claims.usecases import Office
from services.kit import db
from services.kit.db import Database
from services.kit.errors import Fenced
from services.kit.parking import Message
from services.kit.stream import Batch, Span
from tests.builders import claim, claim_number, replacement, submit
from tests.claims.desk import Desk
from tests.claims.harness import Insured, insured
from tests.kit.live import new_database, rows, send, value

pytestmark = pytest.mark.integration


def story(who: Sequence[Insured]) -> list[tuple[bytes, bytes]]:
    """A claim for each, the first corrected, the second sent twice, the third also under another number, one bad."""
    numbers = [f"{n}-{claim_number()}" for n in range(len(who))]
    sent = [
        claim(number=number, person=one.number, employer=one.employer) for number, one in zip(numbers, who, strict=True)
    ]
    corrected = claim(number=numbers[0], person=who[0].number, employer=who[0].employer, on=date(2026, 4, 1))
    again = claim(number=f"z-{claim_number()}", person=who[2].number, employer=who[2].employer)
    return [
        *[(number.encode(), submit(one)) for number, one in zip(numbers, sent, strict=True)],
        (numbers[0].encode(), replacement(corrected, 2)),
        (numbers[1].encode(), submit(sent[1])),
        (numbers[2].encode(), submit(again)),
        (numbers[0].encode(), b"\xff"),
    ]


def test_the_same_records_read_again_after_a_lost_offset_decide_nothing_again(stack: Stack) -> None:
    desk, records = Desk.open(stack), story([insured(stack) for _ in range(3)])

    async def act() -> None:
        await send(stack, desk.topic, records)
        await desk.run_to(len(records))
        first = await desk.submissions()
        decided, events = await desk.determinations(), await value(desk.dsn, "SELECT count(*) FROM outbox")

        await desk.forget_offsets()
        await desk.run_to(len(records))

        again = (await desk.submissions())[len(first) :]
        assert len(decided) == 5
        assert await desk.determinations() == decided
        assert sorted((position, receipt) for position, _, receipt in again) == sorted(
            (position, receipt) for position, _, receipt in first
        )
        returned = [position for position, status, _ in first if status == "RETURNED"]
        assert {status for position, status, _ in again if position not in returned} == {"DUPLICATE"}
        assert [status for position, status, _ in again if position in returned] == ["RETURNED"]
        assert await value(desk.dsn, "SELECT count(*) FROM outbox") == events + len(records)  # receipts, no event
        assert await value(desk.dsn, "SELECT count(*) FROM parked") == 0

    asyncio.run(act())


def test_a_database_that_lost_everything_orders_the_same_again_under_the_same_names(stack: Stack) -> None:
    """The treasury knows them by case, line, revision and content: nothing is paid twice."""
    records = story([insured(stack) for _ in range(3)])
    lost = Desk.open(stack)
    restored = Desk(stack, new_database(stack, "claims"), lost.topic)
    orders = "SELECT aggregateid, version, payload FROM outbox WHERE topic = 'treasury.order.v1' ORDER BY 1, 2"

    async def act() -> None:
        await send(stack, lost.topic, records)
        for desk in (lost, restored):
            await desk.run_to(len(records))

        made = [tuple(row) for row in await rows(lost.dsn, orders)]
        assert len(made) >= 3
        assert [tuple(row) for row in await rows(restored.dsn, orders)] == made

    asyncio.run(act())


def test_the_same_records_in_other_batches_come_to_the_same(stack: Stack) -> None:
    who = [insured(stack) for _ in range(3)]
    records = story(who)
    at_once, one_by_one = Desk.open(stack), Desk.open(stack)

    async def act() -> None:
        await send(stack, at_once.topic, records, partition=0)
        await at_once.run_to(len(records))
        for count, one in enumerate(records, 1):
            await send(stack, one_by_one.topic, [one], partition=0)
            await one_by_one.run_to(count)

        assert await at_once.determinations() == await one_by_one.determinations()
        outcomes = [[status for _, status, _ in await desk.submissions()] for desk in (at_once, one_by_one)]
        assert outcomes[0] == outcomes[1]

    asyncio.run(act())


def a_batch(desk: Desk) -> Batch:
    who = insured(desk.stack)
    sent = submit(claim(number=claim_number(), person=who.number, employer=who.employer))
    message = Message(desk.topic, 0, 0, b"member", sent, 0)
    return Batch((message,), (Span(desk.topic, 0, 0, 1),), 0, 0.0)


def test_of_two_workers_with_the_same_span_the_second_is_fenced_and_leaves_nothing(stack: Stack) -> None:
    desk = Desk.open(stack)
    batch = a_batch(desk)

    async def act() -> None:
        async with db.connect(desk.dsn) as database, desk.office(database) as office:
            await rows(desk.dsn, "INSERT INTO consumed VALUES ($1, $1, 0, 0)", desk.topic)
            one, two = desk.inbox(office, database), desk.inbox(office, database)

            outcomes = await asyncio.gather(one._settle(batch), two._settle(batch), return_exceptions=True)

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Fenced", "NoneType"]
        assert len(await desk.submissions()) == 1
        assert len(await desk.determinations()) == 1
        assert await value(desk.dsn, "SELECT count(*) FROM outbox") == 3  # a receipt, an event and an order, once
        assert await value(desk.dsn, "SELECT next_offset FROM consumed") == 1

    asyncio.run(act())


def test_a_worker_that_comes_back_with_an_old_batch_leaves_nothing(stack: Stack) -> None:
    """It was stalled past the poll limit, and what took over has landed the batch."""
    desk = Desk.open(stack)
    batch = a_batch(desk)

    async def act() -> None:
        async with db.connect(desk.dsn) as database, desk.office(database) as office:
            await rows(desk.dsn, "INSERT INTO consumed VALUES ($1, $1, 0, 0)", desk.topic)
            inbox = desk.inbox(office, database)
            prepared = await usecases.prepare(office, batch.messages)
            await inbox._settle(batch, prepared)  # what took over is done

            with pytest.raises(Fenced):
                await inbox._settle(batch, prepared)

        assert len(await desk.submissions()) == 1

    asyncio.run(act())


def test_two_sources_racing_for_one_delivery_approve_it_once(stack: Stack) -> None:
    """Each in a transaction of its own at the same time: the second waits for the first and sees what it did."""
    desk, who = Desk.open(stack), insured(stack)

    async def take(office: Office, database: Database, source: str) -> None:
        sent = submit(claim(number=claim_number(), person=who.number, employer=who.employer))
        message = Message(f"claims.intake.v1.{source}", 0, 0, b"member", sent, 0)
        prepared = await usecases.prepare(office, [message])
        async with database.transaction() as tx:
            await usecases.take_in(office, tx, prepared)

    async def act() -> None:
        async with db.connect(desk.dsn) as database, desk.office(database) as office:
            await asyncio.gather(*[take(office, database, f"source{n}") for n in range(6)])

        outcomes = sorted(outcome for _, _, outcome in await desk.determinations())
        assert outcomes == ["APPROVED"] + ["DUPLICATE"] * 5
        assert await value(desk.dsn, "SELECT count(*) FROM benefit_hold") == 1

    asyncio.run(act())


def test_one_number_racing_from_two_partitions_is_one_claim(stack: Stack) -> None:
    """The loser of the race is a conflict, to be decided again: then it is a duplicate."""
    desk, who = Desk.open(stack), [insured(stack), insured(stack)]
    number = claim_number()

    async def take(office: Office, database: Database, place: int) -> None:
        sent = submit(claim(number=number, person=who[place].number, employer=who[place].employer))
        message = Message(desk.topic, place, 0, b"member", sent, 0)
        prepared = await usecases.prepare(office, [message])
        async with database.transaction() as tx:
            await usecases.take_in(office, tx, prepared)

    async def act() -> None:
        async with db.connect(desk.dsn) as database, desk.office(database) as office:
            outcomes = await asyncio.gather(*[take(office, database, n) for n in (0, 1)], return_exceptions=True)
            for place, outcome in enumerate(outcomes):
                if isinstance(outcome, asyncpg.UniqueViolationError):
                    await take(office, database, place)

        assert [status for _, status, _ in await desk.submissions()] == ["DETERMINED", "RETURNED"]
        assert await value(desk.dsn, "SELECT count(*) FROM claim") == 1

    asyncio.run(act())
