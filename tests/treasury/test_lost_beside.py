"""What was lost beside what is known of the same orders: planned, queued, in doubt or cancelled at the backup."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.kit.errors import Refused
from services.treasury.bank import marking
from services.treasury.model.breaks import Way
from services.treasury.model.holding import Cause, Mark
from services.treasury.store import holding as holds
from services.treasury.usecases import approving, banking, holding
from tests.treasury.cashier import Cashier, act, moved, statement
from tests.treasury.counter import TODAY, case, order
from tests.treasury.reconciler import MONDAY, TUESDAY, Reconciler, ids
from tests.treasury.test_lost import begin, lift, lost

pytestmark = pytest.mark.integration
FRIDAY = "2026-11-20"


async def left_on_monday(here: Cashier) -> None:
    """What may have left, did before the HOLD began: on the day of the story, not of this machine."""
    await here.database.fetch("UPDATE bank_file SET intent_at = '2026-11-23T02:00:00Z'")


async def rounds(here: Cashier, count: int = 3) -> None:
    for _ in range(count):
        await here.round()


def test_a_queued_run_that_was_cancelled_and_an_order_of_it_paid_anew_ends_by_statements(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """The database has the first payment queued. It never left, or it left and failed: nothing tells but statements."""

    async def story(here: Cashier) -> None:
        one, other = await here.owe(100, 200)
        run = await here.queue(await here.approved())
        desk = Reconciler(here)
        await desk.says(MONDAY, moved(lost(one, 100)))
        await begin(here)
        with pytest.raises(Refused, match="TREASURY_HOLD"):
            await here.cancel(run)

        await rounds(here)

        await left_on_monday(here)
        assert (await here.states(one), await here.states(other)) == (["UNKNOWN"], ["UNKNOWN"])
        with pytest.raises(Refused, match="HOLD_DAYS_LACKING"):
            await lift(here)

        await desk.says(TUESDAY, opening_fen=10**15 - 100)
        await rounds(here)

        assert (await here.states(one), await here.states(other)) == (["REJECTED", "RECONCILED"], ["REJECTED"])
        assert (await here.counter.order(one))["settled_fen"] == 100
        assert not await here.queue_of_unmatched()
        assert await here.handed_over() == []
        await lift(here)
        await here.round()
        assert await desk.plannable() == 1  # the other one
        await desk.holds()

    act(stack, dsn, tmp_path, story)


def test_a_planned_line_gives_way_to_a_lost_payment_once_no_statement_can_have_it(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """Of one order both were paid, for more was owed by then; the bank tells of the later one first."""

    async def story(here: Cashier) -> None:
        (both,) = await here.owe(100)
        await here.approved()
        (again,) = await here.owe(70)
        await here.plan()
        await here.counter.take_in(order(both, 150, 2))
        desk = Reconciler(here)
        first = await here.payment(both)
        await desk.says(TUESDAY, moved(lost(both, 50)), moved(lost(again, 70)))
        await begin(here)

        await rounds(here)

        assert (await here.states(both), await here.states(again)) == (["RESERVED"], ["CREATED"])
        await desk.says(MONDAY, moved(first), opening_fen=10**15 + 100)
        await rounds(here)

        assert (await here.states(both), await here.states(again)) == (["RECONCILED"] * 2, ["CANCELLED", "RECONCILED"])
        assert (await here.counter.order(both))["settled_fen"] == 150
        assert not await here.queue_of_unmatched()
        await lift(here)
        await here.round()
        assert await desk.plannable() == 0
        await desk.holds()

    act(stack, dsn, tmp_path, story)


def test_what_left_of_a_restored_run_is_not_given_up_before_every_statement_is_here(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        one, other = await here.owe(100, 200)
        await here.queue(await here.approved())
        first, second = await here.payment(one), await here.payment(other)
        await begin(here)
        await here.database.fetch("UPDATE treasury_hold SET since_on = '2026-11-20'")
        desk = Reconciler(here)
        await desk.says(MONDAY, moved(first))
        await desk.says(TUESDAY, opening_fen=10**15 - 100)

        await here.round()
        await left_on_monday(here)
        await rounds(here)

        assert (await here.states(one), await here.states(other)) == (["RECONCILED"], ["UNKNOWN"])
        await desk.says(FRIDAY, moved(second), opening_fen=10**15 + 200)
        await rounds(here)
        assert await here.states(other) == ["RECONCILED"]
        assert not await here.queue_of_unmatched()
        await lift(here)

    act(stack, dsn, tmp_path, story)


def test_a_run_that_was_cancelled_before_the_backup_gives_its_orders_free_in_a_hold(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        run = await here.queue(await here.approved())
        async with here.database.transaction() as tx:
            await approving.cancel(tx, run.id, str(run.number))
        desk = Reconciler(here)
        await desk.says(MONDAY, moved(lost(one, 100)))
        await begin(here)

        await here.round()
        await here.round()

        assert await here.states(one) == ["CANCELLED", "RECONCILED"]
        assert await here.handed_over() == []

    act(stack, dsn, tmp_path, story)


def test_lost_payments_whose_orders_do_not_come_keep_no_other_waiting(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        strange = [moved(lost(case(), 1)) for _ in range(501)]
        await here.hear(statement(*strange, moved(lost(one, 100))))

        await here.round()
        await here.round()

        assert await here.states(one) == ["RECONCILED"]
        assert len(await here.queue_of_unmatched()) == 501

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("cause", [Cause.UNKNOWN_PAYMENT, Cause.MARK_AHEAD])
def test_statements_are_needed_from_what_was_known_before_banks_were_heard_again(
    stack: Stack, dsn: str, tmp_path: Path, cause: Cause
) -> None:
    """A restore that nobody told of: the bank role starts, and hears at once what the bank has said since."""

    async def story(here: Cashier) -> None:
        await here.hear(statement(day="2026-11-18"))
        await here.database.fetch("UPDATE bank_message SET received_at = '2026-11-18T08:00:00Z'")
        told = statement(moved(lost(case(), 100))).replace("BANK-1", "BANK-2").encode()
        inbox = tmp_path / "bank" / "inbox"
        inbox.mkdir(parents=True, exist_ok=True)
        (inbox / "today.xml.sha256").write_text(hashlib.sha256(told).hexdigest())
        (inbox / "today.xml").write_bytes(told)
        if cause == Cause.MARK_AHEAD:
            marking.write(tmp_path / "spool", Mark("A.xml", TODAY, ""))

        await banking.start(here.sender)

        hold = await holds.latest(here.database)
        assert hold is not None
        assert (hold.cause, hold.since_on) == (cause, date(2026, 11, 18))
        lacking = await holding.lacking(here.pay, here.database, hold)
        assert [day.day for _, day in lacking.days] == [19, 20, 24]

    act(stack, dsn, tmp_path, story)


def test_what_came_back_of_a_lost_payment_is_not_explained_before_its_debit_can_be_here(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """The bank gives it back on Tuesday; Monday's statement, with the debit, comes later."""

    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        gone = lost(one, 100)
        desk = Reconciler(here)
        await begin(here)
        await here.round()
        await desk.says(TUESDAY, moved(gone, why="AC04"), opening_fen=10**15 - 100)
        back = await desk.one("UNKNOWN_CREDIT")
        assert await desk.refused(back, Way.EXPLAINED, why="NOT_OURS") == "BREAK_PAYMENT_LOST"

        await desk.says(MONDAY, moved(gone))
        await here.round()

        assert await here.states(one) == ["RETURNED"]
        assert not await here.queue_of_unmatched()
        await desk.holds()
        await lift(here)
        await here.round()
        assert await desk.plannable() == 1

    act(stack, dsn, tmp_path, story)


def test_what_two_persons_have_cancelled_out_is_not_moved_again_with_a_later_debit(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """Of two debits of a lost payment the bank took the first, of a wrong amount, back."""

    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        gone = lost(one, 100)
        desk = Reconciler(here)
        await begin(here)
        await desk.says(MONDAY, moved(gone, amount_fen=1_000), moved(gone, amount_fen=1_000, why="AM09"))
        wrong, back = await desk.open()
        await desk.ends(wrong, Way.CANCELLED_OUT, others=ids(back))
        await desk.says(TUESDAY, moved(gone, number="2"))

        await here.round()

        assert await here.states(one) == ["RECONCILED"]
        assert (await here.counter.order(one))["settled_fen"] == 100
        assert not await here.queue_of_unmatched()
        await desk.holds()

    act(stack, dsn, tmp_path, story)
