"""The whole treasury on the real database: orders, budgets, runs, and a bank heard in any order, twice, or not at all.

After every step the ledger sums to nothing, no figure is below nothing, an order has at most one payment that may still
be paid, nothing reached the bank twice, and what is settled is what the bank was heard to have debited less credited.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from deploy.local.stack import Stack
from services.kit.errors import Refused
from services.kit.messages import Reason
from services.treasury.bank import Handover, Outgoing, Received, Standing
from services.treasury.usecases import approving, banking
from tests.kit.live import new_database
from tests.treasury.cashier import SECOND, Cashier, advice, answered, cashier, moved, statement
from tests.treasury.counter import case, order

CASES = 4
TABLES = """transfer, ledger_block, appropriation, order_revision, refusal, account_day, account, budget, payment_order,
    outbox, payment_run, payment, run_exception, bank_file, bank_message, bank_answer, statement_entry, statement_day,
    unmatched, unmatched_step, statement_page, unknown_resolution, run_request, treasury_hold, recovery,
    recovery_offset, recovery_repayment, recovery_event, order_decision, refused_account"""
# What the bank may do with a payment next, and say of it.
NEXT = {
    "NEW": ("ACCEPTED", "REJECTED", "DEBITED"),
    "ACCEPTED": ("DEBITED",),
    "DEBITED": ("RETURNED",),
    "REJECTED": (),
    "RETURNED": (),
}
acts = st.tuples(
    st.integers(0, 99),  # which payment
    st.integers(0, 2),  # what of what it may do
    st.booleans(),  # on an advice, or a statement
    st.sampled_from(["now", "later", "twice"]),
)


class Wire:
    """A bank that gets files, and says what the test makes it say."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def send(self, file: Outgoing) -> Handover:
        content = await asyncio.to_thread(file.path.read_text, "utf-8")
        self.ids += [part.split("<")[0] for part in content.split("<EndToEndId>")[1:]]
        return Handover.UNKNOWN if len(self.ids) % 3 == 0 else Handover.TAKEN

    async def answers(self, since: datetime | None = None) -> AsyncIterator[Received]:
        nothing: tuple[Received, ...] = ()
        for received in nothing:
            yield received

    async def statements(self, since: datetime) -> AsyncIterator[Received]:
        async for received in self.answers(since):
            yield received

    async def status(self, end_to_end_id: str) -> Standing | None:
        return None

    async def done(self, received: Received) -> None:
        """Nothing is kept."""

    async def refused(self, received: Received, reasons: Sequence[Reason]) -> None:
        """Nothing is kept."""


