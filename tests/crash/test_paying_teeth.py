"""The teeth of what proves that each order is paid once: with a bug planted in the bank role, it does not come out."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.crash.test_paying import wire
from tests.kit.live import new_database
from tests.treasury.cashier import Cashier, cashier
from tests.treasury.counter import case, order
from tests.treasury.restoring import back_up, restore
from tests.treasury.sending_again import NotingBank

pytestmark = pytest.mark.crash
PAYMENTS, REACHED = 20, 7


def run(stack: Stack, planted: str, dsn: str, root: Path, *dies_after: int) -> int:
    key = stack.environment["CRADLE_SEALING_KEY"]
    argv = [sys.executable, "-m", "tests.crash.planted_bank", planted, dsn, key, str(root), *map(str, dies_after)]
    return subprocess.run(argv, check=False, timeout=60).returncode


def twice(root: Path) -> int:
    """How many payments have reached the bank more than once."""
    return sum(times > 1 for times in Counter(wire(root)).values())


async def prepare(here: Cashier) -> None:
    await here.counter.give(100_000_000)
    await here.counter.take_in(*[order(case(), 10 + n) for n in range(PAYMENTS)])
    await here.queue(await here.approved())


def live(stack: Stack, dsn: str, root: Path) -> None:
    async def story() -> None:
        async with cashier(stack, dsn, root, NotingBank(root)) as here:
            await prepare(here)

    (root / "said").mkdir(exist_ok=True)
    asyncio.run(story())


@pytest.mark.parametrize(("planted", "expected"), [("nothing", 0), ("resend", REACHED), ("intent-late", REACHED)])
def test_a_file_sent_again_after_a_kill_is_seen(stack: Stack, tmp_path: Path, planted: str, expected: int) -> None:
    dsn = new_database(stack, "treasury")
    live(stack, dsn, tmp_path)

    first = "nothing" if planted == "resend" else planted
    assert run(stack, first, dsn, tmp_path, REACHED) == -signal.SIGKILL
    assert run(stack, planted, dsn, tmp_path) == 0

    assert twice(tmp_path) == expected


@pytest.mark.parametrize(("planted", "expected"), [("nothing", 0), ("no-hold", PAYMENTS)])
def test_a_restore_that_pays_again_is_seen(stack: Stack, tmp_path: Path, planted: str, expected: int) -> None:
    """Its bank keeps no note of what it got."""
    dsn = new_database(stack, "treasury")
    live(stack, dsn, tmp_path)
    copy = back_up(dsn)
    assert run(stack, "nothing", dsn, tmp_path) == 0
    restore(dsn, copy)

    assert run(stack, planted, dsn, tmp_path) == 0

    assert twice(tmp_path) == expected
