"""Deliveries of the year before today: when, where and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from deploy.demo.draw import Weighted
from deploy.demo.figures import Births, Figures, Hospital

_YEAR_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Birth:
    date: date
    hospital: Hospital
    is_in_city: bool
    is_caesarean: bool
    dystocia: bool
    infants: int
    order: int
    precheck: bool
    weeks: int
    weight_g: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """When and where children are born, ready to draw from."""

    births: Births
    days: Weighted[date]
    hospitals: Mapping[str, Weighted[Hospital]]  # by place as in `births.elsewhere`, or by county

    def day(self, rng: Random) -> date:
        return self.days.draw(rng)

    def order(self, rng: Random) -> int:
        return self.births.order.draw(rng)

    def mother_born(self, rng: Random, order: int, event: date) -> date:
        """Her birthday: her age at this birth follows its order."""
        return event - timedelta(days=round(self.births.mother_age[order].draw(rng) * _YEAR_DAYS))

    def birth(self, rng: Random, county: str, born: date, order: int, event: date) -> Birth:
        births = self.births
        place = county if rng.random() < births.own_county[county] else births.elsewhere.draw(rng)
        hospital = self.hospitals[place].draw(rng)
        infants = births.infants.draw(rng)
        is_caesarean = rng.random() < self._caesarean_share(hospital, infants, (event - born).days // _YEAR_DAYS)
        return Birth(
            date=event,
            hospital=hospital,
            is_in_city=place != "outside",
            is_caesarean=is_caesarean,
            dystocia=not is_caesarean and rng.random() < births.dystocia_share,
            infants=infants,
            order=order,
            precheck=rng.random() < births.precheck_share,
            weeks=self._weeks(rng, infants),
            weight_g=round((births.weight_g if infants == 1 else births.weight_twin_g).draw(rng)),
        )

    def _caesarean_share(self, hospital: Hospital, infants: int, age: int) -> float:
        share = self.births.caesarean_share[hospital.level]
        if infants > 1 and share:
            return self.births.caesarean_twins
        factors = (factor for ages, factor in self.births.caesarean_age_factor if ages.low <= age <= ages.high)
        return share * next(factors, 1.0)

    def _weeks(self, rng: Random, infants: int) -> int:
        if infants > 1:
            return round(self.births.gestation_twins_days.draw(rng)) // 7
        return self.births.gestation_weeks.draw(rng).draw(rng)


def calendar(figures: Figures, today: date) -> Calendar:
    births = figures.births
    days = [today - timedelta(days=back) for back in range(_YEAR_DAYS)]
    by_county: dict[str, Weighted[Hospital]] = {
        code: Weighted.of((hospital, hospital.share) for hospital in figures.hospitals if hospital.area == code)
        for code in figures.counties
    }
    return Calendar(
        births=births,
        days=Weighted.of((day, births.month_share[day.month - 1]) for day in days),
        hospitals=by_county
        | {
            "core": Weighted.of((one, one.share) for one in figures.hospitals if one.area in births.core),
            "other_county": Weighted.of((one, one.share) for one in figures.hospitals if one.area not in births.core),
            "outside": Weighted.of((one, one.share) for one in figures.hospitals_outside),
        },
    )