class Whole(RuleBasedStateMachine):
    stack: ClassVar[Stack]
    dsn: ClassVar[str]
    reached: ClassVar[Counter[str]]  # states of payments at the ends

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.open = AsyncExitStack()
        root = Path(self.open.enter_context(tempfile.TemporaryDirectory()))
        self.bank = Wire()
        self.here: Cashier = self.do(self.open.enter_async_context(cashier(self.stack, self.dsn, root, self.bank)))
        self.do(self.empty())
        self.do(self.here.counter.give(1_000))
        self.cases, self.revisions = [case() for _ in range(CASES)], [0] * CASES
        self.stands: dict[str, str] = {}  # at the bank
        self.pending: list[tuple[str, str, str]] = []  # id, what, the message
        self.heard: set[tuple[str, str]] = set()
        for which in range(CASES):
            self.state(which, 100)

    async def empty(self) -> None:
        async with self.here.database.transaction() as tx:
            await tx.execute("SET LOCAL session_replication_role = replica")
            await tx.execute(f"TRUNCATE {TABLES}")

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.reached.update(self.do(self.here.states()))
        self.do(self.open.aclose())
        self.loop.close()

    # --- what comes in ------------------------------------------------------------------------------------------------

    @rule(which=st.integers(0, CASES - 1), owed=st.sampled_from([0, 40, 100, 250]), stale=st.booleans())
    def order(self, which: int, owed: int, stale: bool) -> None:
        self.state(which, owed, is_stale=stale)

    def state(self, which: int, owed: int, *, is_stale: bool = False) -> None:
        self.revisions[which] += not is_stale
        self.do(self.here.counter.take_in(order(self.cases[which], owed, self.revisions[which])))

    @rule(amount=st.sampled_from([-60, 100, 300, 1_000]))
    def money(self, amount: int) -> None:
        with suppress(Refused):
            self.do(self.here.counter.give(amount))
        self.do(self.here.counter.release())

    @rule()
    def accounts(self) -> None:
        """Every payee has another one."""
        self.here.registry.version += 1

    # --- clerks -------------------------------------------------------------------------------------------------------

    @rule(far=st.sampled_from(["plan", "cancel", "approve", "send", "send", "send"]))
    def run(self, far: str) -> None:
        """So far."""
        run = self.do(self.here.plan())
        if far == "cancel":
            self.do(self.cancelled(run.id))
        elif far != "plan" and run.planned_count:
            run = self.do(self.here.approve(run))
            if far == "send":
                self.queue(run)

    @rule(pick=st.integers(0, 9))
    def approve(self, pick: int) -> None:
        run = self.one("SELECT id FROM payment_run WHERE state = 'PLANNED' AND planned_count > 0", pick)
        if run is not None:
            self.do(self.approved(run["id"]))

    async def approved(self, run_id: Any) -> Any:
        return await self.here.approve(await self.here.run(run_id), SECOND)

    @rule(pick=st.integers(0, 9))
    def send(self, pick: int) -> None:
        if (run := self.one("SELECT id FROM payment_run WHERE is_ready AND state = 'APPROVED'", pick)) is not None:
            self.queue(self.do(self.here.run(run["id"])))

    def queue(self, run: Any) -> None:
        with suppress(Refused):  # all of its lines were dropped, or it is queued
            self.do(self.here.queue(run))
        self.do(self.here.round())

    @rule(pick=st.integers(0, 9))
    def cancel(self, pick: int) -> None:
        found = self.one("SELECT id FROM payment_run WHERE state IN ('PLANNED', 'APPROVED') AND sent_by IS NULL", pick)
        if found is not None:
            self.do(self.cancelled(found["id"]))

    async def cancelled(self, run_id: Any) -> None:
        run = await self.here.run(run_id)
        async with self.here.database.transaction() as tx:
            await approving.cancel(tx, run_id, str(run.number))
        await self.here.round()

    @rule()
    def restart(self) -> None:
        """What is sent and not answered is in doubt."""
        self.do(banking.start(self.here.sender))

    # --- the bank -----------------------------------------------------------------------------------------------------

    @rule(moves=st.lists(acts, min_size=1, max_size=8))
    def bank_acts(self, moves: list[Any]) -> None:
        for pick, what, on_advice, heard in moves:
            if not self.bank.ids:
                return
            one = self.bank.ids[pick % len(self.bank.ids)]
            if may := NEXT[self.stands.get(one, "NEW")]:
                self.stands[one] = now = may[what % len(may)]
                self.pending.append((one, now, self.said(one, now, on_advice)))
                if heard != "later":
                    self.hear_one(len(self.pending) - 1, again=heard == "twice")

    def said(self, one: str, now: str, on_advice: bool) -> str:
        payment = self.one(f"SELECT * FROM payment WHERE end_to_end_id = '{one}'", 0)
        assert payment is not None
        booked = advice if on_advice else statement
        match now:
            case "ACCEPTED":
                return answered((payment, "ACSP", ""))
            case "REJECTED":
                return answered((payment, "RJCT", "AC04"))
            case "DEBITED":
                return booked(moved(payment))
            case _:
                return booked(moved(payment, why="AC04"))

    @precondition(lambda self: self.pending)
    @rule(pick=st.integers(0, 99), again=st.booleans())
    def hear(self, pick: int, again: bool) -> None:
        """Whichever; one that is heard again is the same bytes."""
        self.hear_one(pick % len(self.pending), again=again)

    def hear_one(self, number: int, *, again: bool) -> None:
        one, what, message = self.pending[number]
        self.do(self.here.hear(message))
        self.heard.add((one, what))
        if not again:
            del self.pending[number]

    def one(self, sql: str, pick: int) -> asyncpg.Record | None:
        rows = self.do(self.here.database.fetch(f"{sql} ORDER BY id"))
        return rows[pick % len(rows)] if rows else None

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def every_figure_agrees(self) -> None:
        self.do(self.here.holds())

    @invariant()
    def nothing_reached_the_bank_twice(self) -> None:
        assert set(Counter(self.bank.ids).values()) <= {1}

    @invariant()
    def settled_is_what_the_bank_debited_less_credited(self) -> None:
        rows = self.do(
            self.here.database.fetch(
                """SELECT p.end_to_end_id, p.amount_fen, o.id, o.settled_fen FROM payment_order AS o
                   LEFT JOIN payment AS p ON p.order_id = o.id"""
            )
        )
        settled = {row["id"]: row["settled_fen"] for row in rows}
        for row in rows:
            one = row["end_to_end_id"]
            if (one, "DEBITED") in self.heard and (one, "RETURNED") not in self.heard:
                settled[row["id"]] -= row["amount_fen"]
        assert set(settled.values()) <= {0}

    @invariant()
    def an_honest_bank_leaves_no_question(self) -> None:
        assert self.do(self.here.queue_of_unmatched()) == []


def walk_through_every_state() -> None:
    """What a random walk comes to is chance: by this one each end is reached for certain."""
    walk = Whole()
    steps: tuple[Callable[[], object], ...] = (
        lambda: walk.run("send"),
        lambda: walk.bank_acts(
            [(0, 1, False, "now"), (1, 2, False, "now"), (2, 2, False, "now"), (2, 0, False, "now")]
        ),
        walk.restart,
        walk.accounts,
        lambda: walk.run("cancel"),
        lambda: walk.order(1, 250, stale=False),
        lambda: walk.run("send"),
    )
    for step in steps:
        step()
        walk.every_figure_agrees()
        walk.nothing_reached_the_bank_twice()
        walk.settled_is_what_the_bank_debited_less_credited()
        walk.an_honest_bank_leaves_no_question()
    walk.teardown()


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(40, 25, id="short", marks=pytest.mark.integration),
        pytest.param(400, 60, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(3_600)]),
    ],
)
def test_whatever_happens_in_whatever_order_each_order_is_paid_once(stack: Stack, examples: int, steps: int) -> None:
    Whole.stack, Whole.dsn, Whole.reached = stack, new_database(stack, "treasury"), Counter()
    walk_through_every_state()
    assert {"SENT", "UNKNOWN", "RECONCILED", "REJECTED", "RETURNED", "CANCELLED"} <= set(Whole.reached)
    run_state_machine_as_test(
        Whole,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=examples < 100,
            suppress_health_check=list(HealthCheck),
        ),
    )
