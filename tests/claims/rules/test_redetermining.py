"""What another law makes of a claim: up only where nobody has less of anything."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.claims.model import Determination, Figures, Line, LineKind, Payee, State
from services.claims.model.redetermination import Difference, Finding, Item, Place
from services.claims.rules import LAW, decide
from services.claims.rules.redetermining import FIRST_HASH, chained, difference, digest
from services.kit.law import Law
from tests.builders import ALLOWANCE, facts, law_with, spans

FACTS = facts(benefits=ALLOWANCE)
UNSET = law_with({"allowance.min_continuous_months": None})


def found(before: Law, after: Law) -> Difference:
    return difference(decide(FACTS, before), decide(FACTS, after))


def paying(*lines: tuple[int, Payee | None], outcome: State = State.APPROVED, leave_days: int = 0) -> Determination:
    made = [
        Line(LineKind.STAY, State.APPROVED if payee else State.DENIED, fen, payee, number=number)
        for number, (fen, payee) in enumerate(lines, 1)
    ]
    return Determination(outcome, (), Figures(leave_days), tuple(made))


@pytest.mark.parametrize(("divisor", "finding"), [(29, Finding.UP), (30, Finding.SAME), (31, Finding.DOWN)])
def test_just_more_the_same_and_just_less(divisor: int, finding: Finding) -> None:
    made = found(LAW, law_with({"allowance.divisor": divisor}))

    assert made.finding is finding
    assert made.after_fen - made.before_fen == made.up_fen - made.down_fen
    assert bool(made.lines) is (finding is not Finding.SAME)


def test_an_approval_that_would_be_refused_is_down_and_the_other_way_up() -> None:
    strict = law_with({"allowance.min_continuous_months": 99})

    assert found(LAW, strict).finding is Finding.DOWN
    assert found(strict, LAW).finding is Finding.UP


def test_what_waited_for_the_authority_is_decided_and_what_would_wait_is_down() -> None:
    assert found(UNSET, LAW).finding is Finding.WAITED
    assert found(UNSET, UNSET).finding is Finding.SAME
    assert found(LAW, UNSET).finding is Finding.DOWN


def test_what_waited_and_lacks_months_now_is_asked_for_they_may_yet_be_reported() -> None:
    short = facts(benefits=ALLOWANCE, paid_months=spans("2026-02..2026-03"))

    assert difference(decide(short, UNSET), decide(short, LAW)).finding is Finding.DOWN


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        (paying((100, Payee.PROVIDER)), paying((101, Payee.PROVIDER)), Finding.UP),
        (paying((100, Payee.PROVIDER)), paying((99, Payee.PROVIDER)), Finding.DOWN),
        # More in all, and one of them less: whoever is paid less would have to give it back.
        (
            paying((100, Payee.PROVIDER), (100, Payee.PROVIDER)),
            paying((99, Payee.PROVIDER), (200, Payee.PROVIDER)),
            Finding.DOWN,
        ),
        (paying((100, Payee.EMPLOYER)), paying((100, Payee.PERSON)), Finding.DOWN),
        (paying((100, Payee.EMPLOYER)), paying((200, Payee.PERSON)), Finding.DOWN),
        (paying((100, Payee.PROVIDER)), paying((100, Payee.PROVIDER), (1, Payee.PERSON)), Finding.UP),
        (paying((100, Payee.PROVIDER), (1, Payee.PERSON)), paying((100, Payee.PROVIDER)), Finding.DOWN),
        (paying((1, Payee.PERSON), leave_days=98), paying((1, Payee.PERSON), leave_days=99), Finding.UP),
        (paying((1, Payee.PERSON), leave_days=98), paying((1, Payee.PERSON), leave_days=97), Finding.DOWN),
        (paying((1, Payee.PERSON)), paying((1, Payee.PERSON), outcome=State.PENDED), Finding.DOWN),
        (paying((1, Payee.PERSON)), paying((1, Payee.PERSON), outcome=State.ERROR), Finding.DOWN),
    ],
)
def test_up_is_only_where_nobody_has_less(before: Determination, after: Determination, finding: Finding) -> None:
    assert difference(before, after).finding is finding


@given(some.lists(some.tuples(some.integers(0, 10), some.integers(0, 10)), max_size=4))
def test_money_adds_up_and_up_takes_nothing_from_anybody(pairs: list[tuple[int, int]]) -> None:
    before = paying(*[(old, Payee.PERSON) for old, _ in pairs])
    after = paying(*[(new, Payee.PERSON) for _, new in pairs])

    made = difference(before, after)

    assert made.before_fen + made.up_fen - made.down_fen == made.after_fen
    assert (made.finding is Finding.DOWN) == any(new < old for old, new in pairs)
    assert (made.finding is Finding.SAME) == all(new == old for old, new in pairs)


def test_the_hash_of_a_plan_is_that_of_its_claims_however_it_was_cut_and_tells_any_change() -> None:
    made = found(LAW, law_with({"allowance.divisor": 29}))
    items = [Item(Place(UUID(int=n), UUID(int=n)), 1, "610304", made, b"digest") for n in range(3)]
    changed = [*items[:2], items[2]._replace(difference=made._replace(after_fen=made.after_fen + 1))]

    assert chained(FIRST_HASH, items) == chained(chained(FIRST_HASH, items[:1]), items[1:])
    assert chained(FIRST_HASH, items) != chained(FIRST_HASH, changed)
    assert chained(FIRST_HASH, items) != chained(FIRST_HASH, reversed(items))


def test_another_day_of_decision_alone_is_the_same_result() -> None:
    later = FACTS._replace(decision_date=date(2027, 1, 1))

    assert digest(decide(FACTS, LAW)) == digest(decide(later, LAW))
