"""The public format of facts (docs/cases.md), read into the model: of an application, of a certificate's life, or both.

Facts that can be read but cannot be are the rules' word (FACT_OUT_OF_RANGE).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, NamedTuple

from services.certification.model import (
    Dimension,
    Employer,
    Facts,
    GateFact,
    IndicatorKind,
    Kind,
    Life,
    Points,
    Renewal,
    Scheme,
    Size,
    Veto,
)
from services.kit.errors import Invalid
from services.kit.given import Given, fitted, missing, stated
from services.kit.scalars import Day, Flag, Number, code

_RENEWALS = (("extension_applied_on", Kind.EXTENSION), ("recertification_applied_on", Kind.RECERTIFICATION))


class DimensionsGiven(Given):
    attitude: Number
    career: Number
    maternity_protection: Number
    care_support: Number
    work_arrangement: Number
    occupational_health: Number


class GatesGiven(Given):
    open_violation: Flag = False
    arrears: Flag = False
    leave_refused: Flag = False
    nursing_room_missing: Flag = False


class ViolationGiven(Given):
    kind: Annotated[Veto, code(Veto)]
    date: Day


class FactsGiven(Given):
    """The facts by the names of the public format. `size` begins an application, `awarded_on` a life."""

    size: Annotated[Size, code(Size)] | None = None
    dimensions: DimensionsGiven | None = None
    bonus: Number = Decimal(0)
    gates: GatesGiven = GatesGiven()
    awarded_on: Day | None = None
    annual_reports: tuple[Day, ...] = ()
    extension_applied_on: Day | None = None
    recertification_applied_on: Day | None = None
    violations: tuple[ViolationGiven, ...] = ()
    as_of: Day | None = None


_OF_APPLICATION = frozenset({"size", "dimensions", "bonus", "gates"})


class Read(NamedTuple):
    """An application, a life with the day it is looked at, or both."""

    facts: Facts | None
    life: tuple[Life, date] | None


def read(content: object, scheme: Scheme, at: str = "") -> Read:
    """The facts under the path `at`. Raises Invalid with a coded, located reason for everything that does not fit."""
    given = fitted(FactsGiven, stated(content), at)
    named = given.model_fields_set
    if not named:
        raise Invalid(missing("size", at))
    return Read(
        _facts(given, scheme, at) if named & _OF_APPLICATION else None,
        _life(given, at) if named - _OF_APPLICATION else None,
    )


def _facts(given: FactsGiven, scheme: Scheme, at: str) -> Facts:
    if given.size is None or given.dimensions is None:
        wanting = [name for name in ("size", "dimensions") if getattr(given, name) is None]
        raise Invalid(*[missing(name, at) for name in wanting])
    open_facts = {fact for fact in GateFact if getattr(given.gates, fact)}
    gates = tuple((gate.id, gate.fact not in open_facts) for gate in scheme.of(IndicatorKind.GATE))
    points = tuple(getattr(given.dimensions, dimension) for dimension in Dimension)
    return Facts(Employer(given.size, 0, 0, ""), gates, points=Points(points, given.bonus))


def _life(given: FactsGiven, at: str) -> tuple[Life, date]:
    if given.awarded_on is None or given.as_of is None:
        wanting = [name for name in ("awarded_on", "as_of") if getattr(given, name) is None]
        raise Invalid(*[missing(name, at) for name in wanting])
    applied = ((getattr(given, name), kind) for name, kind in _RENEWALS)
    # Applied for in time with all reports counts as granted, whenever it is decided.
    renewals = tuple(Renewal(kind, day, day, granted=True) for day, kind in applied if day)
    vetoes = tuple((one.kind, one.date) for one in given.violations)
    return Life(given.awarded_on, given.annual_reports, renewals, vetoes), given.as_of
