"""A treasury that was restored from a backup: it is in HOLD, nothing leaves, and what was lost is never paid again."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.kit.calendar import CALENDAR
from services.kit.errors import Refused, Unavailable
from services.kit.ids import new_id, new_id_about
from services.treasury.bank import marking, reference
from services.treasury.model import OrderKey
from services.treasury.model.holding import Cause, Mark, OnHold
from services.treasury.rules.holding import days_lacking, days_needed, subject, subject_of
from services.treasury.store import files
from services.treasury.store import holding as store
from services.treasury.usecases import banking, holding, sending
from tests.kit.live import new_database, rows
from tests.treasury.bugs import mend, plant
from tests.treasury.cashier import (
    BALANCE_FEN,
    CLERK,
    EVERYTHING,
    SECOND,
    THIRD,
    Cashier,
    answered,
    cashier,
    moved,
    statement,
)
from tests.treasury.counter import TODAY, case, order
from tests.treasury.restoring import back_up, restore

RECORD = "恢复记录〔2026〕1号"
TOMORROW = TODAY + timedelta(1)


# --- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "sent_to", "needed"),
    [
        (date(2026, 11, 23), date(2026, 11, 23), [date(2026, 11, 23), date(2026, 11, 24)]),
        (date(2026, 11, 26), date(2026, 11, 27), [date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 30)]),
        (date(2026, 11, 28), date(2026, 11, 28), [date(2026, 11, 30), date(2026, 12, 1)]),  # a Saturday
        (date(2026, 11, 26), date(2026, 11, 20), []),  # all that left is known
    ],
)
def test_statements_are_needed_until_whatever_left_is_paid_or_provably_is_not(
    since: date, sent_to: date, needed: list[date]
) -> None:
    assert days_needed(since, sent_to, CALENDAR) == tuple(needed)


def test_where_the_next_holidays_are_unknown_nobody_can_tell_what_is_needed() -> None:
    assert days_needed(date(2026, 12, 30), date(2026, 12, 31), CALENDAR) is None


def test_a_day_is_lacking_by_account() -> None:
    days = (TODAY, TOMORROW)

    found = days_lacking(days, {"b": {TODAY, TOMORROW}, "a": {TODAY}})

    assert found == (("a", TOMORROW),)


def test_a_payment_tells_its_order_by_the_end_of_its_id() -> None:
    key = OrderKey(UUID(case()), "ALLOWANCE/1", "", "MATERNITY")
    payment, next_one = new_id_about(subject(key), 1), new_id_about(subject(key), 2)

    assert payment != next_one
    assert subject_of(payment) == subject_of(next_one) == subject(key)
    assert subject_of(reference.decode(reference.encode(payment))) == subject(key)
    assert subject_of(new_id()) != subject(key)
    assert subject(key) != subject(key._replace(line="ALLOWANCE/2"))


def test_an_id_that_we_do_not_make_tells_of_nothing() -> None:
    assert subject_of(UUID(int=7)) is None


# --- the mark ---------------------------------------------------------------------------------------------------------


def test_the_mark_is_read_as_it_was_written(tmp_path: Path) -> None:
    mark = Mark("A.xml", TODAY, "")

    marking.write(tmp_path, mark)

    assert marking.parse(marking.read(tmp_path)) == mark
    assert [one.name for one in tmp_path.iterdir()] == ["last-sent.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"file": "A", "sent_to": "x", "hold": ""}'])
def test_a_mark_that_cannot_be_read_says_nothing(text: str) -> None:
    assert marking.parse(text) is None


# --- the story --------------------------------------------------------------------------------------------------------

Story = Callable[[Cashier], Awaitable[Any]]


class Town:
    """A treasury whose database is backed up and lost; its spool and its bank's folders are not."""

    def __init__(self, stack: Stack, root: Path) -> None:
        self.stack, self.root, self.dsn = stack, root, new_database(stack, "treasury")

    def open(self) -> AbstractAsyncContextManager[Cashier]:
        return cashier(self.stack, self.dsn, self.root)

    def live(self, story: Story) -> None:
        async def inside() -> None:
            async with self.open() as here:
                await story(here)

        asyncio.run(inside())

    def bank_says(self, content: str, name: str) -> None:
        told = content.replace("BANK-1", name).encode()
        inbox = self.root / "bank" / "inbox"
        (inbox / f"{name}.xml.sha256").write_text(hashlib.sha256(told).hexdigest())
        (inbox / f"{name}.xml").write_bytes(told)


async def hold_of(here: Cashier) -> OnHold | None:
    found = await store.latest(here.database)
    return found if found is not None and found.lifted_at is None else None


async def lift(here: Cashier, by: str, document: str = RECORD) -> OnHold:
    async with here.database.transaction() as tx:
        return await holding.lift(here.pay, tx, document, by)


