"""Reckoning under a version of the scheme: a figure is read and, in the same move, written down."""

from __future__ import annotations

from typing import Any

from services.certification.model import Scheme, Step
from services.kit.law import Dated


class FactMissing(ValueError):
    """A rule needs a fact that was not stated; `path` names it as the facts do."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is needed and was not given")
        self.path = path


class Working:
    """One version of the scheme, and the steps taken under it."""

    __slots__ = ("scheme", "steps")

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self.steps: list[Step] = []

    def by(self, rule: str, figure: str, /, **values: Any) -> Dated:
        """Read a figure and note what it did."""
        dated = self.scheme.figures[figure]
        self.steps.append((rule, values, *dated.stamp))
        return dated

    def cite(self, rule: str, law: tuple[str, ...], /, **values: Any) -> None:
        """Note a step that rests on the law itself, or on the arithmetic of the scheme where none is cited."""
        self.steps.append((rule, values, ", ".join(law)))
