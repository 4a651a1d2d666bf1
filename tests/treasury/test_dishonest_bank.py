"""A bank that errs in every way there is, and persons who try whatever they may, on the real database.

After every step what is settled is what statements have, with breaks that are explained or open; the ledger comes out;
and once no break names an order, what is out of it for good and what may still be paid are not more than is owed.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from deploy.local.stack import Stack
from services.kit.errors import Refused
from services.treasury.model.breaks import Break, BreakKind, Way
from services.treasury.store import days
from services.treasury.usecases import banking
from tests.kit.live import new_database
from tests.treasury.cashier import Cashier, advice, answered, cashier, moved, reference_of
from tests.treasury.reconciler import (
    FIRST,
    LAST,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Reconciler,
    charge,
    credit,
    debit,
    ids,
    on,
)
from tests.treasury.test_whole import TABLES

CASES, OWED = 3, 100
STRANGE = "61050162010800000999"
LATER = ("2026-11-26", "2026-11-27")
# What it says outside of statements, and what it books.
SAID: dict[str, Callable[[asyncpg.Record, str], str]] = {
    "accepts": lambda one, _: answered((one, "ACSP", ""), at="2026-11-23T19:00:00+08:00"),
    "rejects": lambda one, _: answered((one, "RJCT", "AC01")),
    "knows another name": lambda one, _: answered((one, "RJCT", "BE01")),
    "advises": lambda one, mark: advice(on(debit(one, mark), MONDAY)),
    "advises a return": lambda one, mark: advice(on(moved(one, number=mark, why="AC04"), MONDAY)),
    "pays from another account": lambda one, mark: advice(on(debit(one, mark), MONDAY), account=STRANGE),
}
BOOKED: dict[str, tuple[str, Callable[[asyncpg.Record, str], list[str]]]] = {
    "pays": (MONDAY, lambda one, mark: [debit(one, mark)]),
    "pays late": (TUESDAY, lambda one, mark: [debit(one, mark)]),
    "pays twice": (MONDAY, lambda one, mark: [debit(one, mark), debit(one, f"{mark}b")]),
    "pays another amount": (MONDAY, lambda one, mark: [debit(one, mark, amount_fen=60)]),
    "pays nobody": (MONDAY, lambda one, mark: [debit(one, mark, end_to_end_id=reference_of(int(mark)))]),
    "pays what nobody ordered": (MONDAY, lambda _, mark: [charge(OWED, f"N-{mark}")]),
    "returns": (TUESDAY, lambda one, mark: [moved(one, number=mark, why="AC04")]),
    "corrects": (TUESDAY, lambda _, mark: [credit(OWED, f"C-{mark}")]),
    "corrects in part": (TUESDAY, lambda _, mark: [credit(60, f"C-{mark}")]),
    "gives": (TUESDAY, lambda _, mark: [credit(7, f"G-{mark}")]),
    "charges": (MONDAY, lambda _, mark: [charge(3, f"F-{mark}")]),
}
ACTS = (*SAID, *BOOKED, "pays", "corrects", "says nothing")
WAYS = (Way.MATCHED, Way.CANCELLED_OUT, Way.EXPLAINED, Way.NOT_PAID)


class Dishonest(RuleBasedStateMachine):
    stack: ClassVar[Stack]
    dsn: ClassVar[str]
    reached: ClassVar[Counter[str]]  # kinds of breaks, ways in which they ended

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.open = AsyncExitStack()
        root = Path(self.open.enter_context(tempfile.TemporaryDirectory()))
        self.here: Cashier = self.do(self.open.enter_async_context(cashier(self.stack, self.dsn, root)))
        self.desk = Reconciler(self.here)
        self.marks = 0
        self.do(self.empty())
        self.do(self.here.counter.give(1_000))
        self.cases = self.do(self.here.owe(*[OWED] * CASES))
        self.pay(move=False)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def empty(self) -> None:
        async with self.here.database.transaction() as tx:
            await tx.execute("SET LOCAL session_replication_role = replica")
            await tx.execute(f"TRUNCATE {TABLES}")

    def teardown(self) -> None:
        try:
            self.at_last()
        finally:
            self.do(self.open.aclose())
            self.loop.close()

    def at_last(self) -> None:
        """Once the statements of all days are here nothing is still to come: every day comes out."""
        for day in (MONDAY, TUESDAY, WEDNESDAY, *LATER):
            self.do(self.desk.says(day))
        self.do(self.follow())
        self.do(self.desk.holds())
        rows = self.do(self.here.database.fetch("SELECT kind, way FROM unmatched"))
        self.reached.update(row["kind"] for row in rows)
        self.reached.update(row["way"] for row in rows if row["way"])

    # --- clerks -------------------------------------------------------------------------------------------------------

    @rule(move=st.booleans())
    def pay(self, move: bool) -> None:
        """Whatever may be paid; some have told other accounts before."""
        self.here.registry.version += move
        run = self.do(self.here.plan())
        if run.planned_count:
            with suppress(Refused):  # a line was dropped, and nothing is left
                self.do(self.here.queue(self.do(self.here.approve(run))))
            self.do(self.here.round())
            self.do(self.here.database.fetch("UPDATE bank_file SET intent_at = '2026-11-23T02:00:00Z'"))

    @rule()
    def restart(self) -> None:
        """What is sent and not answered is in doubt."""
        self.do(banking.start(self.here.sender))
        self.do(self.here.round())

    # --- the bank -----------------------------------------------------------------------------------------------------

    @rule(acts=st.lists(st.tuples(st.integers(0, 99), st.sampled_from(ACTS)), min_size=1, max_size=4))
    def bank(self, acts: list[tuple[int, str]]) -> None:
        for pick, act in acts:
            sent = [one for one in self.do(self.here.payments()) if one["file_id"]]
            if sent:
                self.marks += 1
                self.do(self.errs(sent[pick % len(sent)], act, f"{self.marks}"))

    async def errs(self, one: asyncpg.Record, act: str, mark: str) -> None:
        if act in SAID:
            await self.here.hear(SAID[act](one, mark).replace("BANK-1", f"X-{mark}"))
        elif act in BOOKED:
            day, entries = BOOKED[act]
            await self.desk.says(day, *entries(one, mark))
        else:
            for day in (MONDAY, TUESDAY, WEDNESDAY):
                await self.desk.says(day)
        await self.follow()

    async def follow(self) -> None:
        """Its statements add up, and do not follow one another: two persons know why."""
        for one in await self.desk.open():
            if one.kind == "BALANCE":
                await self.desk.ends(one, Way.EXPLAINED, why="BANK_CONFIRMED")
        await self.desk.reconcile()

    # --- two persons --------------------------------------------------------------------------------------------------

    @rule(
        tries=st.lists(
            st.tuples(st.integers(0, 99), st.sampled_from(WAYS), st.integers(0, 99), st.booleans()),
            min_size=1,
            max_size=3,
        )
    )
    def persons(self, tries: list[tuple[int, Way, int, bool]]) -> None:
        for pick, way, other, both in tries:
            if found := [one for one in self.do(self.desk.open()) if one.kind != "BALANCE"]:
                one = found.pop(pick % len(found))
                others = [found[other % len(found)]] if found and both else []
                with suppress(Refused):
                    self.do(self.end(one, way, others))

    async def end(self, one: Break, way: Way, others: Sequence[Break] = ()) -> Break:
        more: dict[str, Any] = {
            "payment": one.payment_id if way == Way.MATCHED else None,
            "why": "BANK_CONFIRMED" if way == Way.EXPLAINED else "",
            "others": ids(*others) if way in {Way.CANCELLED_OUT, Way.MATCHED} else (),
        }
        if one.order_id is None and one.source == "ANSWER" and way == Way.EXPLAINED:
            return await self.desk.explain(one, way, **more)
        return await self.desk.ends(one, way, **more)

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_comes_out(self) -> None:
        self.do(self.here.holds())

    @invariant()
    def settled_is_on_statements_or_in_breaks(self) -> None:
        """Of days that are covered, with the working day after them; of the others something is still to come."""
        found = {one.day: one for one in self.do(days.reconciled_days(self.here.database, "", FIRST, LAST))}
        covered = sorted(day for day, one in found.items() if one.is_covered)
        for day in covered[:-1]:
            assert found[day].difference_fen == 0, found[day]

    @invariant()
    def no_order_is_paid_twice(self) -> None:
        for one in self.cases:
            self.do(paid_once(self.here, one))


async def paid_once(here: Cashier, case_id: str) -> None:
    """By the bank's own movements: what is named by the payments of the order, what cancels such out, and what two
    persons know to be back.
    """
    (row,) = await here.database.fetch(
        """WITH mine AS (SELECT p.* FROM payment AS p JOIN payment_order AS o ON o.id = p.order_id
                         WHERE o.case_id::text = $1),
           counted AS (
               SELECT e.id, e.is_credit, e.amount_fen FROM statement_entry AS e
               WHERE e.is_statement AND e.end_to_end_id IN (SELECT end_to_end_id FROM mine)
               UNION
               SELECT e.id, e.is_credit, e.amount_fen
               FROM statement_entry AS e JOIN unmatched AS u ON u.entry_id = e.id
               WHERE NOT u.is_open AND u.end_to_end_id = '' AND EXISTS (
                   SELECT FROM unmatched AS t JOIN mine ON mine.id = t.payment_id
                   WHERE t.id = ANY(u.ends_with) AND NOT t.is_open)
               UNION
               SELECT -u.id, u.is_credit, u.amount_fen FROM unmatched AS u JOIN mine ON mine.id = u.payment_id
               WHERE NOT u.is_open AND u.kind = 'MISSING' AND u.is_credit AND u.way = 'EXPLAINED')
           SELECT (SELECT COALESCE(sum(CASE WHEN is_credit THEN -amount_fen ELSE amount_fen END), 0) FROM counted)
                      AS out,
                  (SELECT COALESCE(sum(amount_fen), 0) FROM mine
                   WHERE state IN ('CREATED', 'RESERVED', 'QUEUED', 'SENT', 'ACCEPTED', 'UNKNOWN')
                     AND debit_statement IS NULL) AS live,
                  (SELECT owed_fen FROM payment_order WHERE case_id::text = $1) AS owed,
                  (SELECT count(*) FROM unmatched AS u JOIN mine ON mine.id = u.payment_id WHERE u.is_open) AS open""",
        case_id,
    )
    assert row["open"] or row["out"] + row["live"] <= row["owed"], row


# --- a walk that reaches for certain what a random one may not --------------------------------------------------------


def walk_through_every_way() -> None:
    walk = Dishonest()

    def ends(kind: BreakKind, way: Way, other: BreakKind | None = None) -> None:
        found = walk.do(walk.desk.open())
        others = [one for one in found if one.kind == other][:1]
        first = next(one for one in found if one.kind == kind and one not in others)
        walk.do(walk.end(first, way, others))

    steps: tuple[Callable[[], object], ...] = (
        lambda: walk.bank([(0, "pays another amount"), (0, "corrects in part")]),
        lambda: ends(BreakKind.AMOUNT, Way.CANCELLED_OUT, BreakKind.UNKNOWN_CREDIT),
        lambda: walk.bank([(0, "advises"), (0, "pays late")]),
        lambda: ends(BreakKind.DATE, Way.EXPLAINED),
        lambda: walk.bank([(0, "pays"), (0, "corrects")]),
        lambda: ends(BreakKind.DUPLICATE, Way.CANCELLED_OUT, BreakKind.UNKNOWN_CREDIT),
        lambda: walk.bank([(1, "rejects"), (1, "pays")]),
        lambda: ends(BreakKind.UNKNOWN_DEBIT, Way.MATCHED),
        lambda: walk.bank([(2, "pays from another account"), (2, "accepts"), (2, "says nothing")]),
        lambda: ends(BreakKind.MISSING, Way.NOT_PAID),
        lambda: walk.bank([(2, "pays nobody"), (2, "charges"), (2, "gives")]),
        lambda: ends(BreakKind.UNKNOWN_CREDIT, Way.EXPLAINED),
        lambda: walk.bank([(1, "advises a return"), (1, "says nothing"), (1, "returns")]),
        lambda: walk.pay(move=True),
        lambda: walk.bank([(3, "pays"), (3, "advises a return"), (3, "says nothing")]),
        lambda: ends(BreakKind.MISSING, Way.NOT_PAID),
        lambda: walk.bank([(3, "advises a return"), (3, "says nothing")]),
        lambda: ends(BreakKind.MISSING, Way.EXPLAINED),
        lambda: walk.pay(move=True),
        lambda: walk.bank([(4, "knows another name")]),
        lambda: ends(BreakKind.ANSWER, Way.EXPLAINED),
        lambda: walk.pay(move=True),
        walk.restart,
    )
    for step in steps:
        step()
        walk.the_ledger_comes_out()
        walk.settled_is_on_statements_or_in_breaks()
        walk.no_order_is_paid_twice()
    walk.teardown()


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(25, 15, id="short", marks=pytest.mark.integration),
        pytest.param(400, 50, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(3_600)]),
    ],
)
def test_settled_is_what_statements_have_with_breaks_explained_or_open(stack: Stack, examples: int, steps: int) -> None:
    Dishonest.stack, Dishonest.dsn, Dishonest.reached = stack, new_database(stack, "treasury"), Counter()
    walk_through_every_way()
    kinds = set(BreakKind) - {BreakKind.FILE}
    assert {*kinds, *WAYS, Way.HEALED} <= set(Dishonest.reached)
    run_state_machine_as_test(
        Dishonest,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=examples < 100,
            suppress_health_check=list(HealthCheck),
        ),
    )
