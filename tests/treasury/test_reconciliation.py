"""Each day of each account: statement = ledger + explained + open breaks; what heals heals, and pages come in parts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from deploy.local.stack import Stack
from services.kit.errors import Refused
from services.treasury.model import RunState
from services.treasury.model.breaks import Way
from services.treasury.store import days, files, heard
from services.treasury.usecases import running
from tests.treasury.bugs import mend, plant
from tests.treasury.cashier import BALANCE_FEN, CLERK, Cashier, advice, answered, cashier, moved, statement
from tests.treasury.reconciler import (
    ACCOUNT,
    FIRST,
    LAST,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Reconciler,
    charge,
    credit,
    debit,
    ids,
    on,
    pages,
    payment_id,
)

pytestmark = pytest.mark.integration
OTHER = "61050162010800000999"


def act(stack: Stack, dsn: str, root: Path, story: Callable[[Cashier, Reconciler], Awaitable[None]]) -> None:
    async def run() -> None:
        async with cashier(stack, dsn, root) as here:
            await here.counter.give(100_000_000)
            await story(here, Reconciler(here))
            await here.holds()

    asyncio.run(run())


# --- what a statement should have -------------------------------------------------------------------------------------


def test_paid_by_an_advice_alone_is_missing_once_the_statements_are_here_and_heals(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)
        await here.hear(advice(on(moved(payment), MONDAY)))
        await desk.says(MONDAY)
        assert not await desk.open()
        await desk.says(TUESDAY)
        found = await desk.one("MISSING")
        assert (found.effect_fen, found.payment_id) == (100, payment_id(payment))
        await desk.holds()
        run = await here.run(payment["run_id"])
        assert await closing(here, run.id) == "RUN_HAS_UNMATCHED"

        await desk.ends(found, Way.EXPLAINED, why="BANK_CONFIRMED")
        await desk.holds()
        await desk.says(MONDAY, debit(payment))

        assert (await desk.again(found)).way == Way.HEALED
        await desk.holds()
        assert await desk.reconcile() == 0

    act(stack, dsn, tmp_path, story)


def test_accepted_and_on_no_statement_ends_by_the_banks_word(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        one, other = await here.owe(100, 200)
        await here.sent()
        await here.database.fetch("UPDATE bank_file SET intent_at = '2026-11-23T02:00:00Z'")
        lost, paid = await here.payment(one), await here.payment(other)
        await here.hear(answered((lost, "ACSP", ""), (paid, "ACSP", "")))
        await desk.says(MONDAY, debit(paid))
        await desk.says(TUESDAY, opening_fen=BALANCE_FEN - 200)
        found = await desk.one("MISSING")
        assert found.effect_fen == 0
        await desk.ends(found, Way.NOT_PAID)
        assert await here.states(one) == ["REJECTED"]
        assert await desk.plannable() == 1
        await desk.holds()

    act(stack, dsn, tmp_path, story)


def test_a_payment_without_a_statement_is_awaited_from_its_day_on(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        async def awaited() -> dict[str, date | None]:
            return await files.oldest_without_statement(here.database)

        assert await awaited() == {}
        (case,) = await here.owe(100)
        await here.queue(await here.approved())
        assert await awaited() == {}  # nothing has left
        await here.round()
        payment = await here.payment(case)
        (sent_on,) = (await awaited()).values()
        assert sent_on is not None
        await here.hear(advice(moved(payment)))
        assert list((await awaited()).values()) == [sent_on]
        await desk.says(MONDAY, moved(payment))
        assert list((await awaited()).values()) == [None]

    act(stack, dsn, tmp_path, story)


def test_another_day_than_the_ledgers_is_a_break_over_both(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)
        await here.hear(advice(on(moved(payment), MONDAY)))
        await desk.says(TUESDAY, debit(payment))
        found = await desk.one("DATE")
        await desk.holds()
        await desk.ends(found, Way.EXPLAINED, why="VALUE_DATE")
        await desk.holds()
        monday, tuesday = await days.reconciled_days(here.database, ACCOUNT, FIRST, LAST)
        assert (monday.ledger_fen, monday.explained_fen, monday.is_covered) == (-100, 100, False)
        assert (tuesday.statement_fen, tuesday.explained_fen, tuesday.is_covered) == (-100, -100, True)

    act(stack, dsn, tmp_path, story)


def test_balances_that_do_not_follow_are_a_break_until_the_statement_between_comes(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        await desk.says(MONDAY, credit(500, "C-1"), opening_fen=1000)
        await desk.says(WEDNESDAY, opening_fen=1700)
        found = await desk.one("BALANCE")
        assert found.code == "BANK_STATEMENT_OPENING"
        await desk.says(TUESDAY, credit(200, "C-2"), opening_fen=1500)
        assert (await desk.again(found)).way == Way.HEALED
        assert await desk.kinds() == ["UNKNOWN_CREDIT", "UNKNOWN_CREDIT"]

    act(stack, dsn, tmp_path, story)


def test_an_account_that_a_bug_is_about_stops_no_other(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """Of each account a statement does not follow the one before it; of one of them that cannot be written down."""

    async def story(here: Cashier, desk: Reconciler) -> None:
        async def says(account: str, day: str, opening_fen: int) -> None:
            told = statement(day=day, opening_fen=opening_fen).replace(ACCOUNT, account)
            await here.hear(told.replace("BANK-1", f"BANK-{account}-{day}"))

        async def broken() -> list[tuple[str, str]]:
            return sorted((one.account, f"{one.value_on}") for one in await desk.open())

        await says(ACCOUNT, MONDAY, 1_000)
        await says(ACCOUNT, TUESDAY, 2_000)
        assert await desk.reconcile() == 2
        await plant(here.database, "unmatched", f"NEW.kind = 'BALANCE' AND NEW.account = '{ACCOUNT}'")
        for account in (ACCOUNT, OTHER):
            await says(account, WEDNESDAY, 3_000)
            await says(account, "2026-11-26", 4_000)

        assert await desk.reconcile() == 2
        assert await broken() == [(ACCOUNT, TUESDAY), (OTHER, "2026-11-26")]
        assert await desk.reconcile() == 0  # what is said of the other account is looked at each time

        await mend(here.database, "unmatched")
        assert await desk.reconcile() == 2
        assert await broken() == [(ACCOUNT, day) for day in (TUESDAY, WEDNESDAY, "2026-11-26")] + [
            (OTHER, "2026-11-26")
        ]

    act(stack, dsn, tmp_path, story)


# --- a statement in parts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_pages_in_messages_of_their_own_cover_the_day_in_any_order_and_twice(
    stack: Stack, dsn: str, tmp_path: Path, seed: int
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        random = Random(seed)
        told = pages(
            [credit(100, "C-1"), credit(200, "C-2"), charge(50, "D-1")], MONDAY, opening_fen=1000, closing_fen=1250
        )
        random.shuffle(told)
        for number, page in enumerate(told):
            assert await covered(here) == set()
            await here.hear(page)
            if number:
                await here.hear(told[random.randrange(number)] + " ")  # as another file
        await desk.reconcile()
        assert await covered(here) == {MONDAY}
        assert sorted(await desk.kinds()) == sorted(["UNKNOWN_CREDIT"] * 2 + ["UNKNOWN_DEBIT"])
        await desk.holds()

    act(stack, dsn, tmp_path, story)


def test_pages_that_do_not_add_up_cover_nothing_and_are_a_break(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        for page in pages([credit(100, "C-1"), credit(200, "C-2")], MONDAY, opening_fen=1000, closing_fen=1400):
            await here.hear(page)
        await desk.reconcile()
        assert await covered(here) == set()
        assert (await desk.one("BALANCE")).code == "BANK_STATEMENT_DIFFERENCE"

    act(stack, dsn, tmp_path, story)


async def covered(here: Cashier) -> set[str]:
    found = await heard.covered(here.database, [ACCOUNT], FIRST)
    return {one.isoformat() for one in found.get(ACCOUNT, set())}


# --- runs -------------------------------------------------------------------------------------------------------------


async def closing(here: Cashier, run_id: UUID) -> str:
    run = await here.run(run_id)
    try:
        async with here.database.transaction() as tx:
            closed = await running.close(here.pay, tx, run.id, str(run.number), CLERK)
    except Refused as refused:
        return refused.reasons[0].code
    return closed.state


def test_a_run_closes_when_statements_have_all_of_it_and_no_break_is_open(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        (one,) = await here.owe(100)
        run = await here.sent()
        payment = await here.payment(one)
        await here.hear(advice(on(moved(payment), MONDAY)))
        assert await closing(here, run.id) == "RUN_HAS_BREAKS"  # no statement has it yet
        await desk.says(MONDAY, debit(payment), debit(payment, "2"))
        assert await closing(here, run.id) == "RUN_HAS_UNMATCHED"
        await desk.says(TUESDAY, credit(100, "C-1"))
        twice, back = [one for one in await desk.open() if one.kind != "BALANCE"]
        await desk.ends(twice, Way.CANCELLED_OUT, others=ids(back))
        assert await closing(here, run.id) == RunState.CLOSED

    act(stack, dsn, tmp_path, story)
