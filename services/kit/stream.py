"""A stream of record: what is done with its messages, and the batches in which they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from services.kit.db import Tx
from services.kit.parking import Message

Prepared = TypeVar("Prepared")
Given = TypeVar("Given")
Read = TypeVar("Read")
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Stream(Generic[Prepared]):
    """A stream of record and what is done with it.

    `prepare` decodes, validates and looks up, outside any transaction; `apply` reads what was decided before, decides
    and writes, inside one. Both are called again for the same messages after a failure.
    """

    consumer: str
    topics: tuple[str, ...]
    prepare: Callable[[Sequence[Message]], Awaitable[Prepared]]
    apply: Callable[[Tx, Prepared], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one partition: from the next one expected up to, not including, `until`."""

    topic: str
    partition: int
    start: int
    until: int


@dataclass(frozen=True, slots=True)
class Batch:
    messages: tuple[Message, ...]
    spans: tuple[Span, ...]
    generation: int
    taken_at: float

    def halves(self) -> tuple[Batch, Batch]:
        """Split in two; each half moves the fence over its own messages only."""
        middle = len(self.messages) // 2
        first, second = self.messages[:middle], self.messages[middle:]
        ends = {(m.topic, m.partition): m.offset + 1 for m in first}
        later = {(m.topic, m.partition) for m in second}
        ahead, behind = [], []
        for span in self.spans:
            place = (span.topic, span.partition)
            cut = span.start if place not in ends else ends[place] if place in later else span.until
            if cut > span.start:
                ahead.append(Span(span.topic, span.partition, span.start, cut))
            if cut < span.until:
                behind.append(Span(span.topic, span.partition, cut, span.until))
        return (
            Batch(first, tuple(ahead), self.generation, self.taken_at),
            Batch(second, tuple(behind), self.generation, self.taken_at),
        )


async def read_each(given: Sequence[Given], read: Callable[[Given], Read]) -> list[Read]:
    """Read what came from outside, and let others run in between: a record that is wrong in every place costs a hundred
    good ones, and heartbeats and probes do not wait for a batch of such.
    """
    found: list[Read] = []
    for first in range(0, len(given), _AT_ONCE):
        found += [read(one) for one in given[first : first + _AT_ONCE]]
        await asyncio.sleep(0)
    return found
