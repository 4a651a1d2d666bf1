"""Leave: how many days, who pays them, until when."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.claims.model import Category, DeliveryMode, Event, Father, Figures, State, Surgery
from services.claims.rules import FactMissing, decide
from tests.builders import ALLOWANCE, SX_98, SX_158, delivery, facts, law_with, miscarriage, spans, surgery

PAID = spans("2019-01..2027-12")
CAESAREAN = DeliveryMode.CAESAREAN


def figures(event: Event, law: dict[str, Any] = SX_98) -> Figures:
    return decide(facts(event, paid_months=PAID), law_with(law)).figures


# --- a birth ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "days", "fund_days_98", "fund_days_158"),
    [
        (delivery(), 158, 98, 158),
        (delivery(prepregnancy_check=True), 168, 98, 158),
        (delivery(dystocia=True), 173, 113, 173),
        (delivery(mode=CAESAREAN), 173, 113, 173),
        (delivery(mode=CAESAREAN, dystocia=True), 173, 113, 173),  # once, flag or no flag
        (delivery(infants=2), 173, 113, 173),
        (delivery(infants=3), 188, 128, 188),
        (delivery(mode=CAESAREAN, dystocia=True, infants=2), 188, 128, 188),
        (delivery(birth_order=3), 173, 98, 158),
        (delivery(birth_order=3, prepregnancy_check=True), 183, 98, 158),
        (delivery(birth_order=4, mode=CAESAREAN, infants=2, prepregnancy_check=True), 213, 128, 188),
    ],
)
def test_the_days_of_a_birth_and_those_of_them_the_fund_pays(
    event: Event, days: int, fund_days_98: int, fund_days_158: int
) -> None:
    national, local = figures(event), figures(event, SX_158)

    assert (national.leave_days, national.fund_days) == (days, fund_days_98)
    assert (local.leave_days, local.fund_days) == (days, fund_days_158)


@pytest.mark.parametrize(("order", "days"), [(1, 158), (2, 158), (3, 173), (4, 173)])
def test_the_days_of_a_third_child_follow_the_order_of_this_birth(order: int, days: int) -> None:
    found = decide(facts(delivery(birth_order=order)), law_with(SX_98))

    assert (found.figures.leave_days, found.reasons) == (days, ())


@pytest.mark.parametrize(
    ("order", "infants", "days", "reasons"),
    [
        (1, 2, 173, ()),
        (1, 3, 188, ("THIRD_CHILD_REVIEW",)),
        (2, 2, 173, ("THIRD_CHILD_REVIEW",)),
        (2, 3, 188, ("THIRD_CHILD_REVIEW",)),
        (3, 2, 188, ()),  # the order alone makes it a third child
        (3, 3, 203, ()),
    ],
)
def test_infants_who_bring_the_children_to_three_are_told_and_left_out(
    order: int, infants: int, days: int, reasons: tuple[str, ...]
) -> None:
    found = decide(facts(delivery(birth_order=order, infants=infants)), law_with(SX_98))

    assert (found.outcome, found.reasons, found.figures.leave_days) == (State.APPROVED, reasons, days)


def test_the_review_of_a_third_child_stands_beside_a_refusal_and_changes_nothing() -> None:
    found = decide(facts(delivery(birth_order=1, infants=3), paid_months=()), law_with(SX_98))

    assert (found.outcome, set(found.reasons)) == (State.DENIED, {"CONTRIB_SHORT", "THIRD_CHILD_REVIEW"})


# --- miscarriage and surgery --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gestation", "days"), [(0, 15), (110, 15), (111, 15), (112, 42), (113, 42), (180, 42)])
@pytest.mark.parametrize("surgical", [None, Surgery.ABORTION, Surgery.INDUCTION])
def test_a_miscarriage_has_its_days_by_gestation_spontaneous_or_not(
    gestation: int, days: int, surgical: Surgery | None
) -> None:
    event = surgery(surgical, gestation_days=gestation) if surgical else miscarriage(gestation)

    found = figures(event, SX_158)

    assert (found.leave_days, found.fund_days) == (days, days)  # no local days
    assert found.allowance_fen == {15: 300_000, 42: 840_000}[days]


@pytest.mark.parametrize(
    "event", [miscarriage(None), surgery(Surgery.ABORTION), surgery(Surgery.INDUCTION)], ids=lambda event: event.type
)
def test_without_the_gestation_a_miscarriage_waits(event: Event) -> None:
    found = decide(facts(event), law_with(SX_98))

    assert (found.outcome, found.reasons) == (State.PENDED, ("GESTATION_REQUIRED",))
    assert (found.figures.leave_days, found.figures.leave_end, found.figures.allowance_fen) == (0, None, 0)


@pytest.mark.parametrize(
    ("code", "days", "allowance_fen"),
    [
        (Surgery.IUD_INSERTION, 2, 40_000),
        (Surgery.IUD_REMOVAL, 1, 20_000),
        (Surgery.LIGATION, 21, 420_000),
        (Surgery.VASECTOMY, 7, 140_000),
    ],
)
def test_surgery_has_days_of_its_own(code: Surgery, days: int, allowance_fen: int) -> None:
    law = SX_158 | {f"leave.surgery.{code}_days": days}

    found = figures(surgery(code), law)

    assert (found.leave_days, found.fund_days, found.allowance_fen) == (days, days, allowance_fen)


# --- until when ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "end"),
    [
        (delivery(date(2026, 3, 10)), date(2026, 8, 14)),
        (delivery(date(2024, 2, 28)), date(2024, 8, 3)),
        (delivery(date(2024, 2, 29)), date(2024, 8, 4)),
        (delivery(date(2024, 3, 1)), date(2024, 8, 5)),
        (delivery(date(2023, 9, 25)), date(2024, 2, 29)),  # its last day is the leap day
        (delivery(date(2022, 9, 25)), date(2023, 3, 1)),
        (delivery(date(2025, 12, 31)), date(2026, 6, 6)),
        (delivery(date(2026, 7, 27)), date(2026, 12, 31)),
        (delivery(date(2026, 7, 28)), date(2027, 1, 1)),
        (miscarriage(111, date(2024, 2, 15)), date(2024, 2, 29)),
        (miscarriage(111, date(2023, 2, 15)), date(2023, 3, 1)),
        (miscarriage(112, date(2025, 12, 1)), date(2026, 1, 11)),
        (surgery(Surgery.IUD_INSERTION, date(2025, 12, 31)), date(2026, 1, 1)),
        (surgery(Surgery.IUD_REMOVAL, date(2024, 2, 29)), date(2024, 2, 29)),
    ],
)
def test_leave_begins_on_the_day_of_the_event_and_runs_over_leap_days_and_years(event: Event, end: date) -> None:
    assert figures(event).leave_end == end


@pytest.mark.parametrize(
    ("category", "days"),
    [
        (Category.EMPLOYEE, 158),
        (Category.UNINSURED_EMPLOYEE, 158),
        (Category.FLEXIBLE, 0),
        (Category.UNEMPLOYMENT_BENEFIT, 0),
        (Category.SPOUSE_OF_EMPLOYEE, 0),
        (Category.RESIDENT, 0),
    ],
)
def test_only_who_is_employed_has_leave(category: Category, days: int) -> None:
    found = decide(facts(category=category), law_with(SX_98)).figures

    assert (found.leave_days, found.leave_end is not None) == (days, days > 0)


# --- the father ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("father", "order", "days"),
    [
        (None, 3, 0),
        (Father(leave_requested=False, living_apart=True), 3, 0),
        (Father(leave_requested=True), 2, 15),
        (Father(leave_requested=True), 3, 25),
        (Father(leave_requested=True, living_apart=True), 2, 20),
        (Father(leave_requested=True, living_apart=True), 3, 30),
    ],
)
def test_the_father_has_his_days_where_he_asks(father: Father | None, order: int, days: int) -> None:
    law = law_with(SX_98 | {"leave.father.third_child_extra_days": 10})

    assert decide(facts(delivery(birth_order=order), father=father), law).figures.father_leave_days == days


def test_the_father_has_none_at_a_miscarriage() -> None:
    given = facts(miscarriage(150), father=Father(leave_requested=True))

    assert decide(given, law_with(SX_98)).figures.father_leave_days == 0


def test_more_days_of_the_father_for_a_third_child_are_a_reviewers_question_too() -> None:
    father = Father(leave_requested=True)
    given = facts(delivery(birth_order=1, infants=3), category=Category.RESIDENT, benefits=ALLOWANCE, father=father)

    found = decide(given, law_with(SX_98))

    assert (found.figures.father_leave_days, set(found.reasons)) == (15, {"NOT_ENTITLED", "THIRD_CHILD_REVIEW"})


# --- facts it cannot do without -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (delivery(mode=None), "event.delivery_mode"),
        (delivery(birth_order=None), "event.birth_order"),
        (surgery(None), "event.surgery"),
    ],
)
def test_a_fact_that_leave_needs_is_named_where_it_is_missing(event: Event, path: str) -> None:
    with pytest.raises(FactMissing) as raised:
        decide(facts(event), law_with(SX_98))

    assert raised.value.path == path
