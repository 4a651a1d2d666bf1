"""The figures of the synthetic city as frozen values; `city.load` reads them from `city.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.demo.draw import Lognormal, Normal, Span, Weighted


@dataclass(frozen=True, slots=True)
class County:
    code: str
    zh: str
    en: str
    employers: int
    min_wage_class: int


@dataclass(frozen=True, slots=True)
class Retired:
    """An abolished area code and the first year in which it was no longer given out."""

    code: str
    now: str
    until: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where ID numbers were first issued."""

    retired: Mapping[str, Retired]  # by the current code
    native: Weighted[str]
    other_shaanxi: tuple[str, ...]
    other_province: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hospital:
    code: str
    name: str
    area: str
    level: str
    ownership: str
    share: float


@dataclass(frozen=True, slots=True)
class Births:
    deliveries_2025: int
    order: Weighted[int]
    caesarean_share: Mapping[str, float]  # by hospital level
    caesarean_age_factor: tuple[tuple[Span, float], ...]
    caesarean_twins: float
    dystocia_share: float
    infants: Weighted[int]
    precheck_share: float
    mother_age: Mapping[int, Normal]  # by birth order
    father_minus_mother: Normal
    month_share: tuple[float, ...]
    gestation_weeks: Weighted[Span]
    gestation_twins_days: Normal
    weight_g: Normal
    weight_twin_g: Normal
    own_county: Mapping[str, float]
    elsewhere: Weighted[str]
    core: frozenset[str]


@dataclass(frozen=True, slots=True)
class Insurance:
    employee_share: float
    other_category_share: float
    other_categories: Weighted[str]
    history: Weighted[str]
    gap_months: Mapping[str, Span]
    continuous_months_min: int
    months_mean: float
    back_paid: Weighted[str]
    back_paid_after: Mapping[str, Span]
    arrears_share: float
    arrears_months: Span


@dataclass(frozen=True, slots=True)
class Wages:
    year_index: Mapping[int, float]
    employer_sigma: float
    women_to_men: float
    county_factor: Mapping[str, float]
    size_factor: Mapping[str, float]
    minimum_monthly_yuan: Mapping[int, int]
    under_declared_share: float
    under_declared: tuple[float, float]
    base: Mapping[int, tuple[int, int]]  # floor and ceiling, yuan a month, by year
    founded_this_year_share: float


@dataclass(frozen=True, slots=True)
class Sector:
    key: str
    employment_share: float
    women_share: float
    mean_monthly_2025: float
    sigma: float
    legal_forms: Weighted[str]
    sizes: Weighted[Size]


@dataclass(frozen=True, slots=True)
class Size:
    key: str
    headcount: tuple[int, int]
    mean: int
    share: float


@dataclass(frozen=True, slots=True)
class Sending:
    """How a sound claim is filled in and sent."""

    hospital_share: float
    own_wage_given_share: float
    claimed_given_share: float
    claimed_days: Mapping[str, int]
    correction_share: float
    correction_days: Lognormal
    lag_hospitals: Weighted[Span]
    lag_counter: Lognormal
    hour_peak: tuple[int, ...]
    office_hours: tuple[int, int]
    weekend_factor: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a stay, in yuan."""

    drawn: Lognormal
    max: float


@dataclass(frozen=True, slots=True)
class Stays:
    """What a delivery costs, by level of hospital and mode, and how much of it is within policy range."""

    settled_share: float
    cost: Mapping[str, Mapping[str, Cost]]
    in_policy_scope: Mapping[str, Normal]
    over_limit: float
    self_pay_first: float
    days: Mapping[str, Weighted[int]]
    visits_share: float
    visits: Span
    visit_cost: Lognormal


@dataclass(frozen=True, slots=True)
class OtherEvents:
    miscarriage_share: float
    gestation_days: Span
    gestation_missing: float
    surgery_share: float
    surgeries: Weighted[str]


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What may happen to a sound claim later."""

    void_share: float
    late_coverage_share: float


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dirt."""

    kind: str
    weight: float
    effect: str
    how: Weighted[str] | None


@dataclass(frozen=True, slots=True)
class Dirt:
    profiles: Mapping[str, float]
    several_share: float
    source_factor: Mapping[str, float]
    bad_hospitals_share: float
    bad_hospital_factor: float
    resend_minutes: Span
    second_claim_days: Span
    near_date_days: Span
    oversize_bytes: int
    oversize_messages: Span
    oversize_from_count: int
    kinds: Mapping[str, Kind]
    drawn: Weighted[str]

    def how(self, kind: str) -> Weighted[str]:
        """Raises KeyError for a kind that comes in one way only."""
        how = self.kinds[kind].how
        if how is None:
            raise KeyError(kind)
        return how


@dataclass(frozen=True, slots=True)
class Names:
    surnames: Weighted[str]
    compound_surnames: Weighted[str]
    compound_share: float
    given_length: Weighted[int]
    characters: Weighted[str]
    rare_characters: tuple[str, ...]
    rare_share: float
    regions: Weighted[str]
    stems: tuple[str, ...]
    forms: Mapping[str, Weighted[str]]  # by legal form
    trades: Mapping[str, tuple[str, ...]]  # by sector
    prefixes: Mapping[str, str]  # USCC department and type, by legal form


@dataclass(frozen=True, slots=True)
class Remarks:
    """Phrases of the free text; slots are filled from the birth."""

    wards: tuple[str, ...]
    opening: tuple[str, ...]
    vaginal: tuple[str, ...]
    caesarean: tuple[str, ...]
    infants: Mapping[int, str]
    course: tuple[str, ...]
    closing: tuple[str, ...]
    counter: tuple[str, ...]
    correction: tuple[str, ...]
    scripts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paying:
    first_county: str
    tight_county: str
    tight_fen_a_submission: int


@dataclass(frozen=True, slots=True)
class Figures:
    counties: Mapping[str, County]
    budget_fen: int
    paying: Paying
    places: Places
    births: Births
    insurance: Insurance
    wages: Wages
    sectors: Mapping[str, Sector]
    insured_employers: int
    hospitals: tuple[Hospital, ...]
    hospitals_outside: tuple[Hospital, ...]
    sending: Sending
    stays: Stays
    other_events: OtherEvents
    afterwards: Afterwards
    dirt: Dirt
    names: Names
    remarks: Remarks
