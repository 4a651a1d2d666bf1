"""Whatever happens in whatever order: the figures of orders, budgets and ledger agree after every step."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack, nullcontext, suppress
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from deploy.local.stack import Stack
from services.kit.errors import Refused
from tests.kit.live import new_database
from tests.treasury.counter import MATERNITY, PAYEE, TODAY, Counter, case, counter, order, with_limit

pytestmark = pytest.mark.integration
OTHER = "01930000-0000-7000-8000-000000000002"
LIMIT_FEN = 900
POTS = (MATERNITY, MATERNITY._replace(fiscal_year=2027))
orders_of_few = st.tuples(
    st.integers(0, 5),  # which case
    st.integers(1, 4),  # revision
    st.sampled_from([0, 1, 50, 300, 400, LIMIT_FEN + 1]),
    st.sampled_from([TODAY - timedelta(3), TODAY, TODAY + timedelta(60)]),  # the last is another year
    st.sampled_from([PAYEE, PAYEE, PAYEE, OTHER]),
)


class Office(RuleBasedStateMachine):
    """Orders of six cases, restated, repeated, conflicting; money that comes and goes; payments as they will be."""

    stack: ClassVar[Stack]
    dsn: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.open = AsyncExitStack()
        self.here: Counter = self.do(
            self.open.enter_async_context(counter(self.stack, self.dsn, with_limit(LIMIT_FEN)))
        )
        self.do(self.here.empty())
        self.cases = [case() for _ in range(6)]

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.do(self.open.aclose())
        self.loop.close()

    @rule(batch=st.lists(orders_of_few, min_size=1, max_size=8), garbage=st.booleans())
    def take_in(self, batch: list[Any], garbage: bool) -> None:
        values = [
            order(self.cases[which], owed, revision, payable_on=day, payee=payee)
            for which, revision, owed, day, payee in batch
        ]
        self.do(self.here.take_in(*values, *[b"\xff"] * garbage))

    @rule(amount=st.sampled_from([-500, -1, 1, 100, 350, 1_000]), pot=st.sampled_from(POTS))
    def appropriate(self, amount: int, pot: Any) -> None:
        with suppress(Refused) if amount < 0 else nullcontext():
            self.do(self.here.give(amount, pot))

    @rule()
    def release(self) -> None:
        """Afterwards whoever stands first in a queue does not fit."""
        self.do(self.here.release())
        heads = """SELECT DISTINCT ON (b.id) b.available_fen,
                          o.owed_fen - o.settled_fen - o.live_fen - o.reserved_fen AS held
                   FROM budget AS b JOIN payment_order AS o ON o.budget_id = b.id AND o.waiting
                   ORDER BY b.id, o.payable_on, o.id"""
        assert all(row["held"] > row["available_fen"] for row in self.do(self.here.database.fetch(heads)))

    @rule(which=st.integers(0, 5), part=st.integers(1, 3), live=st.booleans())
    def pay(self, which: int, part: int, live: bool) -> None:
        """Some of what is reserved is paid, as payment runs will."""
        found = self.do(
            self.here.database.fetch(
                "SELECT reserved_fen FROM payment_order WHERE case_id = $1", UUID(self.cases[which])
            )
        )
        if found and (amount := found[0]["reserved_fen"] // part):
            self.do(self.here.pay(self.cases[which], **{"live_fen" if live else "settled_fen": amount}))

    @invariant()
    def what_always_holds(self) -> None:
        self.do(self.here.holds())

    @invariant()
    def what_is_told_rises(self) -> None:
        last: dict[str, int] = {}
        for case_id, _, version, _ in self.do(self.here.told()):
            assert version == last.get(case_id, 0) + 1
            last[case_id] = version

    @invariant()
    def what_waits_for_a_person_has_nothing_reserved(self) -> None:
        rows = self.do(self.here.database.fetch("SELECT reasons, reserved_fen FROM payment_order WHERE state = 'HELD'"))
        assert all(row["reasons"] for row in rows)
        people = {"PAYEE_CHANGED", "BUDGET_CHANGED", "ORDER_ABOVE_LIMIT"}
        assert all(not row["reserved_fen"] for row in rows if people & set(row["reasons"]))


def test_in_any_order_of_events_every_figure_agrees(stack: Stack) -> None:
    Office.stack, Office.dsn = stack, new_database(stack, "treasury")
    run_state_machine_as_test(
        Office,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
