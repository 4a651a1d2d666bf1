"""Work of a timer: whatever stops one stops no other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.kit.errors import Conflict, Unavailable
from services.kit.timer import apart, narrowed

ERRORS = {2: Unavailable("away"), 3: Conflict("a lost race"), 4: ValueError("a bug")}


async def one(item: int) -> int:
    if item in ERRORS:
        raise ERRORS[item]
    return item


def test_each_by_itself_whatever_stops_one() -> None:
    failed: list[int] = []

    done = asyncio.run(apart(one, [1, 2, 3, 4, 5], str, failed.append))

    assert (done, failed) == (6, [2, 3, 4])


async def one_of_them(items: Sequence[int]) -> int:
    return items[0]


def test_narrowed_to_the_one_that_a_bug_is_about() -> None:
    failed: list[int] = []

    async def some(items: Sequence[int]) -> int:
        return sum([await one(item) for item in items])

    async def told(item: int) -> None:
        failed.append(item)

    assert asyncio.run(narrowed(some, [1, 4, 5], str, told)) == 6
    assert failed == [4]
    assert asyncio.run(narrowed(one_of_them, [], str, told)) == 0
    with pytest.raises(Unavailable):
        asyncio.run(narrowed(some, [1, 2], str, told))
