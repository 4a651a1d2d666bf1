"""A return that only an advice has told of frees the money, and nothing is paid of it before a statement has it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.kit.errors import Refused
from services.treasury.model.breaks import Way
from services.treasury.store.days import reconciled_days
from tests.treasury.cashier import BALANCE_FEN, Cashier, advice, answered, cashier, moved
from tests.treasury.counter import order
from tests.treasury.debts import figures, lower, offsettable, overpaid, recovery, repayment
from tests.treasury.reconciler import FIRST, LAST, MONDAY, TUESDAY, WEDNESDAY, Reconciler, debit, on

pytestmark = pytest.mark.integration
UNPROVEN = [["RETURN_NOT_ON_STATEMENT"]]
THURSDAY = "2026-11-26"
AFTER = BALANCE_FEN - 100  # what is on the account once the bank has paid


def act(
    stack: Stack, dsn: str, root: Path, story: Callable[[Cashier, Reconciler, str, asyncpg.Record], Awaitable[None]]
) -> None:
    """From where a bank has paid on Monday, and advises on Tuesday that it came back."""

    async def run() -> None:
        async with cashier(stack, dsn, root) as here:
            await here.counter.give(1_000)
            desk = Reconciler(here)
            (one,) = await here.owe(100)
            await here.sent()
            payment = await here.payment(one)
            await desk.says(MONDAY, debit(payment))
            await here.hear(returned(payment, "1"))
            await story(here, desk, one, payment)
            await here.holds()
            await desk.holds()

    asyncio.run(run())


def returned(payment: asyncpg.Record, number: str) -> str:
    told = advice(on(moved(payment, number=f"back-{number}", why="MS03"), TUESDAY))
    return told.replace("BANK-1", f"ADVICE-{number}")


async def left_out(here: Cashier) -> list[list[str]]:
    run = await here.plan()
    assert run.planned_count == 0
    return await here.exceptions(run)


async def no_statement_has_it(desk: Reconciler) -> None:
    await desk.says(TUESDAY, opening_fen=AFTER)
    await desk.says(WEDNESDAY, opening_fen=AFTER)


def test_it_is_paid_again_once_a_statement_has_the_return(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        assert await here.states(one) == ["RETURNED"]
        assert (await here.counter.order(one))["reserved_fen"] == 100
        assert await left_out(here) == UNPROVEN

        await desk.says(TUESDAY, moved(payment, number="back", why="MS03"), opening_fen=AFTER)

        assert await desk.plannable() == 1

    act(stack, dsn, tmp_path, story)


def test_a_return_that_was_none_leaves_the_order_paid(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        await no_statement_has_it(desk)
        missing = await desk.one("MISSING")
        assert (missing.is_credit, missing.effect_fen) == (True, -100)
        assert await left_out(here) == [["PAYMENT_DISPUTED", *UNPROVEN[0]]]

        await desk.ends(missing, Way.NOT_PAID)

        assert await here.states(one) == ["RECONCILED"]
        assert await here.told(one) == ["sent", "settled", "returned", "settled"]
        order = await here.counter.order(one)
        assert (order["settled_fen"], order["reserved_fen"], order["state"]) == (100, 0, "SETTLED")
        assert await desk.plannable() == 0
        await desk.holds()

    act(stack, dsn, tmp_path, story)


def test_a_return_that_was_none_may_come_after_all(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """Each return that is told is looked for anew, and what two persons ended before stays as it was."""

    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        await no_statement_has_it(desk)
        first = await desk.one("MISSING")
        await desk.ends(first, Way.NOT_PAID)
        await here.hear(returned(payment, "2"))
        assert await here.states(one) == ["RETURNED"]
        assert await left_out(here) == UNPROVEN

        await desk.says(THURSDAY, opening_fen=AFTER)
        second = await desk.one("MISSING")
        assert second.id != first.id
        await desk.says(TUESDAY, moved(payment, number="back", why="MS03"), opening_fen=AFTER)

        assert [(await desk.again(missing)).way for missing in (first, second)] == [Way.NOT_PAID, Way.HEALED]
        assert await here.states(one) == ["RETURNED"]

    act(stack, dsn, tmp_path, story)


def test_what_two_persons_know_to_be_back_is_paid_again(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """The bank gave it back elsewhere, and has confirmed it."""

    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        await no_statement_has_it(desk)
        proposed = await desk.explain(await desk.one("MISSING"), Way.EXPLAINED, why="BANK_CONFIRMED")
        assert await desk.plannable() == 0
        await desk.approve(proposed)
        assert await desk.plannable() == 1

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("way", [Way.NOT_PAID, Way.EXPLAINED])
def test_it_heals_though_somebody_has_said_how_it_ends(stack: Stack, dsn: str, tmp_path: Path, way: Way) -> None:
    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        await no_statement_has_it(desk)
        missing = await desk.one("MISSING")
        await desk.explain(missing, way, why="BANK_CONFIRMED" if way == Way.EXPLAINED else "")

        await desk.says(TUESDAY, moved(payment, number="back", why="MS03"), opening_fen=AFTER)

        found = await desk.again(missing)
        assert (found.is_open, found.way, found.proposed_by) == (False, Way.HEALED, None)
        assert await desk.plannable() == 1

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("owed_fen", [60, 0])
def test_of_a_return_that_was_none_what_is_not_owed_any_more_is_asked_back(
    stack: Stack, dsn: str, tmp_path: Path, owed_fen: int
) -> None:
    """What it gave back beyond that was free for others, and is taken from the budget again."""

    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        await here.counter.take_in(order(one, owed_fen, revision=2))
        await no_statement_has_it(desk)

        await desk.ends(await desk.one("MISSING"), Way.NOT_PAID)

        standing = await here.counter.order(one)
        assert (standing["settled_fen"], standing["reserved_fen"], standing["state"]) == (100, 0, "OVERPAID")
        assert await here.database.fetch("SELECT outstanding_fen FROM recovery") == [(100 - owed_fen,)]
        assert await here.told(one) == ["sent", "settled", "returned", "settled", "recovery"]
        assert await desk.plannable() == 0

    act(stack, dsn, tmp_path, story)


def test_of_a_return_that_was_none_and_has_been_spent_on_others_the_money_is_appropriated_first(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        await here.counter.take_in(order(one, 60, revision=2))
        await here.owe(940)
        await no_statement_has_it(desk)
        proposed = await desk.explain(await desk.one("MISSING"), Way.NOT_PAID)
        with pytest.raises(Refused, match="BREAK_BUDGET_SHORT"):
            await desk.approve(proposed)
        await here.holds()

        await here.counter.give(40)
        await desk.approve(proposed)

        assert await here.states(one) == ["RECONCILED"]
        assert await here.database.fetch("SELECT outstanding_fen FROM recovery") == [(40,)]

    act(stack, dsn, tmp_path, story)


def test_a_return_is_not_undone_when_the_order_is_for_somebody_else(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        await here.counter.take_in(order(one, 100, revision=2, payee="person/another"))
        await no_statement_has_it(desk)
        assert await desk.refused(await desk.one("MISSING"), Way.NOT_PAID) == "BREAK_ORDER_MOVED_ON"

    act(stack, dsn, tmp_path, story)


def test_a_return_that_has_no_day_came_on_the_day_on_which_it_was_heard(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """It does not keep its account's days from being looked at."""

    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        await no_statement_has_it(desk)
        await desk.ends(await desk.one("MISSING"), Way.NOT_PAID)
        await here.hear(re.sub(r"<(BookgDt|ValDt)>.*?</\1>", "", returned(payment, "2")))
        assert await here.states(one) == ["RETURNED"]

        await desk.says(THURSDAY, opening_fen=AFTER)
        await desk.says("2026-11-27", opening_fen=AFTER)
        await desk.says("2026-11-30", opening_fen=AFTER)

        assert (await desk.one("MISSING")).is_credit

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("is_accepted", [True, False])
def test_what_is_returned_by_an_advice_and_was_never_paid_is_missing_too(
    stack: Stack, dsn: str, tmp_path: Path, is_accepted: bool
) -> None:
    async def run() -> None:
        async with cashier(stack, dsn, tmp_path) as here:
            await here.counter.give(1_000)
            desk = Reconciler(here)
            (one,) = await here.owe(100)
            await here.sent()
            await here.database.fetch("UPDATE bank_file SET intent_at = '2026-11-23T02:00:00Z'")
            payment = await here.payment(one)
            if is_accepted:
                await here.hear(answered((payment, "ACCP", "")))
            await here.hear(returned(payment, "1"))
            for day in (MONDAY, TUESDAY, WEDNESDAY):
                await desk.says(day)
            missing = await desk.one("MISSING")
            assert (missing.is_credit, missing.effect_fen) == (False, 0)

            await desk.ends(missing, Way.NOT_PAID)

            assert await here.states(one) == ["REJECTED"]
            assert await desk.plannable() == 1
            await here.holds()
            await desk.holds()

            await desk.says(THURSDAY, debit(payment))  # all the same
            await desk.ends(await desk.one("UNKNOWN_DEBIT"), Way.MATCHED, payment=payment["id"])
            assert (await here.states(one))[0] == "RECONCILED"
            await here.holds()
            await desk.holds()

    asyncio.run(run())


