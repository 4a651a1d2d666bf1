"""The bank role killed at any moment: a bank sees each end-to-end id at most once, and the ledger has what it paid."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from deploy.local.stack import Stack
from services.treasury.store import files
from services.treasury.usecases import sending
from tests.kit.live import new_database
from tests.treasury.cashier import OURS, Cashier, cashier, lose_spool, moved, statement
from tests.treasury.counter import case, order
from tests.treasury.sending_again import NotingBank

pytestmark = pytest.mark.crash
PAYMENTS = 1000
KILLS = 5


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=[pytest.mark.soak, pytest.mark.timeout(600)]) for seed in range(1, 20))]
)
def test_whoever_is_killed_no_payment_reaches_the_bank_twice(stack: Stack, tmp_path: Path, seed: int) -> None:
    dsn, random = new_database(stack, "treasury"), Random(seed)
    (tmp_path / "said").mkdir()

    async def prepare() -> None:
        async with cashier(stack, dsn, tmp_path, NotingBank(tmp_path)) as here:
            await here.counter.give(100_000_000)
            await here.counter.take_in(*[order(case(), 10 + n) for n in range(PAYMENTS)])
            await here.queue(await here.approved())

    async def bank_says() -> None:
        """Of what reached it, it pays all; the statement is of two parts, and the second repeats some of the first."""
        async with cashier(stack, dsn, tmp_path, NotingBank(tmp_path)) as here:
            arrived = set(wire(tmp_path))
            paid = [one for one in await here.payments() if one["end_to_end_id"] in arrived]
            for number, some in enumerate((paid[: len(paid) * 2 // 3], paid[len(paid) // 3 :])):
                told = statement(*map(moved, some)).replace("BANK-1", f"BANK-{number}")
                (tmp_path / "said" / f"{number}.xml").write_text(told, "utf-8")

    asyncio.run(prepare())
    kill_some(stack, dsn, tmp_path, random)
    run_through(stack, dsn, tmp_path)
    asyncio.run(bank_says())
    kill_some(stack, dsn, tmp_path, random)
    run_through(stack, dsn, tmp_path)

    asyncio.run(check(stack, dsn, tmp_path))


def wire(root: Path) -> list[str]:
    path = root / "wire"
    return [line for line in path.read_text().split("\n") if len(line) == 26] if path.exists() else []


def command(stack: Stack, dsn: str, root: Path) -> list[str]:
    key = stack.environment["CRADLE_SEALING_KEY"]
    return [sys.executable, "-m", "tests.treasury.sending_again", dsn, key, str(root)]


def kill_some(stack: Stack, dsn: str, root: Path, random: Random) -> None:
    """SIGKILL after a time that is drawn from all that one round takes, the start of Python left out."""
    for _ in range(KILLS):
        running = subprocess.Popen(command(stack, dsn, root))
        try:
            running.wait(random.uniform(1.2, 3.5))
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def run_through(stack: Stack, dsn: str, root: Path) -> None:
    subprocess.run(command(stack, dsn, root), check=True, timeout=120)


@pytest.mark.parametrize("reached", [0, 7, 20])
def test_between_the_intent_and_the_answer_what_may_have_left_is_in_doubt_and_never_sent_again(
    stack: Stack, tmp_path: Path, reached: int
) -> None:
    """0: not a byte had left; 20: all of it had, and nobody wrote that down."""
    dsn = new_database(stack, "treasury")
    (tmp_path / "said").mkdir()

    async def story() -> None:
        async with cashier(stack, dsn, tmp_path, NotingBank(tmp_path)) as here:
            await here.counter.give(100_000_000)
            await here.counter.take_in(*[order(case(), 10 + n) for n in range(20)])
            await here.queue(await here.approved())
            kill_after(stack, dsn, tmp_path, reached)
            assert await here.states() == ["SENT"] * 20

            run_through(stack, dsn, tmp_path)
            run_through(stack, dsn, tmp_path)

            assert len(wire(tmp_path)) == reached
            assert await here.states() == ["UNKNOWN"] * 20
            assert (await here.plan()).planned_count == 0
            await here.holds()

    asyncio.run(story())


def test_a_file_that_is_written_again_has_the_same_bytes(stack: Stack, tmp_path: Path) -> None:
    dsn = new_database(stack, "treasury")

    async def story() -> None:
        async with cashier(stack, dsn, tmp_path, NotingBank(tmp_path)) as here:
            await here.counter.give(100_000_000)
            await here.counter.take_in(*[order(case(), 10 + n) for n in range(20)])
            await here.queue(await here.approved())
            (file,) = await files.to_send(here.database, [OURS.code])

            _, first = await sending.write(here.sender, file)
            lose_spool(tmp_path)
            path, again = await sending.write(here.sender, file._replace(sha256=first.sha256))

            assert again == first
            assert path.stat().st_size == first.size

    asyncio.run(story())


def kill_after(stack: Stack, dsn: str, root: Path, reached: int) -> None:
    killed = subprocess.run([*command(stack, dsn, root), str(reached)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL


async def check(stack: Stack, dsn: str, root: Path) -> None:
    async with cashier(stack, dsn, root, NotingBank(root)) as here:
        arrived = Counter(wire(root))
        payments = await here.payments()
        assert len(payments) == PAYMENTS
        assert set(arrived.values()) <= {1}
        by_state = Counter(one["state"] for one in payments)
        settled = {one["end_to_end_id"] for one in payments if one["state"] == "RECONCILED"}
        assert settled == set(arrived), by_state
        assert by_state.keys() <= {"RECONCILED", "UNKNOWN"}
        await _nothing_of_it_is_planned_again(here)
        await here.holds()


async def _nothing_of_it_is_planned_again(here: Cashier) -> None:
    assert (await here.plan()).planned_count == 0
