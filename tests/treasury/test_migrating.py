"""Migrations on rows that were there: what banks had refused before the treasury kept it is kept, and is a queue."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.kit.migrations import migrate
from services.treasury.store import refused_accounts
from services.treasury.usecases import refusing
from tests.kit.live import new_database, rows, unique
from tests.kit.migrating import bring, migrated_before
from tests.treasury.cashier import Cashier, account, answered, cashier, moved, statement

pytestmark = pytest.mark.integration
REFUSED_ACCOUNTS = "20261127170000"
LI, WANG, ZHAO, QIAN, SUN = (f"01930000-0000-7000-8000-00000000000{n}" for n in range(1, 6))
_KEPT = """SELECT payee, version, account_hash, payment_id, reasons, replaced_at IS NOT NULL AS replaced
           FROM refused_account WHERE payee <> $1 ORDER BY payee, version"""


async def refused(here: Cashier) -> None:
    """Closed and waiting; returned and paid anew elsewhere; another reason; one account of two payments; a plan to
    another account that was cancelled.
    """
    (li,), (wang,) = await here.owe(100, payee=LI), await here.owe(200, payee=WANG)
    (zhao,), qian, (sun,) = (
        await here.owe(300, payee=ZHAO),
        await here.owe(400, 401, payee=QIAN),
        await here.owe(500, payee=SUN),
    )
    await here.sent()
    out = {one: await here.payment(one) for one in (li, wang, zhao, *qian, sun)}
    told = [(li, "AC04"), (zhao, "AM04"), (qian[0], "AC01"), (qian[1], "AC01"), (sun, "AC06")]
    await here.hear(answered(*[(out[one], "RJCT", why) for one, why in told]))
    await here.hear(statement(moved(out[wang])))
    await here.hear(statement(moved(out[wang], why="AC04"), day="2026-11-24"))
    await here.owe(101, payee=LI)
    here.registry.said[WANG] = account(version=2)
    await here.sent()
    here.registry.said[SUN] = account(version=2)
    await here.cancel(await here.plan())


def test_what_was_refused_before_there_was_a_queue_is_in_it(stack: Stack, tmp_path: Path) -> None:
    new, old = new_database(stack, "treasury"), stack.create_database(unique("before"))

    async def make() -> None:
        async with cashier(stack, new, tmp_path) as here:
            await here.counter.give(100_000_000)
            await refused(here)

    async def look() -> None:
        assert await rows(old, _KEPT, SUN) == await rows(new, _KEPT, SUN)
        async with cashier(stack, old, tmp_path) as here:
            here.registry.said[SUN] = account(version=2)
            found = await refused_accounts.waiting(here.database, "", None, None, 100)
            now = await refusing.now(here.pay, found)
            seen = {(one.payee.reference, one.amount_fen): (one.reasons, f"{now[one.id]}") for one in found}
            assert seen == {
                (LI, 100): (("AC04",), "SAME"),
                (LI, 101): (("AC04",), "SAME"),
                (QIAN, 400): (("AC01",), "SAME"),
                (QIAN, 401): (("AC01",), "SAME"),
                (SUN, 500): (("AC06",), "CHANGED"),  # nothing was paid elsewhere: it leaves with the next plan
            }
            run = await here.plan()
            assert [one["payee"] for one in await here.payments() if one["run_id"] == run.id] == [SUN]
            assert len(await here.exceptions(run)) == 4

    asyncio.run(make())
    migrated_before(old, "treasury", REFUSED_ACCOUNTS, tmp_path / "migrations")
    asyncio.run(bring(old, new))
    migrate(old, "treasury")
    asyncio.run(look())
