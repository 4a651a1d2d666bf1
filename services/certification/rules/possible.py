"""Facts that cannot be. They are told by name and decide nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

from services.certification.model import Dimension, Employer, Facts, Life, Points, Scheme
from services.certification.rules.scoring import size_of

_SHEETS_MOST: Final = 3


def problems(facts: Facts, scheme: Scheme) -> list[str]:
    """The names of the facts that cannot be, as the facts name them."""
    if facts.points is not None:
        return list(_of_points(facts.points, scheme))
    return [*_of_employer(facts.employer, scheme), *_of_sheets(facts, scheme)]


def _of_points(points: Points, scheme: Scheme) -> Iterator[str]:
    for dimension, given in zip(Dimension, points.dimensions, strict=True):
        if not 0 <= given <= scheme.dimensions[dimension].most:
            yield f"dimensions.{dimension}"
    if not 0 <= points.bonus <= scheme.figures["bonus.cap"].number:
        yield "bonus"


def _of_employer(employer: Employer, scheme: Scheme) -> Iterator[str]:
    if not 0 <= employer.women <= employer.staff:
        yield "employer.women"
    if employer.size is not size_of(scheme, employer.staff):
        yield "employer.size"


def _of_sheets(facts: Facts, scheme: Scheme) -> Iterator[str]:
    known = {one.id for one in scheme.indicators}
    if len(facts.sheets) > _SHEETS_MOST or max(Counter(one.assessor for one in facts.sheets).values(), default=1) > 1:
        yield "sheets"
    for number, sheet in enumerate(facts.sheets):
        named = Counter(answer.indicator for answer in sheet.answers)
        if set(named) - known or max(named.values(), default=1) > 1:
            yield f"sheets[{number}].answers"


def problems_of_life(life: Life, as_of: date) -> list[str]:
    """Nothing is known of a certificate before its award, and no day of its life lies before it."""
    before = {
        "as_of": as_of < life.awarded_on,
        "annual_reports": any(day < life.awarded_on for day in life.reports),
        "violations": any(day < life.awarded_on for _, day in life.vetoes),
        "renewals": any(one.applied_on < life.awarded_on for one in life.renewals),
        "suspensions": any(one.since < life.awarded_on for one in life.suspensions),
    }
    return [name for name, wrong in before.items() if wrong]