# --- what it kept of a debt -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("since", "refused"), [("", ""), ("owed again", ""), ("repaid", "BREAK_OFFSET_GONE")])
def test_a_return_that_was_none_keeps_again_what_it_kept_of_a_debt(
    stack: Stack, dsn: str, tmp_path: Path, since: str, refused: str
) -> None:
    """Unless that was repaid since, or kept from another payment."""
    before_fen, after_fen = BALANCE_FEN - 30, BALANCE_FEN - 100

    async def run() -> None:
        async with cashier(stack, dsn, tmp_path) as here:
            await here.counter.give(1_000)
            desk = Reconciler(here)
            debt = await overpaid(here, 30)
            await offsettable(here, debt)
            (one,) = await here.owe(100)
            await here.sent()
            payment = await here.payment(one)
            assert payment["offset_fen"] == 30
            await desk.says(MONDAY, debit(payment), opening_fen=before_fen)
            await here.hear(returned(payment, "1"))
            back = repayment(await recovery(here, debt), 30)
            if since == "owed again":
                await lower(here, debt, 30, 3)
            await desk.says(TUESDAY, *([back] if since == "repaid" else []), opening_fen=after_fen)
            await desk.says(WEDNESDAY, opening_fen=after_fen + 30 * (since == "repaid"))
            proposed = await desk.explain(await desk.one("MISSING"), Way.NOT_PAID)
            if refused:
                with pytest.raises(Refused, match=refused):
                    await desk.approve(proposed)
            else:
                await desk.approve(proposed)
                assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, 30, 0, 0)
                assert (await here.counter.order(debt))["reserved_fen"] == (30 if since else 0)
            await here.holds()
            assert not [day for day in await reconciled_days(here.database, "", FIRST, LAST) if day.difference_fen]

    asyncio.run(run())
