"""Facts that cannot be decide nothing, and are told by name; at the edge they still can."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.claims.model import (
    NOTHING_PAID,
    Facts,
    Figures,
    Item,
    Paid,
    Prior,
    PriorKind,
    Programme,
    State,
    Visit,
)
from services.claims.rules import decide
from tests.builders import DELIVERED, SX_98, delivery, facts, law_with, miscarriage, month, stay

LAW = law_with(SX_98)
DAY = timedelta(days=1)
GOOD = facts(
    stays=[stay()],
    visits=[Visit(DELIVERED, 0)],
    items=[Item(Programme.ART, "ART01", DELIVERED, 0)],
    prior=[Prior(PriorKind.DELIVERY_SETTLED, date(2020, 1, 1))],
)
(STAY,), (VISIT,), (ITEM,), (PRIOR,) = GOOD.stays, GOOD.visits, GOOD.items, GOOD.prior


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (facts(decided=DELIVERED - DAY), "decision_date"),
        (facts(delivery(infants=0)), "event.infants"),
        (facts(delivery(birth_order=0)), "event.birth_order"),
        (facts(miscarriage(-1)), "event.gestation_days"),
        (facts(own_wage_fen=-1), "insured.own_monthly_wage_fen"),
        (facts(paid_months=((month("2026-03"), month("2026-02")),)), "insured.paid_months"),
        (facts(wages={2025: 600_000, 2019: -1}), "employer.average_monthly_wage_fen"),
        (facts(bases={2025: -1}), "employer.average_contribution_base_fen"),
        (GOOD._replace(stays=(STAY, STAY._replace(admission=STAY.discharge + DAY))), "stays[1].discharge_date"),
        (GOOD._replace(stays=(STAY._replace(policy_range_fen=-1),)), "stays[0].policy_range_fen"),
        (GOOD._replace(visits=(VISIT._replace(policy_range_fen=-1),)), "visits[0].policy_range_fen"),
        (GOOD._replace(items=(ITEM._replace(policy_range_fen=-1),)), "items[0].policy_range_fen"),
        (GOOD._replace(items=(ITEM._replace(times_before=-1),)), "items[0].times_before"),
        (GOOD._replace(prior=(PRIOR._replace(paid_fen=-1),)), "prior[0].paid_fen"),
        *((GOOD._replace(paid=NOTHING_PAID._replace(**{name: -1})), "paid") for name in Paid._fields),
    ],
)
def test_what_cannot_be_is_an_error_that_names_it(given: Facts, named: str) -> None:
    found = decide(given, LAW)

    assert (found.outcome, found.reasons) == (State.ERROR, ("FACT_OUT_OF_RANGE",))
    assert (found.figures, found.lines) == (Figures(), ())
    assert [step[1]["fields"] for step in found.trace if step[0] == "OUT_OF_RANGE"] == [named]


def test_everything_that_cannot_be_is_named_at_once() -> None:
    given = facts(delivery(infants=0, birth_order=0), own_wage_fen=-1)

    (step,) = decide(given, LAW).trace

    assert step[1]["fields"] == "event.infants, event.birth_order, insured.own_monthly_wage_fen"


@pytest.mark.parametrize(
    "given",
    [
        facts(decided=DELIVERED),
        facts(delivery(infants=1, birth_order=1)),
        facts(miscarriage(0)),
        facts(own_wage_fen=0, wages={2025: 0}),
        facts(paid_months=((month("2026-03"), month("2026-03")),)),
        facts(stays=[stay(0)._replace(admission=STAY.discharge)]),
        GOOD,
    ],
)
def test_at_the_edge_it_still_can_be(given: Facts) -> None:
    assert decide(given, LAW).outcome is not State.ERROR
