"""Medical cost of stays: in full, flat, or by the ordinary rules; the spouse's share; family-planning surgery."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from services.claims.model import (
    Category,
    ClaimKind,
    DeliveryMode,
    Determination,
    Event,
    Line,
    LineKind,
    Payee,
    State,
    Stay,
    Surgery,
)
from services.claims.rules import FactMissing, decide
from services.kit.law import Value
from tests.builders import MEDICAL, SX_98, delivery, facts, law_with, miscarriage, stay, surgery

CAESAREAN = DeliveryMode.CAESAREAN
FULL: dict[str, Value | int] = SX_98 | {"medical.delivery.mode": "POLICY_FULL"}
FLAT: dict[str, Value | int] = SX_98 | {
    "medical.delivery.mode": "FLAT",
    "medical.flat.vaginal": 300_000,
    "medical.flat.caesarean": 450_000,
    "medical.flat.extra_infant": 50_000,
    "medical.fp.ABORT": 80_000,
    "medical.fp.INDUCE": 150_000,
}


def decided(
    law: dict[str, Value | int],
    *stays: Stay,
    event: Event | None = None,
    category: Category = Category.EMPLOYEE,
    kind: ClaimKind = ClaimKind.PROVIDER_SETTLEMENT,
) -> Determination:
    return decide(facts(event, benefits=MEDICAL, stays=stays, category=category, kind=kind), law_with(law))


def amounts(found: Determination) -> list[int]:
    return [line.amount_fen for line in found.lines]


# --- in full within policy ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", [Category.EMPLOYEE, Category.FLEXIBLE, Category.UNEMPLOYMENT_BENEFIT])
def test_what_lies_within_policy_is_paid_in_full(category: Category) -> None:
    found = decided(FULL, stay(520_000), category=category)

    assert (found.outcome, found.reasons, found.figures.medical_fen) == (State.APPROVED, (), 520_000)


def test_medical_cost_knows_no_minimum_of_months() -> None:
    found = decide(facts(benefits=MEDICAL, stays=[stay(520_000)], paid_months=None), law_with(FULL))

    assert (found.outcome, found.figures.medical_fen) == (State.APPROVED, 520_000)


@pytest.mark.parametrize(
    ("kind", "payee"),
    [(ClaimKind.PROVIDER_SETTLEMENT, Payee.PROVIDER), (ClaimKind.REIMBURSEMENT, Payee.PERSON)],
)
def test_the_hospital_that_settled_is_paid_or_she_who_paid_first(kind: ClaimKind, payee: Payee) -> None:
    assert [line.payee for line in decided(FULL, stay(), kind=kind).lines] == [payee]


# --- flat -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "rate_fen"),
    [
        (delivery(), 300_000),
        (delivery(mode=CAESAREAN), 450_000),
        (delivery(infants=2), 350_000),
        (delivery(mode=CAESAREAN, infants=3), 550_000),
        (miscarriage(111), 80_000),
        (miscarriage(112), 150_000),
    ],
)
def test_a_hospital_is_paid_the_flat_rate_whatever_it_cost(event: Event, rate_fen: int) -> None:
    for cost_fen in (0, rate_fen - 1, rate_fen, rate_fen + 1):
        assert amounts(decided(FLAT, stay(cost_fen), event=event)) == [rate_fen]


@pytest.mark.parametrize(("cost_fen", "paid_fen"), [(299_999, 299_999), (300_000, 300_000), (300_001, 300_000)])
def test_nobody_is_paid_back_more_than_she_paid(cost_fen: int, paid_fen: int) -> None:
    assert amounts(decided(FLAT, stay(cost_fen), kind=ClaimKind.REIMBURSEMENT)) == [paid_fen]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("first_fen", "second_fen", "paid_fen"), [(100, 500_000, 300_000), (100, 200_000, 200_100)])
def test_what_she_paid_for_the_event_is_taken_together(
    first_fen: int, second_fen: int, paid_fen: int, *, turned: bool
) -> None:
    stays = [stay(first_fen), stay(second_fen)]

    found = decided(FLAT, *(stays[::-1] if turned else stays), kind=ClaimKind.REIMBURSEMENT)

    assert amounts(found) == [paid_fen, 0]


def test_a_lone_stay_that_says_transfer_is_paid_back_like_any_other() -> None:
    assert amounts(decided(FLAT, stay(400_000, transfer_filed=True), kind=ClaimKind.REIMBURSEMENT)) == [300_000]


def test_a_flat_rate_is_paid_once_for_the_event() -> None:
    found = decided(FLAT, stay(400_000), stay(400_000), stay(400_000))

    assert (amounts(found), found.figures.medical_fen, found.outcome) == ([300_000, 0, 0], 300_000, State.APPROVED)


def test_a_flat_rate_nobody_set_waits_and_is_named() -> None:
    found = decided(FLAT | {"medical.flat.vaginal": None}, stay())

    assert (found.outcome, found.reasons) == (State.PENDED, ("PARAMETER_UNSET",))
    assert [step[1]["name"] for step in found.steps() if step[0] == "PARAMETER_UNSET"] == ["medical.flat.vaginal"]


def test_the_rate_of_an_extra_infant_is_asked_for_only_where_there_is_one() -> None:
    law = FLAT | {"medical.flat.extra_infant": None}

    assert decided(law, stay()).outcome is State.APPROVED
    assert decided(law, stay(), event=delivery(infants=2)).reasons == ("PARAMETER_UNSET",)


def test_a_flat_rate_asks_how_she_gave_birth_and_the_full_cost_does_not() -> None:
    with pytest.raises(FactMissing) as raised:
        decided(FLAT, stay(), event=delivery(mode=None))

    assert raised.value.path == "event.delivery_mode"
    assert decided(FULL, stay(), event=delivery(mode=None, birth_order=None)).outcome is State.APPROVED


def test_the_flat_rate_of_a_miscarriage_waits_for_its_gestation() -> None:
    assert decided(FLAT, stay(), event=miscarriage(None)).reasons == ("GESTATION_REQUIRED",)
    assert decided(FULL, stay(), event=miscarriage(None)).outcome is State.APPROVED


@pytest.mark.parametrize(("discharged", "paid_fen"), [(date(2025, 12, 31), 300_000), (date(2026, 1, 1), 500_000)])
def test_the_mode_is_that_of_the_day_of_discharge(discharged: date, paid_fen: int) -> None:
    """As shipped, flat until the end of 2025 and in full from 2026."""
    law = {name: value for name, value in FLAT.items() if name != "medical.delivery.mode"}

    found = decided(law, stay(500_000, discharged=discharged), event=delivery(date(2025, 12, 28)))

    assert found.figures.medical_fen == paid_fen


# --- family-planning surgery ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (Surgery.IUD_INSERTION, "IUD_IN"),
        (Surgery.IUD_REMOVAL, "IUD_OUT"),
        (Surgery.ABORTION, "ABORT"),
        (Surgery.INDUCTION, "INDUCE"),
        (Surgery.LIGATION, "LIGATION"),
        (Surgery.LIGATION_REVERSAL, "LIGATION_REVERSAL"),
        (Surgery.VASECTOMY, "VASECTOMY"),
        (Surgery.VASECTOMY_REVERSAL, "VASECTOMY_REVERSAL"),
        (Surgery.OTHER, "OTHER"),
    ],
)
@pytest.mark.parametrize("category", [Category.EMPLOYEE, Category.RESIDENT])
def test_surgery_has_a_rate_of_its_own_that_must_be_set(category: Category, code: Surgery, name: str) -> None:
    rate = f"medical.fp.{name}"
    unset = decided(FULL | {rate: None}, stay(200_000), event=surgery(code), category=category)
    found = decided(FULL | {rate: 123_400}, stay(200_000), event=surgery(code), category=category)

    assert (unset.outcome, unset.reasons) == (State.PENDED, ("PARAMETER_UNSET",))
    assert [(line.kind, line.amount_fen) for line in found.lines] == [(LineKind.SURGERY, 123_400)]


# --- the unemployed spouse ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost_fen", "share", "paid_fen"),
    [
        (600_000, Decimal("0.5"), 300_000),
        (600_001, Decimal("0.5"), 300_001),
        (600_000, Decimal("0.45"), 270_000),
        (600_000, Decimal(1), 600_000),
        (600_000, Decimal(0), 0),
    ],
)
def test_a_spouse_has_a_share_of_the_policy_range(cost_fen: int, share: Decimal, paid_fen: int) -> None:
    found = decided(FULL | {"medical.spouse.pct": share}, stay(cost_fen), category=Category.SPOUSE_OF_EMPLOYEE)

    assert (found.outcome, found.figures.medical_fen) == (State.APPROVED, paid_fen)


def test_a_benefit_a_spouse_does_not_have_is_no_part_of_the_outcome() -> None:
    given = facts(category=Category.SPOUSE_OF_EMPLOYEE, stays=[stay(600_000)], paid_months=None)

    found = decide(given, law_with(FULL))

    assert (found.outcome, found.reasons, found.figures.allowance_fen) == (State.APPROVED, (), 0)


# --- nobody insured her ---------------------------------------------------------------------------------------------


def test_who_is_not_insured_is_paid_nothing() -> None:
    found = decided(FULL, stay(620_000), category=Category.UNINSURED_EMPLOYEE)

    assert (found.outcome, found.reasons, found.figures.medical_fen) == (State.DENIED, ("NOT_INSURED",), 0)


def test_lines_are_numbered_as_the_stays_were_given() -> None:
    lines: tuple[Line, ...] = decided(FULL, stay(100), stay(200), stay(300)).lines

    assert [(line.number, line.amount_fen) for line in lines] == [(1, 100), (2, 200), (3, 300)]
