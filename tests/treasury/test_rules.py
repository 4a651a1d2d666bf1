"""What is decided about orders and budgets, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.treasury.model import AccountKind, Budget, Order, OrderKey, Payee, Place, Pot, State
from services.treasury.rules import Case, booked, settle, sums

POT = Pot("EMPLOYEE_INSURANCE", "610304", "MATERNITY", 2026)
DAY = date(2026, 11, 1)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACCOUNTS = {str(kind): number for number, kind in enumerate(AccountKind, 1)}


def order(number: int, owed_fen: int, **changed: Any) -> Order:
    made = Order(
        number, OrderKey(UUID(int=number), "ALLOWANCE/1", "", "MATERNITY"), 1, 0, b"", State.RESERVED, (), owed_fen,
        0, 0, 0, POT.fund, POT.county, 1, DAY, Payee("PERSON", "a"), None, None, False, "", NOW,
    )  # fmt: skip
    return made._replace(**changed)


def budget(available_fen: int, **changed: Any) -> Budget:
    return Budget(1, POT, "610300", available_fen, 0, 0, 0, 0, 0, ACCOUNTS)._replace(**changed)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(0, 400), st.randoms(use_true_random=False))
def test_what_is_reserved_is_the_longest_beginning_of_the_queue_that_fits(
    owed: list[int], available: int, random: Any
) -> None:
    orders = [order(number, fen) for number, fen in enumerate(owed, 1)]
    arrived = random.sample(orders, len(orders))

    settlement = settle([Case(None, one) for one in arrived], {1: budget(available)}, {}, None)

    reserved = {one.after.id for one in settlement.orders if one.after.state == State.RESERVED}
    fits = [sum(owed[: count + 1]) <= available for count in range(len(owed))]
    assert reserved == set(range(1, sum(fits) + 1))
    (move,) = settlement.moves
    assert -move.available_fen == move.reserved_fen == sum(owed[: sum(fits)])
    assert (move.waiting_orders, move.waiting_fen) == (len(owed) - sum(fits), sum(owed[sum(fits) :]))
    transfers = booked(settlement.orders, {1: budget(available)}, DAY)
    assert sum(day.debit_fen - day.credit_fen for day in sums(transfers)) == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8), st.integers(0, 60))
def test_restated_orders_take_what_others_give_back_and_never_more(
    restated: list[tuple[int, int]], available: int
) -> None:
    cases = []
    for number, (reserved, owed) in enumerate(restated, 1):
        before = order(number, reserved, reserved_fen=reserved)
        cases.append(Case(before, before._replace(owed_fen=owed, revision=2)))

    settlement = settle(cases, {1: budget(available)}, {}, None)

    left = available - sum(one.taken_fen - one.released_fen for one in settlement.orders)
    assert left >= 0
    held = [one.after.held_fen for one in settlement.orders if one.after.waiting]
    assert not held or held[0] > left
    assert all(one.after.owed_fen == one.after.reserved_fen + one.after.held_fen for one in settlement.orders)
    assert sum(move.available_fen for move in settlement.moves) == left - available


@pytest.mark.parametrize(("first", "state"), [(Place(DAY, 4), "HELD"), (Place(DAY, 6), "RESERVED")])
def test_who_waits_is_not_overtaken_and_overtakes_nobody(first: Place, state: str) -> None:
    settlement = settle([Case(None, order(5, 1))], {1: budget(100)}, {1: first}, None)

    assert settlement.orders[0].after.state == state


@pytest.mark.parametrize(("live", "state"), [(1, "HELD"), (0, "RESERVED")])
def test_a_changed_payee_matters_while_money_is_out_and_no_longer(live: int, state: str) -> None:
    before = order(1, 100, live_fen=live, paid_to="PERSON/b", state="HELD", reasons=("PAYEE_CHANGED",))

    settlement = settle([Case(before, before)], {1: budget(100)}, {}, None)

    assert settlement.orders[0].after.state == state


def test_an_overpaid_order_gives_back_what_is_reserved() -> None:
    before = order(1, 100, live_fen=60, reserved_fen=40)

    settlement = settle([Case(before, before._replace(owed_fen=59, revision=2))], {1: budget(0)}, {}, None)

    (one,) = settlement.orders
    assert (one.after.state, one.after.reserved_fen, one.released_fen) == (State.OVERPAID, 0, 40)
