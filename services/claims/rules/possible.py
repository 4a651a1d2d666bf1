"""Facts that cannot be. They are told by name and decide nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.claims.model import NOTHING_PAID, Facts

# Children as many as intake takes: a slip of the hand beyond would pay years of leave.
_INFANTS_MOST: Final = 8
_BIRTHS_MOST: Final = 20
_GESTATION_MOST_DAYS: Final = 350  # fifty weeks: longer than any pregnancy


def problems(facts: Facts) -> list[str]:
    """The names of the facts that cannot be, as the facts name them."""
    found = _of_the_event(facts) + _of_the_insured(facts)
    if facts.stays or facts.visits or facts.items or facts.prior:
        found += [name for name, wrong in _costs(facts) if wrong]
    if facts.paid is not NOTHING_PAID and min(facts.paid) < 0:
        found.append("paid")
    return found


def _of_the_event(facts: Facts) -> list[str]:
    event, found = facts.event, []
    if facts.decision_date < event.date:
        found.append("decision_date")
    if not 1 <= event.infants <= _INFANTS_MOST:
        found.append("event.infants")
    if event.birth_order is not None and not 1 <= event.birth_order <= _BIRTHS_MOST:
        found.append("event.birth_order")
    if event.gestation_days is not None and not 0 <= event.gestation_days <= _GESTATION_MOST_DAYS:
        found.append("event.gestation_days")
    return found


def _of_the_insured(facts: Facts) -> list[str]:
    insured, found = facts.insured, []
    if insured.own_monthly_wage_fen is not None and insured.own_monthly_wage_fen < 0:
        found.append("insured.own_monthly_wage_fen")
    for first, last in insured.paid_months or ():
        if last < first:
            found.append("insured.paid_months")
            break
    for _, fen in facts.employer_wages:
        if fen < 0:
            found.append("employer.average_monthly_wage_fen")
            break
    for _, fen in facts.employer_bases:
        if fen < 0:
            found.append("employer.average_contribution_base_fen")
            break
    return found


def _costs(facts: Facts) -> Iterator[tuple[str, bool]]:
    for number, stay in enumerate(facts.stays):
        yield f"stays[{number}].discharge_date", stay.discharge < stay.admission
        yield f"stays[{number}].policy_range_fen", stay.policy_range_fen < 0
    for number, visit in enumerate(facts.visits):
        yield f"visits[{number}].policy_range_fen", visit.policy_range_fen < 0
    for number, item in enumerate(facts.items):
        yield f"items[{number}].policy_range_fen", item.policy_range_fen < 0
        yield f"items[{number}].times_before", item.times_before < 0
    for number, prior in enumerate(facts.prior):
        yield f"prior[{number}].paid_fen", prior.paid_fen < 0
