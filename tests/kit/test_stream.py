"""Reading what came from outside."""

from __future__ import annotations

import asyncio

import pytest

from services.kit.parking import Message
from services.kit.stream import read_each
from tests.kit.live import others_turns


def messages(count: int) -> list[Message]:
    return [Message("topic", 0, offset, b"", b"", 0) for offset in range(count)]


@pytest.mark.parametrize(("count", "turns"), [(0, 0), (1, 1), (50, 1), (51, 2), (1_000, 20)])
def test_a_batch_is_read_in_order_and_others_run_in_between(count: int, turns: int) -> None:
    async def act() -> tuple[list[int], int]:
        async with others_turns() as had:
            return await read_each(messages(count), lambda message: message.offset), had()

    assert asyncio.run(act()) == (list(range(count)), turns)
