"""Nobody is paid twice for one event."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.claims.model import Category, Determination, Event, EventType, Facts, Level, Prior, PriorKind, State, Stay
from services.claims.rules import decide
from services.kit.law import Value
from tests.builders import (
    ALLOWANCE,
    HOSPITAL,
    MEDICAL,
    OTHER_HOSPITAL,
    SX_98,
    approved_before,
    delivery,
    facts,
    law_with,
    miscarriage,
    stay,
)

RULES: dict[str, Value | int] = SX_98 | {"duplicate.window_days": 150, "medical.delivery.mode": "POLICY_FULL"}
LAW = law_with(RULES)
BORN = delivery().date
MAY_3 = date(2026, 5, 3)
OWN, RESIDENTS = PriorKind.DELIVERY_SETTLED, PriorKind.RESIDENT_SETTLED


def verdict(found: Determination) -> tuple[State, tuple[str, ...], int]:
    return found.outcome, found.reasons, found.figures.allowance_fen + found.figures.medical_fen


# --- an allowance ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [-1, 1], ids=["before", "after"])
@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, (State.DUPLICATE, ("DUPLICATE_DELIVERY",), 0)),
        (1, (State.PENDED, ("DELIVERY_DATE_REVIEW",), 0)),
        (149, (State.PENDED, ("DELIVERY_DATE_REVIEW",), 0)),
        (150, (State.PENDED, ("DELIVERY_DATE_REVIEW",), 0)),
        (151, (State.APPROVED, (), 1_960_000)),
    ],
)
def test_another_approved_delivery_is_told_by_how_far_it_lies(
    days: int, sign: int, expected: tuple[State, tuple[str, ...], int]
) -> None:
    given = facts(benefits=ALLOWANCE, prior=[approved_before(BORN + timedelta(days=sign * days))])

    assert verdict(decide(given, LAW)) == expected


def test_the_window_is_the_citys_to_say() -> None:
    given = facts(benefits=ALLOWANCE, prior=[approved_before(BORN - timedelta(days=1))])

    assert decide(given, law_with(RULES | {"duplicate.window_days": 0})).outcome is State.APPROVED
    assert decide(given, law_with(RULES | {"duplicate.window_days": 1})).outcome is State.PENDED


@pytest.mark.parametrize("turned", [False, True])
def test_the_same_day_is_a_duplicate_even_beside_a_near_one(*, turned: bool) -> None:
    prior = [approved_before(BORN - timedelta(days=3)), approved_before(BORN)]

    found = decide(facts(benefits=ALLOWANCE, prior=prior[::-1] if turned else prior), LAW)

    assert verdict(found) == (State.DUPLICATE, ("DUPLICATE_DELIVERY",), 0)


@pytest.mark.parametrize(
    ("days", "kind", "expected"),
    [
        (0, EventType.MISCARRIAGE, (State.DUPLICATE, ("DUPLICATE_EVENT",), 0)),
        (1, EventType.MISCARRIAGE, (State.APPROVED, (), 300_000)),  # a window is about deliveries only
        (0, EventType.DELIVERY, (State.APPROVED, (), 300_000)),  # another kind of event
        (3, EventType.DELIVERY, (State.APPROVED, (), 300_000)),
    ],
)
def test_only_the_same_kind_of_event_is_the_same(
    days: int, kind: EventType, expected: tuple[State, tuple[str, ...], int]
) -> None:
    given = facts(miscarriage(111), benefits=ALLOWANCE, prior=[approved_before(BORN - timedelta(days=days), kind)])

    assert verdict(decide(given, LAW)) == expected


@pytest.mark.parametrize("kind", [OWN, RESIDENTS])
def test_medical_cost_settled_before_takes_no_allowance_away(kind: PriorKind) -> None:
    assert decide(facts(benefits=ALLOWANCE, prior=[Prior(kind, BORN)]), LAW).outcome is State.APPROVED


def test_an_allowance_approved_before_takes_no_medical_cost_away() -> None:
    given = facts(benefits=MEDICAL, stays=[stay(480_000)], prior=[approved_before(BORN)])

    assert verdict(decide(given, LAW)) == (State.APPROVED, (), 480_000)


# --- medical cost ---------------------------------------------------------------------------------------------------


def second_stay(
    prior: PriorKind,
    *,
    days: int = 0,
    transfer_filed: bool = False,
    category: Category = Category.EMPLOYEE,
    event: Event | None = None,
) -> Facts:
    """A hospital asks for 4,800 yuan; another settled a delivery before, so many days away."""
    event = event or delivery(MAY_3)
    settled = Prior(prior, event.date - timedelta(days=days), event.type, HOSPITAL, 450_000)
    asked = stay(480_000, hospital=OTHER_HOSPITAL, discharged=date(2026, 5, 7), transfer_filed=transfer_filed)
    return facts(event, benefits=MEDICAL, category=category, stays=[asked], prior=[settled])


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, (State.DUPLICATE, ("DUPLICATE_DELIVERY",), 0)),
        (149, (State.PENDED, ("DELIVERY_DATE_REVIEW",), 0)),
        (150, (State.PENDED, ("DELIVERY_DATE_REVIEW",), 0)),
        (151, (State.APPROVED, (), 480_000)),
    ],
)
def test_a_delivery_settled_before_is_told_by_how_far_it_lies(
    days: int, expected: tuple[State, tuple[str, ...], int]
) -> None:
    assert verdict(decide(second_stay(OWN, days=days), LAW)) == expected


@pytest.mark.parametrize(
    ("category", "transfer_filed"),
    [
        (Category.EMPLOYEE, False),
        (Category.EMPLOYEE, True),  # no transfer leads from one scheme to the other
        (Category.SPOUSE_OF_EMPLOYEE, False),
        (Category.SPOUSE_OF_EMPLOYEE, True),
        (Category.RESIDENT, False),
    ],
)
def test_what_was_settled_as_a_resident_is_a_double_benefit(category: Category, *, transfer_filed: bool) -> None:
    given = second_stay(RESIDENTS, category=category, transfer_filed=transfer_filed)

    assert verdict(decide(given, LAW)) == (State.DENIED, ("DOUBLE_BENEFIT",), 0)


def test_a_stay_after_a_filed_transfer_is_an_ordinary_one_of_its_level() -> None:
    assert verdict(decide(second_stay(OWN, transfer_filed=True), LAW)) == (State.APPROVED, (), 280_500)


def test_a_residents_stay_after_a_filed_transfer_is_ordinary_by_her_scheme() -> None:
    given = second_stay(RESIDENTS, transfer_filed=True, category=Category.RESIDENT)

    assert verdict(decide(given, LAW)) == (State.APPROVED, (), 214_500)


@pytest.mark.parametrize("days", [151, 2_000])
def test_a_transfer_from_another_delivery_is_none(days: int) -> None:
    given = second_stay(OWN, days=days, transfer_filed=True)

    assert verdict(decide(given, LAW)) == (State.APPROVED, (), 480_000)


def test_of_two_stays_in_one_claim_the_transferred_one_is_ordinary() -> None:
    first, second = stay(450_000), stay(480_000, hospital=OTHER_HOSPITAL, transfer_filed=True)

    found = decide(facts(benefits=MEDICAL, stays=[first, second]), LAW)

    assert [line.amount_fen for line in found.lines] == [450_000, 280_500]


def test_a_spouse_settled_as_a_resident_is_refused_with_her_share() -> None:
    given = second_stay(RESIDENTS, category=Category.SPOUSE_OF_EMPLOYEE)._replace(
        benefits=(*MEDICAL, *ALLOWANCE), event=delivery(MAY_3)
    )

    assert verdict(decide(given, LAW)) == (State.DENIED, ("DOUBLE_BENEFIT",), 0)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, (State.DUPLICATE, ("DUPLICATE_EVENT",), 0)), (1, (State.APPROVED, (), 480_000))],
)
def test_a_miscarriage_settled_before_is_the_same_on_the_same_day_only(
    days: int, expected: tuple[State, tuple[str, ...], int]
) -> None:
    given = second_stay(OWN, days=days, event=miscarriage(150, MAY_3))

    assert verdict(decide(given, LAW)) == expected


def test_every_stay_of_a_delivery_settled_before_is_refused() -> None:
    given = second_stay(OWN)
    two: tuple[Stay, ...] = (*given.stays, stay(1_000, Level.PRIMARY))

    found = decide(given._replace(stays=two), LAW)

    assert [line.outcome for line in found.lines] == [State.DUPLICATE, State.DUPLICATE]
    assert verdict(found) == (State.DUPLICATE, ("DUPLICATE_DELIVERY",), 0)
