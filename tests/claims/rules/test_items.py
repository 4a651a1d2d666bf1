"""Antenatal visits within their cap; labour analgesia and assisted reproduction by list and count."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from services.claims.model import Category, Determination, Item, Paid, Programme, State, Visit
from services.claims.rules import decide
from services.kit.law import Law, Value
from tests.builders import MEDICAL, SX_98, facts, law_with

DAY = date(2026, 1, 15)
LISTED: dict[str, Value | int] = SX_98 | {
    "medical.antenatal.cap_per_pregnancy": 200_000,
    "medical.spouse.pct": Decimal("0.5"),
    "art.items": ("ART01", "ART02"),
    "art.employee_pct": Decimal("0.7"),
    "art.resident_pct": Decimal("0.6"),
    "art.out_of_city_points": Decimal("0.1"),
    "art.times_per_item": 3,
    "labour_analgesia.item": True,
    "labour_analgesia.items": ("LA01",),
    "labour_analgesia.pct": Decimal("0.8"),
}
LAW = law_with(LISTED)


def lines(found: Determination) -> list[tuple[State, int, tuple[str, ...]]]:
    return [(line.outcome, line.amount_fen, line.reasons) for line in found.lines]


# --- antenatal visits -----------------------------------------------------------------------------------------------


def visited(
    *costs_fen: int, before_fen: int = 0, category: Category = Category.EMPLOYEE, law: Law = LAW
) -> Determination:
    visits = [Visit(DAY, cost) for cost in costs_fen]
    given = facts(benefits=MEDICAL, category=category, visits=visits, paid=Paid(antenatal_fen=before_fen))
    return decide(given, law)


@pytest.mark.parametrize(
    ("before_fen", "expected"),
    [
        (0, (State.APPROVED, 50_000, ())),
        (149_999, (State.APPROVED, 50_000, ())),
        (150_000, (State.APPROVED, 50_000, ())),
        (150_001, (State.APPROVED, 49_999, ())),
        (199_999, (State.APPROVED, 1, ())),
        (200_000, (State.DENIED, 0, ("CAP_REACHED",))),
        (200_001, (State.DENIED, 0, ("CAP_REACHED",))),
    ],
)
def test_visits_are_paid_up_to_the_cap_of_the_pregnancy(
    before_fen: int, expected: tuple[State, int, tuple[str, ...]]
) -> None:
    assert lines(visited(50_000, before_fen=before_fen)) == [expected]


def test_the_cap_runs_from_visit_to_visit() -> None:
    found = visited(120_000, 60_000, 30_000, 10_000)

    assert lines(found) == [
        (State.APPROVED, 120_000, ()),
        (State.APPROVED, 60_000, ()),
        (State.APPROVED, 20_000, ()),
        (State.DENIED, 0, ("CAP_REACHED",)),
    ]
    assert (found.outcome, found.figures.medical_fen) == (State.PARTIALLY_APPROVED, 200_000)


def test_a_visit_that_cost_nothing_meets_no_cap() -> None:
    assert lines(visited(0, before_fen=200_000)) == [(State.APPROVED, 0, ())]


def test_a_spouse_has_her_share_of_a_visit_and_the_cap_is_on_the_share() -> None:
    found = visited(300_000, 101, 200_000, category=Category.SPOUSE_OF_EMPLOYEE)

    assert [line.amount_fen for line in found.lines] == [150_000, 51, 49_949]


def test_without_a_cap_visits_wait_and_who_is_not_insured_does_not() -> None:
    law = law_with(LISTED | {"medical.antenatal.cap_per_pregnancy": None})

    assert lines(visited(50_000, law=law)) == [(State.PENDED, 0, ("PARAMETER_UNSET",))]
    assert lines(visited(50_000, law=law, category=Category.UNINSURED_EMPLOYEE)) == [
        (State.DENIED, 0, ("NOT_INSURED",))
    ]


# --- assisted reproduction ------------------------------------------------------------------------------------------


def art(code: str = "ART01", *, before: int = 0, out_of_city: bool = False, cost_fen: int = 100_000) -> Item:
    return Item(Programme.ART, code, DAY, cost_fen, before, out_of_city)


def used(*items: Item, category: Category = Category.EMPLOYEE, law: Law = LAW) -> Determination:
    return decide(facts(benefits=MEDICAL, category=category, items=items), law)


@pytest.mark.parametrize(
    ("category", "out_of_city", "paid_fen"),
    [
        (Category.EMPLOYEE, False, 70_000),
        (Category.EMPLOYEE, True, 60_000),
        (Category.FLEXIBLE, False, 70_000),
        (Category.UNEMPLOYMENT_BENEFIT, False, 70_000),
        (Category.RESIDENT, False, 60_000),
        (Category.RESIDENT, True, 50_000),
        (Category.SPOUSE_OF_EMPLOYEE, False, 60_000),
    ],
)
def test_an_item_is_paid_by_the_share_of_her_scheme(category: Category, out_of_city: bool, paid_fen: int) -> None:
    assert lines(used(art(out_of_city=out_of_city), category=category)) == [(State.APPROVED, paid_fen, ())]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (2, (State.APPROVED, 70_000, ())),
        (3, (State.DENIED, 0, ("ITEM_COUNT_REACHED",))),
        (4, (State.DENIED, 0, ("ITEM_COUNT_REACHED",))),
    ],
)
def test_an_item_is_paid_three_times_for_a_person(before: int, expected: tuple[State, int, tuple[str, ...]]) -> None:
    assert lines(used(art(before=before))) == [expected]


def test_each_item_is_counted_for_itself_and_those_of_this_claim_count_too() -> None:
    found = used(art(before=2), art("ART02", before=1), art(before=2), art("ART02", before=1), art("ART02", before=1))

    assert [line.outcome for line in found.lines] == [
        State.APPROVED,
        State.APPROVED,
        State.DENIED,
        State.APPROVED,
        State.DENIED,
    ]


def test_an_item_off_the_list_is_not_paid_and_not_counted() -> None:
    assert lines(used(art("ART99"))) == [(State.DENIED, 0, ("ITEM_NOT_LISTED",))]


def test_points_less_never_make_a_share_negative() -> None:
    law = law_with(LISTED | {"art.employee_pct": Decimal("0.05")})

    assert lines(used(art(out_of_city=True), law=law)) == [(State.APPROVED, 0, ())]


@pytest.mark.parametrize("name", ["art.items", "art.times_per_item", "art.employee_pct"])
def test_what_nobody_set_makes_the_item_wait_and_is_named(name: str) -> None:
    found = used(art(), law=law_with(LISTED | {name: None}))

    assert found.reasons == ("PARAMETER_UNSET",)
    assert [step[1]["name"] for step in found.steps() if step[0] == "PARAMETER_UNSET"] == [name]


# --- labour analgesia -----------------------------------------------------------------------------------------------


def analgesia(code: str = "LA01") -> Item:
    return Item(Programme.ANALGESIA, code, DAY, 100_000, times_before=9)


def test_labour_analgesia_is_paid_by_its_share_and_is_not_counted() -> None:
    assert lines(used(analgesia(), analgesia())) == [(State.APPROVED, 80_000, ())] * 2


def test_labour_analgesia_switched_off_or_off_its_list_is_not_paid() -> None:
    off = law_with(LISTED | {"labour_analgesia.item": False})

    assert lines(used(analgesia(), law=off)) == [(State.DENIED, 0, ("ITEM_NOT_LISTED",))]
    assert lines(used(analgesia("LA02"))) == [(State.DENIED, 0, ("ITEM_NOT_LISTED",))]


def test_where_no_list_is_set_every_item_of_labour_analgesia_is_paid() -> None:
    every = law_with(LISTED | {"labour_analgesia.items": None})

    assert lines(used(analgesia("LA02"), law=every)) == [(State.APPROVED, 80_000, ())]


@pytest.mark.parametrize("name", ["labour_analgesia.item", "labour_analgesia.pct"])
def test_labour_analgesia_waits_for_its_switch_and_its_share(name: str) -> None:
    assert used(analgesia(), law=law_with(LISTED | {name: None})).reasons == ("PARAMETER_UNSET",)
