"""An account that a bank has refused: nothing is paid to it again, and what waits for another one is seen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.treasury.model.listing import WaitingOrder
from services.treasury.rules.refusing import Now
from services.treasury.store import refused_accounts
from services.treasury.usecases import refusing
from tests.treasury.cashier import Cashier, account, act, answered, cashier, moved, statement
from tests.treasury.counter import COUNTY, order

pytestmark = pytest.mark.integration
LI, WANG = "01930000-0000-7000-8000-000000000001", "01930000-0000-7000-8000-000000000002"
REFUSED = ["ACCOUNT_REFUSED_BY_BANK", "AC04"]


async def waiting(here: Cashier, *, county: str = "", counties: list[str] | None = None) -> list[WaitingOrder]:
    return await refused_accounts.waiting(here.database, county, counties, None, 100)


async def seen(here: Cashier) -> list[tuple[int, tuple[str, ...], Now]]:
    """Of each order that waits: how much, why, and what the registry has by now."""
    found = await waiting(here)
    now = await refusing.now(here.pay, found)
    return [(one.amount_fen, one.reasons, now[one.id]) for one in found]


def test_a_closed_account_is_not_paid_again_and_its_orders_wait_in_sight_for_another_one(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100, payee=LI)
        (other,) = await here.owe(200, payee=WANG)
        await here.sent()
        first = await here.payment(one)
        rejected = answered((first, "RJCT", "AC04"))
        await here.hear(rejected)
        await here.hear(rejected)  # the same bytes
        await here.hear(rejected.replace("<MsgId>BANK-1", "<MsgId>BANK-2"))  # the same again
        await here.owe(50, payee=LI)  # another order of the same payee
        assert await seen(here) == [(100, ("AC04",), Now.SAME), (50, ("AC04",), Now.SAME)]
        (found, later) = await waiting(here)
        assert {found.payment_id, later.payment_id} == {first["id"]}
        assert (found.county, found.payee.reference, found.version) == (COUNTY, LI, 1)
        assert await waiting(here, county=COUNTY, counties=[COUNTY]) == [found, later]
        assert not await waiting(here, county="610303")
        assert not await waiting(here, counties=["610303"])

        run = await here.plan()
        assert (run.planned_count, await here.exceptions(run)) == (0, [REFUSED, REFUSED])
        assert await refused_accounts.figures(here.database) == (2, found.since)

        here.registry.said[LI] = ("ACCOUNT_MISSING",)
        assert [now for *_, now in await seen(here)] == [Now.NONE, Now.NONE]
        here.registry.said[LI] = account(version=2)  # the same number, of a block that was lifted
        assert [now for *_, now in await seen(here)] == [Now.CHANGED, Now.CHANGED]

        await here.sent()
        assert await seen(here) == []
        second = await here.payment(one)
        await here.hear(statement(moved(second), moved(await here.payment(other))))
        assert (second["reissue_of"], await here.states(one)) == (first["id"], ["REJECTED", "RECONCILED"])
        assert await refused_accounts.figures(here.database) == (0, None)

    act(stack, dsn, tmp_path, story)


def test_a_return_after_settlement_refuses_the_account_too_and_so_does_the_next_one(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100, payee=LI)
        await here.sent()
        await here.hear(statement(moved(await here.payment(one))))
        back = statement(moved(await here.payment(one), why="MD07"), day="2026-11-24")
        await here.hear(back)
        await here.hear(back)
        assert await seen(here) == [(100, ("MD07",), Now.SAME)]

        here.registry.said[LI] = account(version=2)
        await here.cancel(await here.plan())
        assert await seen(here) == []  # planned to another account: it is no longer the account that it waits for
        await here.sent()
        await here.hear(answered((await here.payment(one), "RJCT", "AC06")))
        assert await seen(here) == [(100, ("AC06",), Now.SAME)]
        assert await here.exceptions(await here.plan()) == [["ACCOUNT_REFUSED_BY_BANK", "AC06"]]

        await here.counter.take_in(order(one, 0, revision=2, payee=LI))
        assert await seen(here) == []  # nothing is owed any more

    act(stack, dsn, tmp_path, story)


def test_what_is_refused_between_plan_and_approval_drops_the_line(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100, payee=LI)
        await here.sent()
        (other,) = await here.owe(200, payee=LI)
        run = await here.plan()
        await here.hear(answered((await here.payment(one), "RJCT", "AC01")))

        run = await here.approve(run)

        assert (run.dropped, await here.states(other)) == (1, ["CANCELLED"])
        assert await here.exceptions(run) == [["ACCOUNT_REFUSED_BY_BANK", "AC01"]]
        assert [fen for fen, *_ in await seen(here)] == [100, 200]

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("why", ["AM04", "BE04"])
def test_other_reasons_refuse_no_account(stack: Stack, dsn: str, tmp_path: Path, why: str) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100, payee=LI)
        await here.sent()
        await here.hear(answered((await here.payment(one), "RJCT", why)))

        assert await seen(here) == []
        assert (await here.plan()).planned_count == 1

    act(stack, dsn, tmp_path, story)


def test_a_file_that_is_rejected_as_a_whole_is_about_our_account(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.owe(100, 200)
        await here.sent()
        (file,) = await here.database.fetch("SELECT message_id FROM bank_file")
        told = answered().replace("RUN-1", file["message_id"]).replace("<OrgnlPmtInfAndSts><OrgnlPmtInfId>B-1", "")
        why = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts>"
        whole = told.replace("</OrgnlPmtInfId></OrgnlPmtInfAndSts>", "").replace("</OrgnlGrpInfAndSts>", why)

        await here.hear(whole)

        assert [one["reason"] for one in await here.payments()] == ["FILE_REJECTED,AC04"] * 2
        assert await seen(here) == []
        assert (await here.plan()).planned_count == 2

    act(stack, dsn, tmp_path, story)


def test_many_runs_and_answers_at_once_wait_for_each_other_and_not_in_a_circle(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with cashier(stack, dsn, tmp_path) as here:
            await here.counter.give(100_000_000)
            payees = [f"01930000-0000-7000-8000-{n:012d}" for n in range(20)]
            await here.counter.take_in(*[order("", 10 + n, payee=one) for n, one in enumerate(payees)])
            await here.sent()
            out = await here.payments()
            told = [answered(*[(one, "RJCT", "AC04") for one in out[n::4]]) for n in range(4)]
            await here.counter.take_in(*[order("", 50 + n, payee=one) for n, one in enumerate(payees)])
            await asyncio.gather(*[here.hear(one) for one in told], here.plan(), here.plan())
            here.registry.said = {one: account(version=2) for one in payees}
            await asyncio.gather(here.plan(), here.plan())

            assert await seen(here) == []
            await here.holds()

    asyncio.run(story())