async def lift_refused(here: Cashier, by: str = CLERK, document: str = RECORD) -> str:
    with pytest.raises(Refused) as refused:
        await lift(here, by, document)
    return refused.value.reasons[0].code


async def nothing_leaves(here: Cashier) -> None:
    before = await here.handed_over()
    assert await hold_of(here)
    run = await here.plan()
    assert (run.state, run.planned_count) == ("PLANNING", 0)
    await here.round()
    assert await here.handed_over() == before
    assert [one for one in await here.states() if one in {"CREATED", "RESERVED"}] == []


class Restored:
    """Payments in every state at the backup, all of them paid since; and an order that came in since."""

    def __init__(self, town: Town, cause: Cause) -> None:
        self.town, self.cause, self.late = town, cause, case()
        self.cases: list[str] = []

    async def before(self, here: Cashier) -> None:
        await here.counter.give(10_000_000)
        self.cases += await here.owe(100, 200)
        await here.sent()  # on its way
        self.cases += await here.owe(300, 400)
        await here.queue(await here.approved())  # queued, not sent
        self.cases += await here.owe(500)
        await here.plan()  # not approved
        self.cases += await here.owe(600)  # reserved

    async def since(self, here: Cashier) -> None:
        """All is paid; the one of 600 was rejected first."""
        await here.round()
        (planned,) = await here.database.fetch("SELECT id FROM payment_run WHERE state = 'PLANNED'")
        await here.queue(await here.approve(await here.run(planned["id"])))
        await here.sent()
        self.town.bank_says(answered((await here.payment(self.cases[5]), "RJCT", "MS03")), "rejected")
        self.cases.append(self.late)
        await here.counter.take_in(order(self.late, 700))
        await here.round()
        await here.round()
        await here.sent()
        paid = [await here.payment(one) for one in self.cases]
        self.town.bank_says(statement(*map(moved, paid)), "today")
        await here.round()
        await here.round()
        await self.each_was_paid_once(here)

    async def after(self, here: Cashier) -> None:
        await banking.start(here.sender)
        await here.round()
        hold = await hold_of(here)
        assert hold is not None
        assert hold.cause == self.cause
        await nothing_leaves(here)
        await self.statements_come(here)
        await here.counter.take_in(order(self.late, 700))  # read again from the topic
        await here.round()
        await self.two_persons_lift_it(here)

        await here.round()
        assert await hold_of(here) is None
        run = await here.plan()
        assert (run.state, run.planned_count) == ("PLANNED", 0)
        await self.each_was_paid_once(here)
        (fresh,) = await here.owe(50)
        await here.sent()
        assert await here.states(fresh) == ["SENT"]
        assert await hold_of(here) is None

    async def statements_come(self, here: Cashier) -> None:
        assert await lift_refused(here) == "HOLD_DAYS_LACKING"
        left_fen = BALANCE_FEN - sum(range(100, 800, 100))
        self.town.bank_says(statement(day=f"{TOMORROW}", opening_fen=left_fen), "tomorrow")
        await here.round()
        await here.round()
        assert await lift_refused(here) == "HOLD_ITEMS_OPEN"  # paid, and its order is not read again yet

    async def two_persons_lift_it(self, here: Cashier) -> None:
        await lift(here, CLERK)
        assert await lift_refused(here, CLERK) == "RUN_SECOND_PERSON"
        assert await lift_refused(here, SECOND, "another") == "UNKNOWN_OTHER_DOCUMENT"
        await nothing_leaves(here)
        await lift(here, SECOND)

    async def each_was_paid_once(self, here: Cashier) -> None:
        """As the bank has it, and as the database has it."""
        arrived = await here.handed_over()
        assert len(arrived) == len(set(arrived)) == 8
        for one, amount in zip(self.cases, range(100, 800, 100), strict=True):
            assert (await here.counter.order(one))["settled_fen"] == amount
            assert Counter(await here.states(one))["RECONCILED"] == 1
        await here.holds()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("kept", "cause"),
    [
        ("spool", Cause.MARK_AHEAD),
        ("nothing", Cause.MARK_MISSING),
        ("old spool", Cause.UNKNOWN_PAYMENT),  # restored with the database: only the bank knows better
    ],
)
def test_what_was_paid_since_the_backup_is_taken_over_and_never_paid_again(
    stack: Stack, tmp_path: Path, kept: str, cause: Cause
) -> None:
    town = Town(stack, tmp_path)
    story = Restored(town, cause)

    town.live(story.before)
    shutil.copytree(tmp_path / "spool", tmp_path / "old spool")
    copy = back_up(town.dsn)
    town.live(story.since)
    restore(town.dsn, copy)
    if kept != "spool":
        shutil.rmtree(tmp_path / "spool")
    if kept == "old spool":
        (tmp_path / "old spool").rename(tmp_path / "spool")

    town.live(story.after)


# --- what else begins one, and what ends none -------------------------------------------------------------------------


