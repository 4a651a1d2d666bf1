"""Insured women: who they are, through whom they are insured, and which months were paid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from cradle.registry.v1 import service_pb2 as registry_pb2

from deploy.demo.employers import Employer
from deploy.demo.figures import Figures, Insurance, Names, Places
from deploy.demo.identity import Numbers
from services.kit.dates import month_of, to_proto

EMPLOYEE: Final = "EMPLOYEE"


@dataclass(frozen=True, slots=True)
class Woman:
    id_number: str
    name: str
    born: date
    category: str
    employer: Employer
    own_wage_yuan: int


def register(rng: Random, figures: Figures, numbers: Numbers, employer: Employer, *, born: date) -> Woman:
    insurance = figures.insurance
    is_other = rng.random() < insurance.other_category_share
    return Woman(
        id_number=numbers.woman(rng, _area(rng, figures, employer.county.code, born), born),
        name=_name(rng, figures.names),
        born=born,
        category=insurance.other_categories.draw(rng) if is_other else EMPLOYEE,
        employer=employer,
        own_wage_yuan=_own_wage(rng, figures, employer),
    )


def father_of(rng: Random, figures: Figures, numbers: Numbers, woman: Woman) -> str:
    """His ID number: a valid one, and not hers to claim with."""
    years = figures.births.father_minus_mother.draw(rng)
    born = date.fromordinal(woman.born.toordinal() - round(years * 365))
    return numbers.man(rng, _area(rng, figures, woman.employer.county.code, born), born)


def record(rng: Random, insurance: Insurance, woman: Woman, event: date, today: date) -> registry_pb2.PersonRecord:
    """What the insurance office knows of her today."""
    spans, back_paid = paid_months(rng, insurance, month_of(event), today)
    is_employee = woman.category == EMPLOYEE
    return registry_pb2.PersonRecord(
        person_id_number=woman.id_number,
        name=woman.name,
        category=registry_pb2.Category.Value(f"CATEGORY_{woman.category}"),
        employer_uscc=woman.employer.uscc if is_employee else "",
        paid_months=[registry_pb2.MonthSpan(first_month=first, last_month=last) for first, last in spans],
        reported_to_month=month_of(today) - 1,  # whatever is not paid by then is in arrears
        back_paid=[registry_pb2.BackPayment(month=month, paid_on=to_proto(day)) for month, day in back_paid],
    )


def paid_months(
    rng: Random, insurance: Insurance, event: int, today: date
) -> tuple[list[tuple[int, int]], list[tuple[int, date]]]:
    """Spans of months paid on time, and months paid late with their day. Months are `year * 12 + month - 1`.

    This month is not yet paid by anyone.
    """
    history = insurance.history.draw(rng)
    last = month_of(today) - 1
    if rng.random() < insurance.arrears_share:
        last = min(last, event - insurance.arrears_months.draw(rng))
    if history == "short_under_12":
        return [(min(last, event - rng.randrange(insurance.continuous_months_min - 1)), last)], []
    first = event - _months_insured(rng, insurance)
    if history not in insurance.gap_months:
        return [(first, last)], []
    gap = _gap(rng, insurance, history, event, last)
    spans = [(first, gap.start - 1), (gap.stop, last)]
    return [(low, high) for low, high in spans if low <= high], _back_paid(rng, insurance, gap, today)


def _gap(rng: Random, insurance: Insurance, history: str, event: int, last: int) -> range:
    """A gap that ends within the months that must be unbroken, where it matters."""
    end = min(last, event - rng.randint(1, insurance.continuous_months_min - 1))
    return range(end - insurance.gap_months[history].draw(rng) + 1, end + 1)


def _months_insured(rng: Random, insurance: Insurance) -> int:
    """Long enough to hold the unbroken months with any gap before them; the mean is that of the city."""
    least = insurance.continuous_months_min + max(months.high for months in insurance.gap_months.values())
    return least + int(rng.expovariate(1 / (insurance.months_mean - least)))


def _back_paid(rng: Random, insurance: Insurance, gap: Sequence[int], today: date) -> list[tuple[int, date]]:
    paid = insurance.back_paid.draw(rng)
    if paid not in insurance.back_paid_after:
        return []
    delay = insurance.back_paid_after[paid].draw(rng)
    days = [(month, _day_in(rng, month + delay)) for month in gap]
    return [(month, day) for month, day in days if day <= today]


def _day_in(rng: Random, month: int) -> date:
    return date(month // 12, month % 12 + 1, rng.randint(1, 28))


def _area(rng: Random, figures: Figures, county: str, born: date) -> str:
    """The area of first registration, which may be abolished by now and stays in the number."""
    places = figures.places
    match places.native.draw(rng):
        case "own_county":
            return _as_registered(places, county, born)
        case "other_county_of_baoji":
            return _as_registered(places, rng.choice(list(figures.counties)), born)
        case "other_shaanxi":
            return rng.choice(places.other_shaanxi)
        case _:
            return rng.choice(places.other_province)


def _as_registered(places: Places, county: str, born: date) -> str:
    retired = places.retired.get(county)
    return retired.code if retired and born.year < retired.until else county


def _name(rng: Random, names: Names) -> str:
    surnames = names.compound_surnames if rng.random() < names.compound_share else names.surnames
    given = [names.characters.draw(rng) for _ in range(names.given_length.draw(rng))]
    if rng.random() < names.rare_share:
        given[-1] = rng.choice(names.rare_characters)
    return surnames.draw(rng) + "".join(given)


def _own_wage(rng: Random, figures: Figures, employer: Employer) -> int:
    """Her own wage around her employer's true mean: women earn less than men, nobody less than the minimum wage."""
    wages, sector = figures.wages, employer.sector
    of_mean = wages.women_to_men / (sector.women_share * wages.women_to_men + 1 - sector.women_share)
    sigma = math.sqrt(max(0.0, sector.sigma**2 - wages.employer_sigma**2))
    drawn = employer.true_mean_yuan * of_mean * math.exp(rng.gauss(-(sigma**2) / 2, sigma))
    return max(wages.minimum_monthly_yuan[employer.county.min_wage_class], round(drawn))
