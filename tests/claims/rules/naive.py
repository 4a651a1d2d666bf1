"""The allowance once more, in the plainest way: written from the readings of the cases, before the rules were read.

It shares the facts with the rules and nothing else: one month after the other, whole fractions, literal days. `Law`
holds what a city sets; a value that is None is not set. Where no reading decides, it was brought to what the rules say:
an approved allowance is a duplicate for a woman who is not insured too; who is not insured is told the days the fund
would have paid; while a wage is missing the other leave days are owed; no months are told where no leave can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

from services.claims.model import Facts, Prior

Law = Mapping[str, Any]
Answer = dict[str, Any]

NOTHING: Final[Answer] = {
    "outcome": "",
    "reasons": set(),
    "leave_days": 0,
    "leave_end": None,
    "fund_days": 0,
    "allowance_fen": 0,
    "payee": None,
    "topup": 0,
    "employer_leave": 0,
    "liability": 0,
    "months": 0,
}
SURGERY_LEAVE: Final = {"1": 2, "2": 1, "5": 21, "7": 7}  # the others are not set as shipped


def allowance(given: Facts, law: Law) -> Answer:
    """Who asks, for what, and what she is told."""
    match given.insured.category.value:
        case "SPOUSE_OF_EMPLOYEE" | "RESIDENT":
            return NOTHING | {"outcome": "DENIED", "reasons": {"NOT_ENTITLED"}}
        case "UNEMPLOYMENT_BENEFIT":
            return NOTHING | {"outcome": "DENIED", "reasons": {"NO_EMPLOYER_WAGE_BASE"}}
        case category:
            return of_event_before(given, law) or BY_CATEGORY[category](given, law)


def of_event_before(given: Facts, law: Law) -> Answer | None:
    """What she is told where an allowance was approved before: for this event, or for a delivery near it."""
    for prior in given.prior:
        if same_event(given, prior):
            code = "DUPLICATE_DELIVERY" if given.event.type == "DELIVERY" else "DUPLICATE_EVENT"
            return NOTHING | {"outcome": "DUPLICATE", "reasons": {code}}
    for prior in given.prior:
        if near_delivery(given, prior, law["duplicate.window_days"]):
            return NOTHING | {"outcome": "PENDED", "reasons": {"DELIVERY_DATE_REVIEW"}}
    return None


def employee(given: Facts, law: Law) -> Answer:
    """On the average wage of her employer, paid by the fund; what lies above and beyond is the employer's."""
    days, fund, why = leave(given, law)
    if why:
        return NOTHING | {"outcome": "PENDED", "reasons": {why}}
    answer = NOTHING | {
        "leave_days": days,
        "leave_end": given.event.date + timedelta(days=days - 1),
        "fund_days": fund,
        "months": months(given, law),
    }
    notes = third_child_note(given)
    own = given.insured.own_monthly_wage_fen
    beyond = None if own is None else half_up(Fraction(own, 30) * (days - fund))
    for_fund_days = None if own is None else half_up(Fraction(own, 30) * fund)
    if answer["months"] < law["allowance.min_continuous_months"]:
        owed = {"employer_leave": beyond, "liability": for_fund_days}
        return answer | {"outcome": "DENIED", "reasons": {"CONTRIB_SHORT"} | notes} | owed
    of_years = given.employer_wages if law["allowance.base_source"] == "UNIT_AVG_WAGE" else given.employer_bases
    base = None
    for year, fen in of_years:
        if year == given.event.date.year - 1:
            base = fen
    if base is None:
        return answer | {"outcome": "PENDED", "reasons": {"WAGE_REQUIRED"} | notes, "employer_leave": beyond}
    paid = half_up(daily(within(base, law), law) * fund)
    on_or_after = given.decision_date >= law["payee.direct_person_from"]
    return answer | {
        "outcome": "APPROVED",
        "reasons": notes,
        "allowance_fen": paid,
        "payee": "PERSON" if on_or_after else "EMPLOYER",
        "topup": None if for_fund_days is None else max(for_fund_days - paid, 0),
        "employer_leave": beyond,
    }


def flexible(given: Facts, law: Law) -> Answer:
    """On a base the city sets, for the days the fund pays; no employer, so no leave and nobody else who owes."""
    _, fund, why = leave(given, law)
    if why:
        return NOTHING | {"outcome": "PENDED", "reasons": {why}}
    counted = months(given, law)
    answer = NOTHING | {"fund_days": fund, "months": counted}
    if counted < law["allowance.min_continuous_months"]:
        return answer | {"outcome": "DENIED", "reasons": {"CONTRIB_SHORT"}}
    paid = half_up(daily(law["allowance.flex.base_monthly"], law) * fund)
    return answer | {"outcome": "APPROVED", "allowance_fen": paid, "payee": "PERSON"}


