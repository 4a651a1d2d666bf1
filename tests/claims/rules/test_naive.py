"""A second implementation of the allowance, written from the readings alone, agrees on every fact that is drawn."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from services.claims.model import Determination
from services.claims.rules import decide
from tests.builders import law_with
from tests.claims.rules import naive
from tests.claims.rules.drawn import some_facts, some_law

SHIPPED = {f"leave.surgery.{code}_days": days for code, days in naive.SURGERY_LEAVE.items()}


def shown(found: Determination) -> naive.Answer:
    """A determination in the words of the second implementation."""
    figures = found.figures
    return {
        "outcome": found.outcome,
        "reasons": set(found.reasons),
        "leave_days": figures.leave_days,
        "leave_end": figures.leave_end,
        "fund_days": figures.fund_days,
        "allowance_fen": figures.allowance_fen,
        "payee": figures.payee,
        "topup": figures.employer_topup_fen,
        "employer_leave": figures.employer_leave_fen,
        "liability": figures.employer_liability_fen,
        "months": figures.continuous_months,
    }


def compare(seed: int, laws_drawn: int, facts_per_law: int) -> Counter[str]:
    """Decide everything twice. What was met is counted, so that a draw that meets nothing is seen."""
    random, met = Random(seed), Counter[str]()
    for _ in range(laws_drawn):
        overrides: dict[str, Any] = some_law(random)
        law = law_with(overrides | SHIPPED)
        for _ in range(facts_per_law):
            given = some_facts(random)
            found, expected = decide(given, law), naive.allowance(given, overrides)
            assert shown(found) == expected, f"{overrides}\n{given}"
            met.update((found.outcome, given.insured.category, given.event.type, *found.reasons))
    return met


def test_the_second_implementation_agrees_on_100_000_facts() -> None:
    met = compare(seed=20261123, laws_drawn=100, facts_per_law=1_000)

    assert set(met) == {
        *("APPROVED", "DENIED", "PENDED", "DUPLICATE"),
        *("EMPLOYEE", "UNINSURED_EMPLOYEE", "FLEXIBLE", "UNEMPLOYMENT_BENEFIT", "SPOUSE_OF_EMPLOYEE", "RESIDENT"),
        *("DELIVERY", "MISCARRIAGE", "FAMILY_PLANNING_SURGERY"),
        *("NOT_ENTITLED", "NO_EMPLOYER_WAGE_BASE", "NOT_INSURED", "CONTRIB_SHORT", "THIRD_CHILD_REVIEW"),
        *("WAGE_REQUIRED", "GESTATION_REQUIRED", "PARAMETER_UNSET"),
        *("DUPLICATE_DELIVERY", "DUPLICATE_EVENT", "DELIVERY_DATE_REVIEW"),
    }
    assert min(met.values()) > 100


@pytest.mark.soak
def test_the_second_implementation_agrees_on_a_million_more() -> None:
    compare(seed=Random().randrange(2**32), laws_drawn=1_000, facts_per_law=1_000)
