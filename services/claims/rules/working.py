"""Reckoning under the law: a parameter is read and, in the same move, written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.claims.model import Line, LineKind, State, Step
from services.kit.law import Dated, NotInForce, Unset

Rates = Mapping[str, Dated]  # the law on the days of one case, by name


class FactMissing(ValueError):
    """A rule needs a fact that was not stated; `path` names it as the facts do."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is needed and was not given")
        self.path = path


class Working:
    """The law of one case's days, and the steps taken under it."""

    __slots__ = ("rates", "steps")

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self.steps: list[Step] = []

    def by(self, rule: str, parameter: str, /, **values: Any) -> Dated:
        """Read a parameter and note what it did."""
        dated = self.rates[parameter]
        self.steps.append((rule, values, *dated.stamp))
        return dated

    def cite(self, rule: str, article: str, /, **values: Any) -> None:
        """Note a step that rests on an article itself."""
        self.steps.append((rule, values, article))

    def refused(self, kind: LineKind, outcome: State, *reasons: str, number: int = 1) -> Line:
        """A line that pays nothing, with the steps so far."""
        return Line(kind, outcome, reasons=reasons, trace=tuple(self.steps), number=number)


def needed(value: Any, path: str) -> Any:
    """The value, if it was stated. Raises FactMissing."""
    if value is None:
        raise FactMissing(path)
    return value


def note_unset(error: Unset | NotInForce, working: Working) -> None:
    """Note which parameter the authority has yet to set."""
    rule = "PARAMETER_UNSET" if isinstance(error, Unset) else "PARAMETER_NOT_IN_FORCE"
    working.cite(rule, "OWNER_SETS", name=error.name)


def unset(error: Unset | NotInForce, working: Working, kind: LineKind, number: int = 1) -> Line:
    """A line that waits for the authority to set a parameter."""
    note_unset(error, working)
    return working.refused(kind, State.PENDED, "PARAMETER_UNSET", number=number)
