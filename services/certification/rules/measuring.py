"""Quantities become a figure, and a figure is tested. Fractions are exact; nothing is rounded here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import prod

from services.certification.model import (
    Bound,
    Comparison,
    Condition,
    Employer,
    Figures,
    Indicator,
    Measure,
    Over,
    Zero,
)

Quantities = Mapping[str, Figures]


class NotShown(LookupError):
    """A quantity that the formula needs was not stated."""


class Impossible(ValueError):
    """Quantities that cannot be: below nothing, a part above its whole, spans that do not match."""


def with_employer(quantities: Quantities, employer: Employer) -> Quantities:
    """What an indicator may read: its own quantities, and what is stated once of the employer."""
    return {**quantities, "staff": (Decimal(employer.staff),), "women": (Decimal(employer.women),)}


def measured(measure: Measure, quantities: Quantities) -> Fraction | None:
    """The figure; None where nothing can be divided by. Raises NotShown and Impossible."""
    spans = _spans(measure, quantities)
    found: list[Fraction] = []
    for span in range(spans):
        part = prod((_at(quantities, name, span) for name in measure.part), start=Fraction(1))
        whole = prod((_at(quantities, name, span) for name in measure.of), start=Fraction(1))
        if measure.share and part > whole:
            raise Impossible
        if whole:
            found.append(part * Fraction(measure.times) / whole)
    if not found:
        return None
    match measure.over:
        case Over.LEAST:
            return min(found)
        case Over.GREATEST:
            return max(found)
        case _:
            return sum(found, start=Fraction(0)) / len(found)


def is_met(condition: Condition, quantities: Quantities) -> bool:
    """Whether a condition is so. Raises NotShown and Impossible."""
    found = measured(condition.measure, quantities)
    if found is None:
        return condition.measure.zero is Zero.MET
    bound = Fraction(condition.bound.value)
    if condition.capped_by:
        bound = min(bound, _at(quantities, condition.capped_by, 0))
    return reaches(found, condition.bound.test, bound)


def reaches(found: Fraction, test: Comparison, bound: Fraction) -> bool:
    """Equal to the bound is met, but for `less_than`."""
    match test:
        case Comparison.AT_LEAST:
            return found >= bound
        case Comparison.AT_MOST:
            return found <= bound
        case Comparison.LESS_THAN:
            return found < bound


def reaches_all(bounds: tuple[Bound, ...], figures: Mapping[str, Fraction]) -> bool:
    return all(reaches(figures[one.name], one.test, Fraction(one.value)) for one in bounds)


def figures_of(indicator: Indicator, quantities: Quantities) -> dict[str, Fraction] | None:
    """What its tiers test, by name; None where nothing can be divided by."""
    if indicator.measure.together:
        return {name: _at(quantities, name, 0) for name in indicator.measure.together}
    found = measured(indicator.measure, quantities)
    return None if found is None else {"": found}


def total(quantities: Quantities, name: str) -> Fraction:
    """Of all spans together. Raises NotShown and Impossible."""
    if name not in quantities:
        raise NotShown(name)
    return sum((_at(quantities, name, span) for span in range(len(quantities[name]))), start=Fraction(0))


def _spans(measure: Measure, quantities: Quantities) -> int:
    """How many spans are stated; what is stated once holds for each of them."""
    names = (*measure.part, *measure.of)
    if missing := [name for name in names if not quantities.get(name)]:
        raise NotShown(missing[0])
    lengths = {len(quantities[name]) for name in names} - {1} or {1}
    if len(lengths) > 1 or (measure.over is None and lengths != {1}):
        raise Impossible
    flags = [quantities[name][0] for name in measure.part] if measure.flag else []
    if any(one not in {0, 1} for one in flags):
        raise Impossible
    return lengths.pop()


def _at(quantities: Quantities, name: str, span: int) -> Fraction:
    if not quantities.get(name):
        raise NotShown(name)
    figures = quantities[name]
    found = Fraction(figures[span if len(figures) > 1 else 0])
    if found < 0:
        raise Impossible
    return found
