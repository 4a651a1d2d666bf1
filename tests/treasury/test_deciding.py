"""Orders that wait for a person are let through or refused by two, of exactly one revision, and it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.kit.errors import Refused
from services.treasury.model.recoveries import Decided
from services.treasury.store import recoveries
from services.treasury.usecases import Desk, deciding
from tests.treasury.cashier import CLERK, SECOND, Cashier, cashier, moved, statement
from tests.treasury.counter import TODAY, case, order, with_limit
from tests.treasury.debts import figures, paid, recovery, repayment

pytestmark = pytest.mark.integration
OTHER = "01930000-0000-7000-8000-000000000002"
LIMIT_FEN = 500
Story = Callable[[Cashier], Awaitable[None]]


def act(stack: Stack, dsn: str, root: Path, story: Story) -> None:
    async def run() -> None:
        async with cashier(stack, dsn, root) as here:
            await here.counter.give(100_000)
            await story(here)
            await here.holds()

    asyncio.run(run())


async def decide(
    here: Cashier, case_id: str, by: str, revision: int, *, release: bool = True, desk: Desk | None = None
) -> Decided:
    number = (await here.counter.order(case_id))["id"]
    why = "CHECKED_WITH_PAYEE" if release else "NOT_JUSTIFIED"
    async with here.database.transaction() as tx:
        return await deciding.decide(
            desk or here.counter.desk, tx, number, revision, is_release=release, why=why, actor=by
        )


async def changed(here: Cashier) -> str:
    """Half is paid to one, and the rest is owed to another."""
    (one,) = await paid(here, 100)
    await here.counter.take_in(order(one, 250, 2, payee=OTHER))
    return one


def test_two_persons_let_a_change_of_payee_through_and_the_rest_is_paid(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        one = await changed(here)
        assert (await here.counter.order(one))["reasons"] == ["PAYEE_CHANGED"]

        prepared = await decide(here, one, CLERK, 2)
        assert (prepared.prepared_by, prepared.approved_by) == (CLERK, "")
        assert (await here.counter.order(one))["state"] == "HELD"
        with pytest.raises(Refused, match="RECOVERY_SECOND_PERSON"):
            await decide(here, one, CLERK, 2)
        with pytest.raises(Refused, match="ORDER_OTHER_DECISION"):
            await decide(here, one, SECOND, 2, release=False)
        with pytest.raises(Refused, match="ORDER_OTHER_REVISION"):
            await decide(here, one, SECOND, 1)
        with pytest.raises(asyncpg.CheckViolationError):
            await here.database.fetch("UPDATE order_decision SET approved_by = prepared_by")

        assert (await decide(here, one, SECOND, 2)).approved_by == SECOND
        found = await here.counter.order(one)
        assert (found["state"], found["reserved_fen"]) == ("RESERVED", 150)
        assert (await here.told(one))[-2:] == ["held", "reserved"]
        with pytest.raises(Refused, match="ORDER_DECIDED"):
            await decide(here, one, SECOND, 2)

        await here.sent()
        payment = await here.payment(one)
        assert (payment["payee"], payment["amount_fen"]) == (OTHER, 150)
        await here.hear(statement(moved(payment), day="2026-11-24"))
        # What is asked back is asked of whom it was paid to: of the last first.
        await here.counter.take_in(order(one, 30, 3, payee=OTHER))
        rows = await here.database.fetch("SELECT payee, outstanding_fen FROM recovery ORDER BY outstanding_fen")
        assert [row["outstanding_fen"] for row in rows] == [70, 150]
        assert rows[1]["payee"] == OTHER
        # What one repays moves the other's nowhere.
        (row,) = await here.database.fetch("SELECT id FROM recovery WHERE payee = $1", OTHER)
        found = await recoveries.by_id(here.database, row["id"])
        assert found is not None
        await here.hear(statement(repayment(found, 150), day="2026-11-25"))
        rows = await here.database.fetch("SELECT outstanding_fen, repaid_fen FROM recovery ORDER BY repaid_fen")
        assert [tuple(row) for row in rows] == [(70, 0), (0, 150)]

    act(stack, dsn, tmp_path, story)


def test_what_two_persons_refuse_waits_for_another_revision(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        one = await changed(here)
        await decide(here, one, CLERK, 2, release=False)
        await decide(here, one, SECOND, 2, release=False)

        assert (await here.counter.order(one))["reasons"] == ["PAYEE_CHANGED", "RELEASE_REFUSED"]
        assert (await here.told(one))[-2:] == ["held", "held"]
        assert (await here.plan()).planned_count == 0
        await here.counter.take_in(order(one, 100, 3, payee=OTHER))
        assert (await here.counter.order(one))["reasons"] == ["PAYEE_CHANGED"]

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize(("owed", "waits"), [(LIMIT_FEN - 1, False), (LIMIT_FEN, False), (LIMIT_FEN + 1, True)])
def test_an_order_above_the_limit_is_let_through_for_this_revision_alone(
    stack: Stack, dsn: str, tmp_path: Path, owed: int, waits: bool
) -> None:
    async def story(here: Cashier) -> None:
        office = here.counter.desk
        desk = Desk(office.clock, with_limit(LIMIT_FEN), office.sealer)
        limited = here.counter.__class__(here.counter.dsn, here.database, desk)
        one = case()
        await limited.take_in(order(one, owed))
        if not waits:
            with pytest.raises(Refused, match="ORDER_NOT_WAITING"):
                await decide(here, one, CLERK, 1, desk=desk)
            return
        assert (await here.counter.order(one))["reasons"] == ["ORDER_ABOVE_LIMIT"]
        await decide(here, one, CLERK, 1, desk=desk)
        await decide(here, one, SECOND, 1, desk=desk)
        assert (await here.counter.order(one))["reserved_fen"] == owed

        await limited.take_in(order(one, owed + 1, 2, payable_on=TODAY))
        assert (await here.counter.order(one))["reasons"] == ["ORDER_ABOVE_LIMIT"]

    act(stack, dsn, tmp_path, story)


def test_what_waits_for_money_alone_waits_for_no_person(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100_001)
        with pytest.raises(Refused, match="ORDER_NOT_WAITING"):
            await decide(here, one, CLERK, 1)

    act(stack, dsn, tmp_path, story)


def test_a_voided_order_that_waited_is_asked_back_of_whom_it_was_paid_to(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        one = await changed(here)
        await here.counter.take_in(order(one, 0, 3, payee=OTHER))

        found = await recovery(here, one)
        assert figures(found) == ("DETECTED", 100, 0, 0, 0, 0)
        assert found.payee.reference != OTHER

    act(stack, dsn, tmp_path, story)