@pytest.mark.integration
def test_a_hold_that_a_person_begins_lets_nothing_leave(stack: Stack, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.counter.give(1_000)
        (one,) = await here.owe(100)
        run = await here.queue(await here.approved())
        async with here.database.transaction() as tx:
            first = await holding.begin(here.pay, tx, Cause.PERSON, THIRD)
            again = await holding.begin(here.pay, tx, Cause.PERSON, CLERK)
        assert again == first
        assert await lift_refused(here) == "HOLD_NOT_SEEN"

        await here.round()

        assert await here.handed_over() == []
        assert await here.states(one) == ["QUEUED"]
        for refused in (here.approve(run), here.queue(run), here.cancel(run)):
            with pytest.raises(Refused) as why:
                await refused
            assert why.value.reasons[0].code == "TREASURY_HOLD"

    Town(stack, tmp_path).live(story)


@pytest.mark.integration
def test_an_intent_is_not_committed_once_a_hold_has_begun(stack: Stack, tmp_path: Path) -> None:
    """It began between two looks of the bank role."""

    async def story(here: Cashier) -> None:
        await here.counter.give(1_000)
        await here.owe(100)
        await here.queue(await here.approved())
        (file,) = await files.to_send(here.database, list(here.sender.banks))
        async with here.database.transaction() as tx:
            await holding.begin(here.pay, tx, Cause.PERSON, THIRD)

        with pytest.raises(Unavailable):
            await sending.send(here.sender, file)

        assert await here.handed_over() == []
        assert not await store.has_handed_over(here.database, None)

    Town(stack, tmp_path).live(story)


@pytest.mark.integration
def test_a_lost_payment_and_a_run_that_left_with_a_bug_stop_no_other(stack: Stack, tmp_path: Path) -> None:
    """Two payments that the database has forgotten, two runs that it does not know as sent; a bug about one of each."""

    async def story(here: Cashier) -> None:
        await here.counter.give(1_000)
        runs = await here.owe(30), await here.owe(40)
        await here.approve(await here.plan(EVERYTHING._replace(total_max_fen=30)))
        await here.approved()
        gone = await here.owe(60, 70)
        lost = [
            {
                "end_to_end_id": reference.encode(
                    new_id_about(subject(OrderKey(UUID(one), "ALLOWANCE/1", "", "MATERNITY")), 1)
                ),
                "amount_fen": amount,
            }
            for one, amount in zip(gone, (60, 70), strict=True)
        ]
        await here.hear(statement(*[moved(one) for one in (*await here.payments(), *lost)]))
        await plant(here.database, "payment", "NEW.amount_fen IN (30, 60) AND NEW.state = 'RECONCILED'")

        await here.round()
        await here.round()

        def states() -> list[Awaitable[list[str]]]:
            return [here.states(one) for one in (*runs[0], *runs[1], *gone)]

        assert [await one for one in states()] == [["UNKNOWN"], ["RECONCILED"], [], ["RECONCILED"]]
        assert await hold_of(here)
        assert await lift_refused(here) in {"HOLD_DAYS_LACKING", "HOLD_ITEMS_OPEN"}

        await mend(here.database, "payment")
        await here.round()
        assert [await one for one in states()] == [["RECONCILED"]] * 4
        assert await here.queue_of_unmatched() == []
        await here.holds()

    Town(stack, tmp_path).live(story)


@pytest.mark.integration
def test_a_payment_of_somebody_else_begins_no_hold(stack: Stack, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.hear(statement(moved({"end_to_end_id": "4711", "amount_fen": 100})))

        await here.round()

        assert await here.queue_of_unmatched() == ["ENTRY_UNKNOWN_ID"]
        assert await hold_of(here) is None

    Town(stack, tmp_path).live(story)


@pytest.mark.integration
def test_two_persons_are_a_constraint_and_at_most_one_hold_is_open(stack: Stack) -> None:
    dsn = new_database(stack, "treasury")
    columns = "id, cause, begun_by, begun_at, since_at, since_on, sent_to"
    begin = f"""INSERT INTO treasury_hold ({columns})
                VALUES (gen_random_uuid(), 'PERSON', 'a', now(), now(), now(), now())"""
    lifting = "UPDATE treasury_hold SET lifted_at = now(), document = 'x', proposed_by = {}, lifted_by = {}"

    asyncio.run(rows(dsn, begin))

    with pytest.raises(asyncpg.UniqueViolationError):
        asyncio.run(rows(dsn, begin))
    for proposer, lifter in (("'a'", "'a'"), ("NULL", "'a'"), ("'a'", "NULL")):
        with pytest.raises(asyncpg.CheckViolationError):
            asyncio.run(rows(dsn, lifting.format(proposer, lifter)))
    asyncio.run(rows(dsn, lifting.format("'a'", "'b'")))
    asyncio.run(rows(dsn, begin))