def uninsured(given: Facts, law: Law) -> Answer:
    """Everything is the employer's: her own wage for the days the fund would have paid, and for the others."""
    days, fund, why = leave(given, law)
    if why:
        return NOTHING | {"outcome": "PENDED", "reasons": {why}}
    own = given.insured.own_monthly_wage_fen
    return NOTHING | {
        "outcome": "DENIED",
        "reasons": {"NOT_INSURED"} | third_child_note(given),
        "leave_days": days,
        "leave_end": given.event.date + timedelta(days=days - 1),
        "fund_days": fund,
        "liability": None if own is None else half_up(Fraction(own, 30) * fund),
        "employer_leave": None if own is None else half_up(Fraction(own, 30) * (days - fund)),
    }


def leave(given: Facts, law: Law) -> tuple[int, int, str]:
    """Days of leave, those of them the fund pays, or why neither can be told yet."""
    event = given.event
    surgery = event.surgery.value if event.surgery else ""
    if event.type == "MISCARRIAGE" or surgery in {"3", "4"}:
        if event.gestation_days is None:
            return 0, 0, "GESTATION_REQUIRED"
        days = 42 if event.gestation_days >= 112 else 15
        return days, days, ""
    if event.type == "FAMILY_PLANNING_SURGERY":
        if surgery not in SURGERY_LEAVE:
            return 0, 0, "PARAMETER_UNSET"
        return SURGERY_LEAVE[surgery], SURGERY_LEAVE[surgery], ""
    national = 98
    if event.dystocia or event.mode == "CAESAREAN":
        national += 15
    for _ in range(event.infants - 1):
        national += 15
    days = national + 60
    if event.prepregnancy_check:
        days += 10
    if event.birth_order is not None and event.birth_order >= 3:
        days += 15
    return days, national + 60 if law["allowance.fund_days.local60"] else national, ""


def third_child_note(given: Facts) -> set[str]:
    """Only the infants, not the order of this birth, bring the children to three."""
    event = given.event
    if event.type != "DELIVERY" or event.birth_order is None or event.birth_order >= 3:
        return set()
    return {"THIRD_CHILD_REVIEW"} if event.birth_order + event.infants - 1 >= 3 else set()


def months(given: Facts, law: Law) -> int:
    """Counted back one by one from the month of the event, or from the one before where that is not yet paid."""
    event_month = given.event.date.year * 12 + given.event.date.month - 1
    current = event_month
    if not counts(given, current, law):
        current -= 1
    found = 0
    while counts(given, current, law):
        found += 1
        current -= 1
    return found


def counts(given: Facts, month: int, law: Law) -> bool:
    """A month counts as it was paid; one paid back by its day, neither after the grace nor after the event."""
    paid_back = False
    for missed, paid_on in given.insured.back_paid:
        if missed == month:
            paid_back = True
            after_grace = month + law["allowance.backpay_grace_months"] + 1
            too_late = paid_on >= date(after_grace // 12, after_grace % 12 + 1, 1)
            if not too_late and paid_on <= given.event.date and paid_on <= given.decision_date:
                return True
    if paid_back:
        return False
    return any(first <= month <= last for first, last in given.insured.paid_months or ())


def same_event(given: Facts, prior: Prior) -> bool:
    return (
        prior.kind == "ALLOWANCE_APPROVED"
        and prior.event_type == given.event.type
        and prior.event_date == given.event.date
    )


def near_delivery(given: Facts, prior: Prior, window: int) -> bool:
    both = prior.event_type == "DELIVERY" and given.event.type == "DELIVERY"
    apart = abs((prior.event_date - given.event.date).days)
    return prior.kind == "ALLOWANCE_APPROVED" and both and apart <= window


def within(base: int, law: Law) -> int:
    cap, floor = law["allowance.base.cap_monthly"], law["allowance.base.floor_monthly"]
    if cap is not None and base > cap:
        base = cap
    if floor is not None and base < floor:
        base = floor
    return base


def daily(base: int, law: Law) -> Fraction:
    return Fraction(base) * Fraction(str(law["allowance.divisor_months"])) / Fraction(str(law["allowance.divisor"]))


def half_up(amount: Fraction) -> int:
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


BY_CATEGORY: Final = {"EMPLOYEE": employee, "FLEXIBLE": flexible, "UNINSURED_EMPLOYEE": uninsured}
