"""Points: of an indicator by its tier, of a dimension by what applies, and their sum (评分).

An indicator with nothing to divide by, or that is not for this employer, leaves; its points spread over the rest of its
dimension in proportion. One rounding a dimension, half up to 0.01; the sum is not rounded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from services.certification.model import (
    Answer,
    Dimension,
    Employer,
    Indicator,
    IndicatorKind,
    Points,
    Scheme,
    Sheet,
    Size,
    Zero,
)
from services.certification.rules.measuring import (
    Impossible,
    NotShown,
    Quantities,
    figures_of,
    is_met,
    reaches_all,
    total,
    with_employer,
)
from services.certification.rules.working import Working

_ALL: Final = Decimal(100)


class Score(NamedTuple):
    """`dimensions` are rounded; `mostly_not_applicable` have more that does not apply than a rule may spread."""

    dimensions: tuple[Decimal, ...]
    bonus: Decimal
    total: Decimal
    mostly_not_applicable: tuple[Dimension, ...] = ()


class Found(NamedTuple):
    """What one indicator came to: points, or None where it does not apply; and the rule by which."""

    points: Decimal | None
    rule: str
    figure: str = ""


def size_of(scheme: Scheme, staff: int) -> Size:
    """By headcount on the day of submission, whatever the sector."""
    return Size.SME if staff < scheme.figures["size.sme_below"].count else Size.LARGE


def hundredths(exact: Fraction) -> Decimal:
    """Half up to 0.01, the one rounding of a dimension."""
    return (Decimal((exact * 200 + 1) // 2) / 100).quantize(Decimal("0.01"))


def of_points(given: Points, employer: Employer, working: Working) -> Score:
    """The score of points that are given by dimension."""
    rounded = tuple(hundredths(Fraction(one)) for one in given.dimensions)
    for dimension, points in zip(Dimension, rounded, strict=True):
        most = working.scheme.dimensions[dimension].most
        working.cite("DIMENSION_GIVEN", (), dimension=dimension, points=str(points), most=str(most))
    return _summed(rounded, given.bonus, employer, working)


def of_sheet(sheet: Sheet, employer: Employer, working: Working) -> Score:
    """The score of one sheet. Raises Impossible."""
    answers = {one.indicator: one for one in sheet.answers}
    scores: list[Decimal] = []
    mostly: list[Dimension] = []
    for dimension in Dimension:
        points, most_is_out = _dimension(dimension, answers, employer, working)
        scores.append(points)
        if most_is_out:
            mostly.append(dimension)
    bonus = Decimal(0)
    if employer.size is Size.SME:
        for indicator in working.scheme.of(IndicatorKind.BONUS):
            bonus += _noted(indicator, answers, employer, working).points or Decimal(0)
    return _summed(tuple(scores), bonus, employer, working)._replace(mostly_not_applicable=tuple(mostly))


def _dimension(
    dimension: Dimension, answers: Mapping[str, Answer], employer: Employer, working: Working
) -> tuple[Decimal, bool]:
    """Its points, and whether more of it does not apply than a rule may spread."""
    scheme = working.scheme
    indicators = scheme.of(IndicatorKind.SCORED, dimension)
    found = [(one.points, _noted(one, answers, employer, working).points) for one in indicators]
    awarded = sum((points for _, points in found if points is not None), start=Decimal(0))
    applicable = sum((most for most, points in found if points is not None), start=Decimal(0))
    most = scheme.dimensions[dimension].most
    points = (
        hundredths(Fraction(awarded) / Fraction(applicable) * Fraction(most)) if applicable else hundredths(Fraction(0))
    )
    working.cite(
        "DIMENSION", (), dimension=dimension, awarded=str(awarded), applicable=str(applicable), most=str(most),
        points=str(points),
    )  # fmt: skip
    limit = scheme.figures["manual_review.share_above"].number
    if most - applicable > limit * most:
        working.by("DIMENSION_MOSTLY_OUT", "manual_review.share_above", dimension=dimension)
        return points, True
    return points, False


def _summed(dimensions: tuple[Decimal, ...], bonus: Decimal, employer: Employer, working: Working) -> Score:
    counted = hundredths(Fraction(0))
    if employer.size is Size.SME and bonus:
        cap = working.by("BONUS", "bonus.cap", points=str(bonus)).number
        counted = min(cap, bonus)
    total_points = min(_ALL, sum(dimensions, start=Decimal(0)) + counted).quantize(Decimal("0.01"))
    working.cite("TOTAL", (), points=str(total_points))
    return Score(dimensions, counted, total_points)


def _noted(indicator: Indicator, answers: Mapping[str, Answer], employer: Employer, working: Working) -> Found:
    try:
        found = score(indicator, answers.get(indicator.id), employer)
    except Impossible:
        raise Impossible(indicator.id) from None
    working.cite(
        found.rule, indicator.law, indicator=indicator.id, points="" if found.points is None else str(found.points),
        most=str(indicator.points), figure=found.figure,
    )  # fmt: skip
    return found


def applies(indicator: Indicator, employer: Employer) -> bool:
    """Whether it is for an employer of this size, sector and number of women."""
    asked = indicator.applies
    return (
        employer.size in asked.sizes
        and (not asked.sectors or employer.sector in asked.sectors)
        and employer.women >= asked.women_min
    )


def score(indicator: Indicator, answer: Answer | None, employer: Employer) -> Found:
    """Points of one indicator. What was not shown has none, and stays in the dimension. Raises Impossible."""
    if not applies(indicator, employer):
        return Found(None, "CRITERION_NOT_FOR")
    quantities = with_employer(dict(answer.quantities) if answer else {}, employer)
    try:
        return _by_tier(indicator, quantities)
    except NotShown:
        return Found(Decimal(0), "CRITERION_NOT_SHOWN")


def impossible(answers: Sequence[Answer], employer: Employer, scheme: Scheme) -> list[int]:
    """The places of those whose figures cannot be."""
    scored = {one.id: one for one in scheme.indicators if one.kind is not IndicatorKind.GATE}
    found: list[int] = []
    for place, answer in enumerate(answers):
        try:
            if answer.indicator in scored:
                score(scored[answer.indicator], answer, employer)
        except Impossible:
            found.append(place)
    return found


def _by_tier(indicator: Indicator, quantities: Quantities) -> Found:
    if any(total(quantities, name) < limit for name, limit in indicator.not_applicable_below):
        return Found(None, "CRITERION_NOT_APPLICABLE")
    figures = figures_of(indicator, quantities)
    if figures is None:
        if indicator.measure.zero is Zero.NOT_APPLICABLE:
            return Found(None, "CRITERION_NOT_APPLICABLE")
        return Found(Decimal(0), "CRITERION_NOT_MET")
    shown = ", ".join(str(one) for one in figures.values())
    if not all(is_met(condition, quantities) for condition in indicator.nothing_unless):
        return Found(Decimal(0), "CRITERION_CONDITION", shown)
    for tier in indicator.tiers:
        if reaches_all(tier.bounds, figures):
            rule = "CRITERION_MET" if tier.points == indicator.points else "CRITERION_PARTLY_MET"
            return Found(tier.points, rule, shown)
    return Found(Decimal(0), "CRITERION_NOT_MET", shown)
