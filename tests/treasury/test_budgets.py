"""Budgets under concurrency: 32 at once against one budget, and whatever order things happen in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from uuid import uuid4

import asyncpg
import pytest
from cradle.treasury.v1 import service_pb2

from deploy.local.stack import Stack
from services.kit.errors import Conflict, Invalid, Refused, is_conflict
from tests.treasury.counter import MATERNITY, TODAY, Counter, case, counter, order

pytestmark = pytest.mark.integration
PARALLEL = 32


def act(stack: Stack, dsn: str, story: Callable[[Counter], Awaitable[None]]) -> None:
    async def run() -> None:
        async with counter(stack, dsn, connections_max=PARALLEL) as here:
            await story(here)
            await here.holds()

    asyncio.run(run())


async def persevering(work: Callable[[], Awaitable[object]]) -> None:
    """As the inbox does: a lost race is decided again."""
    for _ in range(20):
        try:
            await work()
        except Exception as error:
            if not is_conflict(error):
                raise
        else:
            return
    raise AssertionError("still in conflict")


def test_32_parallel_batches_never_reserve_more_than_there_is(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        random = Random(1)
        await here.give(10_000)

        def one() -> bytes:
            return order(case(), random.randint(1, 100), payable_on=TODAY - timedelta(random.randint(0, 9)))

        batches = [[one() for _ in range(20)] for _ in range(PARALLEL)]

        await asyncio.gather(*[persevering(lambda batch=batch: here.take_in(*batch)) for batch in batches])  # type: ignore[misc]

        available, reserved, waiting, _ = await here.figures()
        assert 0 <= available < 10_000
        assert available + reserved == 10_000
        assert waiting > 0
        rows = await here.database.fetch("SELECT count(*) FROM payment_order")
        assert rows[0][0] == PARALLEL * 20

    act(stack, dsn, story)


def test_the_same_new_order_in_32_workers_is_one(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        await here.give(10_000)
        mine = case()

        await asyncio.gather(
            *[persevering(lambda n=n: here.take_in(order(mine, 10 * n, n))) for n in range(1, PARALLEL + 1)]  # type: ignore[misc]
        )

        found = await here.order(mine)
        assert (found["revision"], found["reserved_fen"]) == (PARALLEL, 10 * PARALLEL)
        assert await here.figures() == (10_000 - 320, 320, 0, 0)

    act(stack, dsn, story)


def test_32_parallel_appropriations_orders_and_take_backs_never_go_below_nothing(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        refused: list[Refused] = []

        async def take_back() -> None:
            try:
                await here.give(-400)
            except Refused as error:
                refused.append(error)

        kinds: list[Callable[[], Awaitable[object]]] = [
            lambda: here.take_in(order(case(), 300)),
            take_back,
            lambda: here.give(100),
            here.release,
        ]
        works = kinds * (PARALLEL // len(kinds))
        await asyncio.gather(*[persevering(work) for work in works])
        await here.release()

        available, reserved, waiting, held = await here.figures()
        taken_back = PARALLEL // 4 - len(refused)
        assert available + reserved == 1_000 + 800 - 400 * taken_back
        assert (waiting * 300, available < 300 or not waiting) == (held, True)

    act(stack, dsn, story)


def test_the_same_request_32_times_is_one_appropriation(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        request_id = uuid4()
        answers: set[bytes] = set()

        async def ask() -> None:
            answers.add(await here.give(500, request_id=request_id))

        await asyncio.gather(*[persevering(ask) for _ in range(PARALLEL)])
        await here.give(1)
        await ask()

        assert len(answers) == 1
        assert service_pb2.Budget.FromString(answers.pop()).available_fen == 500
        assert await here.figures() == (501, 0, 0, 0)
        with pytest.raises(Invalid, match="REQUEST_ID_REUSED"):
            await here.give(501, request_id=request_id)

    act(stack, dsn, story)


@pytest.mark.parametrize(("amount", "allowed"), [(-599, True), (-600, True), (-601, False)])
def test_what_is_taken_back_just_below_at_and_above_what_is_available(
    stack: Stack, dsn: str, amount: int, allowed: bool
) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        await here.take_in(order(case(), 400))

        if allowed:
            await here.give(amount)
        else:
            with pytest.raises(Refused, match="BUDGET_NOT_ENOUGH"):
                await here.give(amount)

        assert await here.figures() == (600 + (amount if allowed else 0), 400, 0, 0)

    act(stack, dsn, story)


def test_a_thousand_and_more_held_orders_are_released_in_batches(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        cases = [case() for _ in range(2_500)]
        for start in range(0, 2_500, 500):
            await here.take_in(*[order(one, 2) for one in cases[start : start + 500]])

        await here.give(4_001)
        assert await here.release() == 2_000
        rows = await here.database.fetch("SELECT reasons FROM payment_order WHERE waiting GROUP BY reasons")
        assert [row["reasons"] for row in rows] == [["BUDGET_HELD"]]
        await here.give(999)
        assert await here.release() == 500

        assert await here.figures() == (0, 5_000, 0, 0)

    act(stack, dsn, story)


def test_the_table_refuses_what_the_rules_would_never_do(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        await here.give(100)

        with pytest.raises(asyncpg.CheckViolationError):
            await here.database.fetch("UPDATE budget SET available_fen = available_fen - 101")
        assert issubclass(Conflict, Exception)
        assert (await here.figures(MATERNITY))[0] == 100

    act(stack, dsn, story)
