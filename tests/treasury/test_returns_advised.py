"""A return that only an advice has told of frees the money, and nothing is paid of it before a statement has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.treasury.model.breaks import Way
from tests.treasury.cashier import BALANCE_FEN, Cashier, advice, cashier, moved
from tests.treasury.counter import order
from tests.treasury.reconciler import MONDAY, TUESDAY, WEDNESDAY, Reconciler, debit, on

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


def test_a_return_is_not_undone_when_the_order_has_moved_on(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """Nothing is owed any more: what it gave back is free for others."""

    async def story(here: Cashier, desk: Reconciler, one: str, payment: asyncpg.Record) -> None:
        await here.counter.take_in(order(one, 0, revision=2))
        await no_statement_has_it(desk)
        assert await desk.refused(await desk.one("MISSING"), Way.NOT_PAID) == "BREAK_ORDER_MOVED_ON"

    act(stack, dsn, tmp_path, story)
