"""What waits: for a registration, or for a parameter that nobody set or that is not yet in force."""

from __future__ import annotations

from datetime import date

import pytest

from services.claims.model import Category, Determination, Facts, Prior, PriorKind, State, Surgery
from services.claims.rules import LAW as SHIPPED
from services.claims.rules import decide
from services.kit.law import Value
from tests.builders import (
    DELIVERED,
    MEDICAL,
    SX_98,
    approved_before,
    delivery,
    facts,
    law_with,
    miscarriage,
    spans,
    stay,
    surgery,
)

RULES: dict[str, Value | int] = SX_98 | {
    "medical.delivery.mode": "POLICY_FULL",
    "medical.spouse.pct": 1,
    "medical.antenatal.cap_per_pregnancy": 10_000,
}
LAW = law_with(RULES)
SETTLED = Prior(PriorKind.DELIVERY_SETTLED, DELIVERED)
SETTLED_AS_RESIDENT = Prior(PriorKind.RESIDENT_SETTLED, DELIVERED)


def unset(found: Determination) -> set[str]:
    """The parameters that the trace says nobody set, or that were not in force."""
    return {step[1]["name"] for step in found.steps() if step[0] in {"PARAMETER_UNSET", "PARAMETER_NOT_IN_FORCE"}}


@pytest.mark.parametrize(
    ("registered", "required", "waits"),
    [(True, True, False), (True, False, False), (False, False, False), (False, True, True)],
)
def test_a_birth_that_was_not_registered_waits_where_registration_is_required(
    *, registered: bool, required: bool, waits: bool
) -> None:
    law = law_with(RULES | {"policy.require_registration": required})

    found = decide(facts(delivery(registered=registered)), law)

    assert (found.reasons == ("REGISTRATION_REQUIRED",)) is waits
    assert found.outcome is (State.PENDED if waits else State.APPROVED)


def test_only_a_birth_is_registered() -> None:
    law = law_with(RULES | {"policy.require_registration": True})

    assert decide(facts(miscarriage(120)._replace(registered=False)), law).outcome is State.APPROVED


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("allowance.min_continuous_months", facts()),
        ("allowance.fund_days.local60", facts()),
        ("allowance.divisor", facts()),
        ("payee.direct_person_from", facts()),
        ("leave.maternity.base_days", facts()),
        ("leave.surgery.9_days", facts(surgery(Surgery.OTHER))),
        ("leave.miscarriage.late_days", facts(miscarriage(112))),
        ("leave.miscarriage.early_days", facts(miscarriage(111))),
        ("allowance.backpay_grace_months", facts(back_paid={"2026-01": date(2026, 2, 5)})),
        ("allowance.flex.base_monthly", facts(category=Category.FLEXIBLE)),
        ("duplicate.window_days", facts(prior=[approved_before(date(2025, 12, 1))])),
        ("leave.own_wage_divisor", facts()),
        ("policy.require_registration", facts(delivery(registered=False))),
        ("medical.delivery.mode", facts(stays=[stay()], benefits=MEDICAL)),
    ],
)
def test_a_parameter_nobody_set_makes_the_claim_wait_and_is_named(name: str, given: Facts) -> None:
    found = decide(given, law_with(RULES | {name: None}))

    assert (found.outcome, found.reasons, unset(found)) == (State.PENDED, ("PARAMETER_UNSET",), {name})
    assert found.figures.allowance_fen == 0


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("allowance.backpay_grace_months", facts()),  # nothing was paid back
        ("allowance.flex.base_monthly", facts()),
        ("allowance.base.cap_monthly", facts()),  # applies only where set
        ("allowance.base.floor_monthly", facts()),
        ("duplicate.window_days", facts()),
        ("leave.miscarriage.late_days", facts(miscarriage(111))),
        ("leave.miscarriage.late_from_gestation_days", facts()),
        ("leave.maternity.third_child_days", facts(delivery(birth_order=2))),
        ("leave.maternity.prepregnancy_check_days", facts()),
        ("leave.maternity.dystocia_days", facts()),
        ("leave.father.days", facts()),
        ("payee.direct_person_from", facts(category=Category.FLEXIBLE)),
        ("policy.require_registration", facts()),
        ("medical.delivery.mode", facts()),
        ("medical.spouse.pct", facts(stays=[stay()])),
    ],
)
def test_a_parameter_is_needed_only_where_it_is_reached(name: str, given: Facts) -> None:
    assert decide(given, law_with(RULES | {name: None})).outcome is State.APPROVED


def test_a_line_that_waits_for_a_parameter_does_not_hide_the_others() -> None:
    found = decide(facts(stays=[stay()]), law_with(RULES | {"allowance.divisor": None}))

    assert [(line.outcome, line.amount_fen) for line in found.lines] == [(State.PENDED, 0), (State.APPROVED, 500_000)]
    assert found.figures.medical_fen == 500_000


def test_before_its_first_day_the_law_is_not_in_force_and_says_which_part() -> None:
    paid = spans("2019-01..2022-06")
    before = decide(facts(delivery(date(2022, 5, 24)), paid_months=paid), SHIPPED)
    first = decide(facts(delivery(date(2022, 5, 25)), paid_months=paid), SHIPPED)

    assert (before.outcome, before.reasons) == (State.PENDED, ("PARAMETER_UNSET",))
    assert unset(before) == {"leave.maternity.local_days"}
    assert first.outcome is State.APPROVED


@pytest.mark.parametrize(
    ("discharged", "outcome"), [(date(2022, 8, 31), State.PENDED), (date(2022, 9, 1), State.APPROVED)]
)
def test_a_stay_before_the_residents_rules_waits(discharged: date, outcome: State) -> None:
    given = facts(
        delivery(date(2022, 8, 28)),
        category=Category.RESIDENT,
        benefits=MEDICAL,
        stays=[stay(500_000, discharged=discharged)],
    )

    found = decide(given, SHIPPED)

    assert found.outcome is outcome
    assert all(name.startswith("medical.ordinary.resident.tertiary.") for name in unset(found))
