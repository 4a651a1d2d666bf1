"""Score sheets made from the scheme itself: every indicator at a figure that its tier asks for."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import prod

from services.certification.model import (
    OF_THE_EMPLOYER,
    Answer,
    Comparison,
    Dimension,
    Employer,
    Facts,
    Indicator,
    IndicatorKind,
    Kind,
    Measure,
    Sheet,
    Size,
    Tier,
)
from services.certification.rules import latest

LATEST = latest()
LARGE = Employer(Size.LARGE, 1000, 500, "C")
SME = Employer(Size.SME, 200, 100, "C")
PASSED = tuple((gate.id, True) for gate in LATEST.of(IndicatorKind.GATE))
MANY = Decimal(100)


def indicator(name: str) -> Indicator:
    return next(one for one in LATEST.indicators if one.id == name)


def answer(name: str, **quantities: int | str | Iterable[int | str]) -> Answer:
    """What was shown for one indicator, as a person would write it."""
    return Answer(name, tuple(sorted((key, figures(given)) for key, given in quantities.items())))


def figures(given: int | str | Iterable[int | str]) -> tuple[Decimal, ...]:
    return (Decimal(given),) if isinstance(given, int | str) else tuple(Decimal(one) for one in given)


def reaching(one: Indicator, tier: Tier, employer: Employer, more: Decimal = Decimal(0)) -> Answer:
    """Just what a tier asks for, every condition at its bound; `more` is added to the figure."""
    known = {"staff": Decimal(employer.staff), "women": Decimal(employer.women)}
    if one.measure.together:
        known |= {bound.name: bound.value + more for bound in tier.bounds}
    else:
        solve(one.measure, tier.bounds[0].value + more, known)
    for condition in one.nothing_unless:
        solve(condition.measure, condition.bound.value, known)
    for name, limit in one.not_applicable_below:
        known.setdefault(name, limit)
    return Answer(
        one.id, tuple(sorted((name, (found,)) for name, found in known.items() if name not in OF_THE_EMPLOYER))
    )


def highest(one: Indicator, employer: Employer) -> Answer:
    under = one.tiers[0].bounds[0].test is Comparison.LESS_THAN
    return reaching(one, one.tiers[0], employer, Decimal(-1 if under else 0))


def solve(measure: Measure, figure: Decimal, known: dict[str, Decimal]) -> None:
    """Quantities by which a measure comes to the figure; those that are known stay."""
    open_part = [name for name in measure.part if name not in known]
    for name in (*measure.of, *open_part[1:]):
        known.setdefault(name, MANY)
    if open_part:
        rest = prod(known[name] for name in measure.part if name != open_part[0])
        known[open_part[0]] = figure * prod(known[name] for name in measure.of) / (measure.times * rest)


def best(assessor: str, employer: Employer = LARGE, *, without: Iterable[str | Dimension] = ()) -> Sheet:
    """Every indicator at its highest tier, but for some indicators or whole dimensions of which nothing was shown."""
    left_out = {str(one) for one in without}
    scored = (*LATEST.of(IndicatorKind.SCORED), *LATEST.of(IndicatorKind.BONUS))
    return Sheet(
        assessor,
        tuple(
            highest(one, employer) for one in scored if one.id not in left_out and str(one.dimension) not in left_out
        ),
    )


def facts(*sheets: Sheet, employer: Employer = LARGE, kind: Kind = Kind.NEW) -> Facts:
    return Facts(employer, PASSED, kind, sheets=sheets)
