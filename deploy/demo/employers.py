"""Employers: where they are, what they pay, and what of that the insurance office has on record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from cradle.registry.v1 import service_pb2 as registry_pb2

from deploy.demo.draw import Weighted
from deploy.demo.figures import County, Figures, Names, Sector, Size, Wages
from deploy.demo.identity import Numbers


@dataclass(frozen=True, slots=True)
class Employer:
    """An employer as it is; `record` is what the office knows of it."""

    record: registry_pb2.EmployerRecord
    county: County
    sector: Sector
    headcount: int
    true_mean_yuan: float  # a month, 2025

    @property
    def uscc(self) -> str:
        return self.record.uscc


def needed(figures: Figures, claims: int) -> int:
    """As many employers to a claim as the city has to an insured delivery, and no more than it has."""
    deliveries = figures.births.deliveries_2025 * figures.insurance.employee_share
    wanted = math.ceil(claims * figures.insured_employers / deliveries)
    return min(figures.insured_employers, max(wanted, len(figures.counties)))


def found(rng: Random, figures: Figures, numbers: Numbers, count: int, today: date) -> Iterator[Employer]:
    counties = Weighted.of((county, county.employers) for county in figures.counties.values())
    # Shares are of people employed, so a sector of large employers has fewer of them.
    sectors = Weighted.of((sector, sector.employment_share / _mean_size(sector)) for sector in figures.sectors.values())
    for _ in range(count):
        yield _found(rng, figures, numbers, county=counties.draw(rng), sector=sectors.draw(rng), today=today)


def by_women(employers: Sequence[Employer]) -> Weighted[Employer]:
    """Where an insured woman works: a chance as large as the number of women there."""
    return Weighted.of((employer, employer.headcount * employer.sector.women_share) for employer in employers)


def _mean_size(sector: Sector) -> float:
    bounds = (0.0, *sector.sizes.cumulative)
    shares = [high - low for low, high in zip(bounds, sector.sizes.cumulative, strict=False)]
    return sum(size.mean * share for size, share in zip(sector.sizes.values, shares, strict=True)) / sector.sizes.total


def _found(rng: Random, figures: Figures, numbers: Numbers, *, county: County, sector: Sector, today: date) -> Employer:
    size, form = sector.sizes.draw(rng), sector.legal_forms.draw(rng)
    mean_yuan = _true_mean(rng, figures.wages, county, sector, size)
    record = registry_pb2.EmployerRecord(
        uscc=numbers.employer(rng, figures.names.prefixes[form], county.code),
        name=_name(rng, figures.names, county, sector, form),
        county=county.code,
        average_monthly_wage_fen=_declared_fen(rng, figures.wages, mean_yuan, today),
    )
    return Employer(record, county, sector, _headcount(rng, size), mean_yuan)


def _headcount(rng: Random, size: Size) -> int:
    """A triangle whose mean is that of the class, as far as its bounds allow."""
    low, high = size.headcount
    mode = min(high, max(low, 3 * size.mean - low - high))
    return round(rng.triangular(low, high, mode))


def _true_mean(rng: Random, wages: Wages, county: County, sector: Sector, size: Size) -> float:
    effect = math.exp(rng.gauss(0.0, wages.employer_sigma))
    return sector.mean_monthly_2025 * wages.county_factor[county.code] * wages.size_factor[size.key] * effect


def _declared_fen(rng: Random, wages: Wages, mean_yuan: float, today: date) -> dict[int, int]:
    """The average of the declared bases by year: under-declared by some, and never outside the year's bounds.

    An employer founded this year has no year before, which the allowance is reckoned from.
    """
    if rng.random() < wages.under_declared_share:
        mean_yuan *= rng.uniform(*wages.under_declared)
    first = today.year if rng.random() < wages.founded_this_year_share else min(wages.base)
    return {
        year: round(min(ceiling, max(floor, mean_yuan * wages.year_index[year])) * 100)
        for year, (floor, ceiling) in wages.base.items()
        if first <= year <= today.year
    }


def _name(rng: Random, names: Names, county: County, sector: Sector, form: str) -> str:
    stem, trade = rng.choice(names.stems), rng.choice(names.trades[sector.key])
    if form in names.forms:
        return names.regions.draw(rng) + stem + trade + names.forms[form].draw(rng)
    return f"{county.zh}{'' if form == 'government_organ' else stem}{trade}"
