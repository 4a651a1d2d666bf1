"""Facts that cannot be. They are told by name and decide nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.claims.model import Facts

# Children as many as intake takes: a slip of the hand beyond would pay years of leave.
_INFANTS_MOST: Final = 8
_BIRTHS_MOST: Final = 20
_GESTATION_MOST_DAYS: Final = 350  # fifty weeks: longer than any pregnancy


def problems(facts: Facts) -> list[str]:
    """The names of the facts that cannot be, as the facts name them."""
    return [name for name, wrong in _checks(facts) if wrong]


def _checks(facts: Facts) -> Iterator[tuple[str, bool]]:
    event, insured = facts.event, facts.insured
    yield "decision_date", facts.decision_date < event.date
    yield "event.infants", not 1 <= event.infants <= _INFANTS_MOST
    yield "event.birth_order", event.birth_order is not None and not 1 <= event.birth_order <= _BIRTHS_MOST
    yield "event.gestation_days", not 0 <= (event.gestation_days or 0) <= _GESTATION_MOST_DAYS
    yield "insured.own_monthly_wage_fen", (insured.own_monthly_wage_fen or 0) < 0
    yield "insured.paid_months", any(last < first for first, last in insured.paid_months or ())
    yield "employer.average_monthly_wage_fen", any(fen < 0 for _, fen in facts.employer_wages)
    yield "employer.average_contribution_base_fen", any(fen < 0 for _, fen in facts.employer_bases)
    if facts.stays or facts.visits or facts.items or facts.prior:
        yield from _costs(facts)
    yield "paid", min(facts.paid) < 0


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
