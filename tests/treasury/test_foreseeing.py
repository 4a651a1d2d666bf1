"""A plan that is only foreseen says what the plan itself says then, over chunks, and leaves nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.kit.errors import Refused
from services.treasury.model import RunState
from services.treasury.model.holding import Cause
from services.treasury.store import runs
from services.treasury.usecases import foreseeing, holding
from services.treasury.usecases.planning import ORDERS_MAX
from tests.treasury.cashier import CLERK, EVERYTHING, Cashier, act, new_run
from tests.treasury.counter import TODAY

pytestmark = pytest.mark.integration
CLOSED = "01930000-0000-7000-8000-000000000002"
_TABLES = ("payment_run", "payment", "run_exception", "run_request", "outbox", "transfer")


async def rows_of(here: Cashier) -> list[object]:
    counts = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in _TABLES)
    reserved = "(SELECT sum(reserved_fen) FROM payment_order) AS reserved_fen"
    (found,) = await here.database.fetch(f"SELECT {counts}, {reserved}")
    return list(found.values())


@pytest.mark.parametrize("total_max_fen", [0, 100 * ORDERS_MAX - 1, 100 * ORDERS_MAX, 100 * ORDERS_MAX + 1])
def test_it_is_what_the_plan_says(stack: Stack, dsn: str, tmp_path: Path, total_max_fen: int) -> None:
    async def story(here: Cashier) -> None:
        cases = await here.owe(*[100] * (ORDERS_MAX + 1))
        await here.owe(100, payee=CLOSED)
        here.registry.said[CLOSED] = ("REFERENCE_UNKNOWN",)
        scope = EVERYTHING._replace(total_max_fen=total_max_fen)
        before = await rows_of(here)

        foreseen, sums = await foreseeing.foresee(here.pay, new_run(scope), None)
        assert await rows_of(here) == before
        nothing, _ = await foreseeing.foresee(here.pay, new_run(scope._replace(payable_to=TODAY - timedelta(1))), None)
        elsewhere = (await foreseeing.foresee(here.pay, new_run(scope), ["610399"]))[1]
        plan = await here.plan(scope)

        told = (foreseen.state, foreseen.planned_count, foreseen.planned_fen, foreseen.exceptions)
        assert told == (RunState.PLANNED, plan.planned_count, plan.planned_fen, plan.exceptions)
        most = total_max_fen // 100 or len(cases)
        assert plan.planned_count == min(most, len(cases))
        assert sums == await runs.sums(here.database, plan.id, None)
        assert (nothing.planned_count, elsewhere) == (0, [])

    act(stack, dsn, tmp_path, story)


def test_in_a_hold_it_is_refused_as_the_plan_is(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.owe(100)
        async with here.database.transaction() as tx:
            await holding.begin(here.pay, tx, Cause.PERSON, CLERK)

        with pytest.raises(Refused, match="TREASURY_HOLD"):
            await foreseeing.foresee(here.pay, new_run(), None)

    act(stack, dsn, tmp_path, story)
