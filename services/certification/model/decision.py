"""The recorded decision (认定决定): outcome, every reason, the score, and the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from services.certification.model.codes import Dimension, Outcome, Why
from services.kit.trace import Step


class Decision(NamedTuple):
    """`dimensions` are rounded, `score` is their sum with the bonus. None where facts cannot be."""

    outcome: Outcome
    reasons: tuple[Why, ...]
    score: Decimal | None = None
    dimensions: tuple[Decimal, ...] = ()
    bonus: Decimal = Decimal(0)
    trace: tuple[Step, ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "reasons": self.reasons,
            "score": None if self.score is None else str(self.score),
            "dimensions": {str(name): str(one) for name, one in zip(Dimension, self.dimensions, strict=False)},
            "bonus": str(self.bonus),
            "trace": self.trace,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Decision:
        return cls(
            Outcome(data["outcome"]),
            tuple(map(Why, data["reasons"])),
            None if data["score"] is None else Decimal(data["score"]),
            tuple(Decimal(data["dimensions"][name]) for name in Dimension if name in data["dimensions"]),
            Decimal(data["bonus"]),
            tuple(tuple(step) for step in data["trace"]),
        )
