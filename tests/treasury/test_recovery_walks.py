"""Whatever happens in whatever order: what is paid, kept, repaid and given up comes to what is owed, to the fen."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from deploy.local.stack import Stack
from services.treasury.model import RunState
from services.treasury.model.recoveries import Recovery
from services.treasury.store import recoveries
from services.treasury.usecases import approving, asking_back, running
from services.treasury.usecases.asking_back import Asked
from tests.kit.live import new_database
from tests.treasury.cashier import CLERK, SECOND, Cashier, answered, cashier, moved, statement
from tests.treasury.counter import MATERNITY, TODAY, case, order
from tests.treasury.debts import ARTICLE, repayment

pytestmark = pytest.mark.integration
CASES = 4


class Office(RuleBasedStateMachine):
    """Orders of one payee, restated; runs, approved and sent or cancelled; a bank that pays, refuses and returns."""

    stack: ClassVar[Stack]
    kept: ClassVar[int] = 0
    undone: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.open = AsyncExitStack()
        dsn = new_database(self.stack, "treasury")
        root = Path(self.open.enter_context(tempfile.TemporaryDirectory()))  # or its mark would tell of a restore
        self.here: Cashier = self.do(self.open.enter_async_context(cashier(self.stack, dsn, root)))
        self.do(self.here.counter.give(10_000))
        self.do(self.here.counter.give(10_000, MATERNITY._replace(fiscal_year=2027)))
        self.cases = [case() for _ in range(CASES)]
        self.revision = 0

    @initialize()
    def paid_already(self) -> None:
        """All are paid, so that whatever lowers one is asked back."""
        for which in range(CASES):
            self.restate(which, 100 + which)
        self.run("send")
        self.bank("pay")

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        rows = self.do(self.here.database.fetch("SELECT kind FROM transfer WHERE kind IN ('OFFSET', 'UNDO_OFFSET')"))
        Office.kept += sum(row["kind"] == "OFFSET" for row in rows)
        Office.undone += sum(row["kind"] == "UNDO_OFFSET" for row in rows)
        self.do(self.open.aclose())
        self.loop.close()

    @rule(which=st.integers(0, CASES - 1), owed=st.sampled_from([0, 0, 70, 100, 250]))
    def restate(self, which: int, owed: int) -> None:
        self.revision += 1
        day = TODAY if which else TODAY - timedelta(330)  # another year's budget
        self.do(self.here.counter.take_in(order(self.cases[which], owed, self.revision, payable_on=day)))

    @rule(
        lowered=st.integers(0, CASES - 1),
        raised=st.integers(0, CASES - 1),
        owed=st.sampled_from([150, 300, 700]),
        said=st.sampled_from(["pay", "pay", "refuse", "return", ""]),
    )
    def keep(self, lowered: int, raised: int, owed: int, said: str) -> None:
        """Something is asked back, and kept from another payment, of which a bank says whatever it says."""
        self.restate(lowered, 0)
        self.notify()
        self.restate(raised, owed)
        self.run("send")
        if said == "return":
            self.bank("pay")
        self.bank(said)

    @rule(upto=st.sampled_from(["approve", "cancel", "send", "send", "send"]))
    def run(self, upto: str) -> None:
        run = self.do(self.here.plan())
        if not run.planned_count:
            return
        if upto == "cancel":
            self.do(self.cancel(run.id))
            return
        run = self.do(self.here.approve(run))
        if upto == "send" and run.dropped < run.planned_count:
            self.do(self.here.queue(run))
            self.do(self.here.round())

    async def cancel(self, run_id: Any) -> None:
        run = await self.here.run(run_id)
        async with self.here.database.transaction() as tx:
            await approving.cancel(tx, run.id, str(run.number))
        assert (await running.advance(self.here.pay, run.id)).state == RunState.CANCELLED

    @rule(said=st.sampled_from(["pay", "pay", "pay", "refuse", "return"]))
    def bank(self, said: str) -> None:
        """All that is out is paid; one is refused; the last that was paid in part comes back."""
        found = [one for one in self.do(self.here.payments()) if one["amount_fen"] > one["offset_fen"]]
        out = [one for one in found if one["state"] in {"SENT", "UNKNOWN"}]
        in_part = [one for one in found if one["state"] == "RECONCILED" and one["offset_fen"]]
        if said == "refuse" and out:
            self.do(self.here.hear(answered((out[0], "RJCT", "MS03"))))
        elif said == "return" and in_part:
            self.do(self.here.hear(statement(moved(in_part[-1], why="MS03"))))
        elif said == "pay" and out:
            self.do(self.here.hear(statement(*[moved(one) for one in out])))

    @rule(which=st.integers(0, 3), fen=st.sampled_from([1, 50, 70, 100]))
    def repay(self, which: int, fen: int) -> None:
        if found := self.some(which):
            self.revision += 1
            self.do(self.here.hear(statement(repayment(found, fen, number=str(self.revision)))))

    @rule()
    def notify(self) -> None:
        """Whoever is asked was told long ago, and has not answered."""
        rows = self.do(self.here.database.fetch("SELECT id FROM recovery WHERE state = 'DETECTED' ORDER BY id"))
        for row in rows:
            self.do(self.notified(self.do(recoveries.by_id(self.here.database, row["id"]))))

    async def notified(self, found: Recovery) -> None:
        async with self.here.database.transaction() as tx:
            who = Asked(found.id, str(found.number), CLERK)
            await asking_back.notify(self.here.counter.desk, tx, who, ARTICLE, "REDETERMINED")
        await self.here.database.fetch("UPDATE recovery SET due_on = $1 WHERE id = $2", TODAY - timedelta(1), found.id)
        await asking_back.remind(self.here.counter.desk, self.here.database)

    @rule(which=st.integers(0, 3), fen=st.sampled_from([1, 50, 100]))
    def dispute(self, which: int, fen: int) -> None:
        """Of what was told today."""
        found = self.some(which)
        if found is not None and found.state == "DETECTED" and fen <= found.outstanding_fen - found.live_fen:
            self.do(self.disputed(found, fen))

    async def disputed(self, found: Recovery, fen: int) -> None:
        async with self.here.database.transaction() as tx:
            office, who = self.here.counter.desk, Asked(found.id, str(found.number), CLERK)
            told = await asking_back.notify(office, tx, who, ARTICLE, "REDETERMINED")
            who = who._replace(etag=str(told.number))
            await asking_back.dispute(office, tx, who, fen, ground="AMOUNT_DISPUTED", document="No. 7")

    @rule(which=st.integers(0, 3), uphold=st.booleans())
    def resolve(self, which: int, uphold: bool) -> None:
        if (found := self.some(which)) and found.state == "DISPUTED":
            self.do(self.resolved(found, uphold=uphold))

    async def resolved(self, found: Recovery, *, uphold: bool) -> None:
        async with self.here.database.transaction() as tx:
            who = Asked(found.id, str(found.number), SECOND)
            await asking_back.resolve(self.here.counter.desk, tx, who, uphold=uphold)

    @invariant()
    def a_dispute_is_open_where_something_is_disputed(self) -> None:
        rows = self.do(self.here.database.fetch(
            """SELECT (r.state = 'DISPUTED') AS in_dispute, r.disputed_fen,
                      (SELECT count(*) FROM recovery_dispute AS d
                       WHERE d.recovery_id = r.id AND d.outcome IS NULL) AS open
               FROM recovery AS r"""
        ))  # fmt: skip
        for one in rows:
            assert one["in_dispute"] == bool(one["disputed_fen"]) == bool(one["open"])

    @rule(which=st.integers(0, 3), fen=st.sampled_from([1, 50]))
    def give_up(self, which: int, fen: int) -> None:
        found = self.some(which)
        if found is not None and fen <= found.outstanding_fen - found.live_fen:
            self.do(self.given_up(found, fen))

    async def given_up(self, found: Recovery, fen: int) -> None:
        for actor in (CLERK, SECOND):
            async with self.here.database.transaction() as tx:
                who = Asked(found.id, str(found.number), actor)
                await asking_back.write_off(self.here.counter.desk, tx, who, fen, why="HARDSHIP", document="No. 9")

    def some(self, which: int) -> Recovery | None:
        rows = self.do(self.here.database.fetch("SELECT id FROM recovery WHERE outstanding_fen > 0 ORDER BY id"))
        if not rows:
            return None
        found: Recovery = self.do(recoveries.by_id(self.here.database, rows[which % len(rows)]["id"]))
        return found

    @invariant()
    def what_always_holds(self) -> None:
        """Among it: of each recovery what is on its way is what payments on their way keep, and what they kept."""
        self.do(self.here.holds())

    @invariant()
    def paid_less_kept_repaid_and_given_up_is_owed(self) -> None:
        for one in self.do(self.here.database.fetch(
            """SELECT o.owed_fen, o.live_fen, o.reserved_fen, o.state,
                      (SELECT COALESCE(sum(amount_fen), 0) FROM payment AS p
                       WHERE p.order_id = o.id AND p.state IN ('SETTLED', 'RECONCILED')) AS paid,
                      (SELECT COALESCE(sum(outstanding_fen + offset_fen + repaid_fen + written_off_fen), 0)
                       FROM recovery AS r WHERE r.order_id = o.id) AS asked
               FROM payment_order AS o"""
        )):  # fmt: skip
            rest = one["owed_fen"] - (one["paid"] - one["asked"])
            assert rest >= 0
            assert not rest or one["state"] in {"RESERVED", "HELD", "OVERPAID"}
            if one["state"] == "RESERVED":
                assert rest == one["live_fen"] + one["reserved_fen"]

    @invariant()
    def cash_is_what_the_ledger_says(self) -> None:
        """What banks paid less what came back is what is spent, owed back and recovered, less what was only kept."""
        (one,) = self.do(self.here.database.fetch(
            """SELECT (SELECT COALESCE(sum(spent_fen + receivable_fen), 0) FROM budget) AS held,
                      (SELECT COALESCE(sum(amount_fen - offset_fen), 0) FROM payment
                       WHERE state IN ('SETTLED', 'RECONCILED')) AS out,
                      (SELECT COALESCE(sum(amount_fen), 0) FROM recovery_repayment) AS back"""
        ))  # fmt: skip
        assert one["held"] == one["out"] - one["back"]

    @invariant()
    def versions_rise_by_one(self) -> None:
        last: dict[str, int] = {}
        for case_id, _, version, _ in self.do(self.here.counter.told()):
            assert version == last.get(case_id, 0) + 1
            last[case_id] = version


def walk_with_an_offset_that_comes_back() -> None:
    """What a random walk comes to is chance: by this one something is kept, and undone, for certain."""
    walk = Office()
    walk.paid_already()
    for lowered, raised, said in ((0, 1, "pay"), (2, 3, "return")):
        walk.keep(lowered, raised, 300, said)
        walk.what_always_holds()
        walk.paid_less_kept_repaid_and_given_up_is_owed()
        walk.cash_is_what_the_ledger_says()
        walk.versions_rise_by_one()
    walk.teardown()


def test_in_any_order_every_fen_is_accounted_for(stack: Stack) -> None:
    Office.stack = stack
    walk_with_an_offset_that_comes_back()
    assert min(Office.kept, Office.undone) > 0
    run_state_machine_as_test(
        Office,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
