"""The drill (`make drill`): back up, pay, restore yesterday's treasury. Nothing leaves before the bank is matched, and
then each order has been paid once, by the bank's own books."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from cradle.treasury.v1 import hold_pb2, run_pb2
from google.type.date_pb2 import Date

from tests.claims.reviewers import refusal
from tests.crash.chaos import eventually, start_at_once, stop_at_once
from tests.crash.conftest import Tell
from tests.crash.paying import COUNTY, ROLES, PayingTown, paying_town

NEXT_WEEK = Date(year=2026, month=11, day=30)
RUN = 1_000  # planned and committed while a person waits


@pytest.mark.parametrize(
    "each",
    [
        pytest.param(10, id="short", marks=pytest.mark.crash),
        pytest.param(2_000, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(1_200)]),
    ],
)
def test_a_restored_treasury_pays_nothing_twice(tmp_path: Path, each: int, tell: Tell) -> None:
    with paying_town(tmp_path) as town:
        stack = town.stack

        # Yesterday: some is on its way, some is queued, some is reserved.
        town.owe(range(1_000, 1_000 + each))
        town.wait_taken()
        town.pay()
        eventually(lambda: len(paid(town)) == each, 60, "nothing reaches the bank")
        stack.stop_role("treasury-bank")
        for first in range(10_000, 10_000 + each, RUN):  # no larger: it is the bank role that goes on with a run
            town.owe(range(first, min(first + RUN, 10_000 + each)))
            town.wait_taken()
            town.pay()
        town.owe(range(20_000, 20_000 + each))
        town.wait_taken()
        dump = town.dump()

        # Since: all of it is paid, and another order came and is paid.
        stack.start_role("treasury-bank")
        town.pay()
        town.owe(range(30_000, 30_000 + each))
        town.wait_taken()
        town.pay()
        eventually(lambda: len(paid(town)) == 4 * each, 60, "not all reaches the bank")
        town.mock.days_pass()
        town.wait_settled(60)
        town.check()

        # Lost. What the bank has got and said is not.
        stop_at_once(stack, *ROLES)
        town.restore(dump)
        start_at_once(stack, *ROLES)
        eventually(lambda: town.hold().is_seen, 60, "no HOLD begins")
        assert town.hold().cause == hold_pb2.HOLD_CAUSE_MARK_AHEAD
        planning = run_pb2.PlanRunRequest(scope=run_pb2.RunScope(county=COUNTY), request_id=str(uuid4()))
        assert town.clerk.refused("PlanRun", planning) == "TREASURY_HOLD"
        with pytest.raises(grpc.RpcError) as refused:
            town.lift(town.second)
        assert refusal(refused.value).codes[0][0] == "HOLD_DAYS_LACKING"

        # The statements come, the orders are read again.
        town.mock.days_pass()
        eventually(lambda: matched(town.hold()), 90, "the HOLD is not matched")
        assert len(paid(town)) == 4 * each
        assert town.lift(town.clerk).state == hold_pb2.HOLD_STATE_HELD
        assert town.lift(town.second).state == hold_pb2.HOLD_STATE_LIFTED

        # All is paid once, and what is new is paid.
        assert town.pay(NEXT_WEEK) == 0
        town.check()
        town.owe([77])
        town.wait_taken()
        assert town.pay(NEXT_WEEK) == 1
        for _ in range(4):
            town.mock.days_pass()
        town.wait_settled(60)
        town.check()
        tell(f"{4 * each} payments, {3 * each} of them unknown or unsent after the restore; each paid once")


def paid(town: PayingTown) -> list[str]:
    """Everything the bank has taken, as often as it got it."""
    return [one["end_to_end_id"] for one in town.mock.ask("GET", "/_mock/payments") if one["status"] == "accepted"]


def matched(hold: hold_pb2.Hold) -> bool:
    return not hold.lacking and not hold.open_items
