"""What is kept of which payment, without a database."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.treasury.model import Payee
from services.treasury.model.recoveries import OFFSET_FROM, Recovery, RecoveryState
from services.treasury.rules.netting import Claimed, Pool, free_fen, netted

TODAY = date(2026, 11, 23)
DUE = TODAY - timedelta(1)
PAYEES = (Payee("PERSON", "a"), Payee("PERSON", "b"))
POOLS = (Pool("EMPLOYEE_INSURANCE", "610300"), Pool("RESIDENT_INSURANCE", "610300"), Pool("EMPLOYEE_INSURANCE", "1"))


def recovery(
    number: int, fen: int, payee: Payee = PAYEES[0], state: RecoveryState = RecoveryState.OFFSETTING
) -> Recovery:
    return Recovery(
        UUID(int=number), number, payee, 1, state, 1, fen, 0, 0, 0, 0, 0, "OWED_LESS", "", DUE, DUE, 0, 0, "610304",
        number,
    )  # fmt: skip


owing = st.lists(st.tuples(st.integers(1, 90), st.sampled_from(PAYEES), st.sampled_from(POOLS)), max_size=6)
paying = st.lists(st.tuples(st.integers(1, 90), st.sampled_from(PAYEES), st.sampled_from(POOLS)), max_size=6)


@given(owing, paying)
def test_no_fen_is_kept_twice_nor_beyond_a_line_nor_from_anybody_else(
    owed: list[tuple[int, Payee, Pool]], lines: list[tuple[int, Payee, Pool]]
) -> None:
    found = [(recovery(number, fen, payee), pool) for number, (fen, payee, pool) in enumerate(owed, 1)]
    claimed = [Claimed(payee, pool, fen, 100 + number) for number, (fen, payee, pool) in enumerate(lines)]

    kept = netted(claimed, found, TODAY)

    by_id = {one.id: (one, pool) for one, pool in found}
    taken = dict.fromkeys(by_id, 0)
    for line, keeps in zip(claimed, kept, strict=True):
        assert 0 <= sum(fen for _, fen in keeps) <= line.amount_fen
        for recovery_id, fen in keeps:
            one, pool = by_id[recovery_id]
            assert (one.payee, pool) == (line.payee, line.pool)
            taken[recovery_id] += fen
    assert all(taken[one.id] <= one.outstanding_fen for one, _ in found)
    for payee in PAYEES:
        for pool in POOLS:
            mine = [one for one, where in found if (one.payee, where) == (payee, pool)]
            due = sum(line.amount_fen for line in claimed if (line.payee, line.pool) == (payee, pool))
            left = min(due, sum(one.outstanding_fen for one in mine))
            for one in mine:  # the oldest is kept for first, and all that can be is kept
                assert taken[one.id] == min(left, one.outstanding_fen)
                left -= taken[one.id]


@pytest.mark.parametrize(("days", "fen"), [(-1, 0), (0, 0), (1, 60)])
def test_nothing_is_free_before_the_days_to_answer_are_past(days: int, fen: int) -> None:
    one = recovery(1, 100)._replace(disputed_fen=30, live_fen=10, due_on=TODAY)

    assert free_fen(one, TODAY + timedelta(days)) == fen


@pytest.mark.parametrize("state", RecoveryState)
def test_it_is_kept_in_some_states_only(state: RecoveryState) -> None:
    assert bool(free_fen(recovery(1, 100, state=state), TODAY)) == (state in OFFSET_FROM)


def test_nothing_is_kept_of_an_order_for_itself() -> None:
    assert netted([Claimed(PAYEES[0], POOLS[0], 50, 1)], [(recovery(1, 100), POOLS[0])], TODAY) == [[]]
