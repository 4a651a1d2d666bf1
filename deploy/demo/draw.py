"""Drawing by weight and by spread, from a generator that is always handed in."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Weighted(Generic[T]):
    """Values with relative weights."""

    values: tuple[T, ...]
    cumulative: tuple[float, ...]

    @classmethod
    def of(cls, pairs: Iterable[tuple[T, float]]) -> Weighted[T]:
        held = [(value, weight) for value, weight in pairs if weight > 0]
        return cls(tuple(value for value, _ in held), tuple(accumulate(weight for _, weight in held)))

    @property
    def total(self) -> float:
        return self.cumulative[-1]

    def draw(self, rng: Random) -> T:
        return self.values[bisect(self.cumulative, rng.random() * self.total, hi=len(self.values) - 1)]


@dataclass(frozen=True, slots=True)
class Normal:
    mean: float
    sd: float
    min: float = -math.inf

    def draw(self, rng: Random) -> float:
        return max(self.min, rng.gauss(self.mean, self.sd))


@dataclass(frozen=True, slots=True)
class Lognormal:
    median: float
    sigma: float
    min: float = 0.0

    def draw(self, rng: Random) -> float:
        return max(self.min, rng.lognormvariate(math.log(self.median), self.sigma))


@dataclass(frozen=True, slots=True)
class Span:
    """Whole numbers from `low` to `high`, both in, all alike."""

    low: int
    high: int

    def draw(self, rng: Random) -> int:
        return rng.randint(self.low, self.high)


def by_name(weights: Mapping[str, float]) -> Weighted[str]:
    return Weighted.of((str(name), weight) for name, weight in weights.items())


def by_span(weights: Mapping[str, float]) -> Weighted[Span]:
    """Weights under keys such as `37` or `34-36`."""
    return Weighted.of((span(text), weight) for text, weight in weights.items())


def span(text: str) -> Span:
    low, _, high = str(text).partition("-")
    return Span(int(low), int(high or low))
