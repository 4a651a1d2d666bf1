"""The recorded result (核定): lines, figures, and the way to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from services.claims.model.codes import LineKind, Payee, State
from services.kit.trace import Step


class Line(NamedTuple):
    """One benefit or cost of a claim, with its own outcome. `number` counts the stays, visits or items from 1."""

    kind: LineKind
    outcome: State
    amount_fen: int = 0
    payee: Payee | None = None
    reasons: tuple[str, ...] = ()
    trace: tuple[Step, ...] = ()
    number: int = 1

    def as_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"kind": self.kind, "outcome": self.outcome, "trace": self.trace}
        if self.amount_fen:
            data["amount_fen"] = self.amount_fen
        if self.payee:
            data["payee"] = self.payee
        if self.reasons:
            data["reasons"] = self.reasons
        if self.number != 1:
            data["number"] = self.number
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Line:
        return cls(
            LineKind(data["kind"]),
            State(data["outcome"]),
            data.get("amount_fen", 0),
            Payee(data["payee"]) if "payee" in data else None,
            tuple(data.get("reasons", ())),
            tuple(tuple(step) for step in data["trace"]),
            data.get("number", 1),
        )


class Figures(NamedTuple):
    """What is owed and by whom. Money is fen; None where a fact it needs was not given."""

    leave_days: int = 0
    leave_end: date | None = None
    father_leave_days: int = 0
    fund_days: int = 0
    allowance_fen: int = 0
    payee: Payee | None = None  # of the allowance
    medical_fen: int = 0
    catastrophic_fen: int = 0
    employer_topup_fen: int | None = 0
    employer_leave_fen: int | None = 0
    employer_liability_fen: int | None = 0
    continuous_months: int = 0

    def as_data(self) -> dict[str, Any]:
        return {
            name: value for name, value, default in zip(self._fields, self, _NONE_OWED, strict=True) if value != default
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Figures:
        given = dict(data)
        if given.get("leave_end"):
            given["leave_end"] = date.fromisoformat(given["leave_end"])
        if given.get("payee"):
            given["payee"] = Payee(given["payee"])
        return cls(**given)


_NONE_OWED = Figures()


class Determination(NamedTuple):
    """The recorded result. `trace` holds the steps of no single line: leave, contributions, the employer's part."""

    outcome: State
    reasons: tuple[str, ...]
    figures: Figures
    lines: tuple[Line, ...] = ()
    trace: tuple[Step, ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "reasons": self.reasons,
            "figures": self.figures.as_data(),
            "lines": [line.as_data() for line in self.lines],
            "trace": self.trace,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Determination:
        return cls(
            State(data["outcome"]),
            tuple(data["reasons"]),
            Figures.from_data(data["figures"]),
            tuple(Line.from_data(line) for line in data["lines"]),
            tuple(tuple(step) for step in data["trace"]),
        )

    def steps(self) -> Iterator[Step]:
        """Every step, those of no line first."""
        yield from self.trace
        for line in self.lines:
            yield from line.trace
