"""Who plans or approves a run is killed between two chunks, or inside of one: it goes on, each order is in it once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.treasury.model import RunState
from services.treasury.store import runs
from services.treasury.usecases import approving, running
from services.treasury.usecases.planning import ORDERS_MAX
from tests.kit.live import new_database
from tests.treasury.cashier import SECOND, cashier, new_run
from tests.treasury.counter import case, order

pytestmark = pytest.mark.crash
ORDERS = 2 * ORDERS_MAX + 1  # three chunks


def killed(stack: Stack, dsn: str, where: str, times: int) -> None:
    key = stack.environment["CRADLE_SEALING_KEY"]
    argv = [sys.executable, "-m", "tests.crash.advancing", dsn, key, where, str(times)]
    assert subprocess.run(argv, check=False, timeout=60).returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("where", "times", "planned"),
    [
        ("payees", 2, ORDERS_MAX),  # between the first chunk and the second
        ("now", 3, ORDERS_MAX),  # in the second, before it writes
        ("now", 5, 2 * ORDERS_MAX),  # in the last, when all is written and nothing committed
    ],
)
def test_a_plan_goes_on_after_a_kill(stack: Stack, tmp_path: Path, where: str, times: int, planned: int) -> None:
    dsn = new_database(stack, "treasury")
    run = new_run()

    async def prepare() -> None:
        async with cashier(stack, dsn, tmp_path) as here:
            await here.counter.give(100_000_000)
            await here.counter.take_in(*[order(case(), 10 + n) for n in range(ORDERS)])
            async with here.database.transaction() as tx:
                await runs.new_run(tx, run)

    async def stands(state: RunState, count: int) -> None:
        async with cashier(stack, dsn, tmp_path) as here:
            found = await here.run(run.id)
            assert (found.state, found.planned_count) == (state, count)
            assert len(await here.payments()) == count
            await here.holds()

    async def go_on() -> None:
        async with cashier(stack, dsn, tmp_path) as here:
            await running.advance_all(here.pay)
            lines = await here.payments()
            assert sorted(one["number"] for one in lines) == list(range(1, ORDERS + 1))
            assert set(Counter(one["order_id"] for one in lines).values()) == {1}

    async def approve() -> None:
        """By the hash, which is computed anew from the rows."""
        async with cashier(stack, dsn, tmp_path) as here:
            found = await here.run(run.id)
            async with here.database.transaction() as tx:
                await approving.approve(
                    here.pay, tx, run.id, str(found.number), plan_hash=found.plan_hash, actor=SECOND
                )

    async def committed(expected: dict[str, int], *, ready: bool) -> None:
        async with cashier(stack, dsn, tmp_path) as here:
            assert Counter(await here.states()) == expected
            assert (await here.run(run.id)).is_ready == ready
            await here.holds()

    asyncio.run(prepare())
    killed(stack, dsn, where, times)
    asyncio.run(stands(RunState.PLANNING, planned))
    asyncio.run(go_on())
    asyncio.run(stands(RunState.PLANNED, ORDERS))
    asyncio.run(approve())
    killed(stack, dsn, "payees", 2)
    asyncio.run(committed({"RESERVED": ORDERS_MAX, "CREATED": ORDERS - ORDERS_MAX}, ready=False))
    asyncio.run(go_on())
    asyncio.run(committed({"RESERVED": ORDERS}, ready=True))
