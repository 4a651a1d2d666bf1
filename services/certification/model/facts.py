"""What a decision rests on besides the scheme: the employer, what its gates showed, and the assessors' sheets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from services.certification.model.codes import Dimension, Kind, Size

# Figures of one quantity: one, or one for each 12 months, month or season. Yes is 1, no is 0.
Figures = tuple[Decimal, ...]


class Employer(NamedTuple):
    """As it was on the day of submission: size is not looked at again before the next application."""

    size: Size
    staff: int
    women: int
    sector: str  # a letter of GB/T 4754


class Answer(NamedTuple):
    """What was verified for one indicator. No quantities: nothing was shown."""

    indicator: str
    quantities: tuple[tuple[str, Figures], ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {"indicator": self.indicator, "quantities": {name: list(map(str, one)) for name, one in self.quantities}}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Answer:
        return cls(data["indicator"], tuple(sorted((n, tuple(map(Decimal, f))) for n, f in data["quantities"].items())))


class Sheet(NamedTuple):
    """The score sheet (评分表) of one assessor, by an opaque reference."""

    assessor: str
    answers: tuple[Answer, ...]

    def as_data(self) -> dict[str, Any]:
        return {"assessor": self.assessor, "answers": [one.as_data() for one in self.answers]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Sheet:
        return cls(data["assessor"], tuple(map(Answer.from_data, data["answers"])))


class Points(NamedTuple):
    """Points by dimension, in its order, as they were given; and bonus."""

    dimensions: tuple[Decimal, ...]
    bonus: Decimal = Decimal(0)

    def as_data(self) -> dict[str, Any]:
        dimensions = {str(name): str(points) for name, points in zip(Dimension, self.dimensions, strict=True)}
        return {"dimensions": dimensions, "bonus": str(self.bonus)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Points:
        return cls(tuple(Decimal(data["dimensions"][name]) for name in Dimension), Decimal(data["bonus"]))


class Facts(NamedTuple):
    """`gates` has what every gate showed: true is passed. `points` where they are given, else `sheets` are scored.

    `accepted`: dimensions of which a person has accepted that most is not applicable.
    """

    employer: Employer
    gates: tuple[tuple[str, bool], ...]
    kind: Kind = Kind.NEW
    points: Points | None = None
    sheets: tuple[Sheet, ...] = ()
    accepted: tuple[Dimension, ...] = ()

    def as_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"employer": self.employer._asdict(), "gates": dict(self.gates), "kind": self.kind}
        if self.points is not None:
            data["points"] = self.points.as_data()
        if self.sheets:
            data["sheets"] = [sheet.as_data() for sheet in self.sheets]
        if self.accepted:
            data["accepted"] = self.accepted
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Facts:
        employer = data["employer"]
        return cls(
            Employer(Size(employer["size"]), employer["staff"], employer["women"], employer["sector"]),
            tuple(sorted(data["gates"].items())),
            Kind(data["kind"]),
            Points.from_data(data["points"]) if "points" in data else None,
            tuple(map(Sheet.from_data, data.get("sheets", ()))),
            tuple(map(Dimension, data.get("accepted", ()))),
        )
