"""Payment runs from plan to close: every fen once, by two persons."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from cradle.treasury.v1 import money_pb2

from deploy.local.stack import Stack
from services.kit.errors import Refused, Stale
from services.treasury.model import Pot, Run, RunState
from services.treasury.store import payments
from services.treasury.store.payments import LINES_AT_ONCE
from services.treasury.usecases import approving, running
from tests.kit.live import others_turns
from tests.treasury.cashier import (
    CLERK,
    EVERYTHING,
    Cashier,
    account,
    act,
    advice,
    answered,
    moved,
    statement,
)
from tests.treasury.counter import MATERNITY, TODAY, case, order
from tests.treasury.test_budgets import PARALLEL, persevering

pytestmark = pytest.mark.integration
ALLOWANCE = 1_960_000  # GC22
LI, WANG = "01930000-0000-7000-8000-000000000001", "01930000-0000-7000-8000-000000000002"


def test_an_order_is_planned_approved_sent_settled_and_closed(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(ALLOWANCE)

        run = await here.sent()
        payment = await here.payment(one)
        await here.hear(answered((payment, "ACSP", "")))
        await here.hear(advice(moved(payment)))
        await here.hear(statement(moved(payment)))

        assert run.state == RunState.SENT
        assert await here.handed_over() == [payment["end_to_end_id"]]
        assert await here.states() == ["RECONCILED"]
        assert (await here.run(run.id)).state == RunState.SETTLED
        found = await here.counter.order(one)
        assert (found["state"], found["settled_fen"], found["live_fen"]) == ("SETTLED", ALLOWANCE, 0)
        assert await here.told(one) == ["sent", "settled"]
        assert not await here.queue_of_unmatched()

    act(stack, dsn, tmp_path, story)


def test_a_rejected_and_a_returned_payment_are_reissued_and_the_sum_is_paid_once(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """GC22: three attempts, each with its own end-to-end id; one expense."""

    async def story(here: Cashier) -> None:
        (one,) = await here.owe(ALLOWANCE)
        await here.sent()
        first = await here.payment(one)
        await here.hear(answered((first, "RJCT", "AC04")))
        assert await here.states(one) == ["REJECTED"]
        assert (await here.counter.order(one))["reserved_fen"] == ALLOWANCE

        here.registry.version = 2  # she has another account
        await here.sent()
        second = await here.payment(one)
        await here.hear(statement(moved(second)))
        await here.hear(statement(moved(second, why="AC04"), day="2026-11-24"))
        assert (await here.counter.order(one))["state"] == "RESERVED"

        here.registry.version = 3
        await here.sent()
        third = await here.payment(one)
        await here.hear(statement(moved(third), day="2026-11-25"))

        assert await here.states(one) == ["REJECTED", "RETURNED", "RECONCILED"]
        assert (second["reissue_of"], third["reissue_of"]) == (first["id"], second["id"])
        assert len({first["end_to_end_id"], second["end_to_end_id"], third["end_to_end_id"]}) == 3
        assert (await here.counter.order(one))["settled_fen"] == ALLOWANCE
        assert await here.told(one) == ["sent", "failed", "sent", "settled", "returned", "sent", "settled"]
        (spent,) = await here.database.fetch("SELECT spent_fen, committed_fen FROM budget")
        assert tuple(spent) == (ALLOWANCE, 0)

    act(stack, dsn, tmp_path, story)


def test_nobody_approves_what_he_has_planned(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.owe(100)
        run = await here.plan()

        with pytest.raises(Refused):
            await here.approve(run, by=CLERK)
        with pytest.raises(asyncpg.CheckViolationError):
            await here.database.fetch(
                "UPDATE payment_run SET state = 'APPROVED', approved_by = planned_by WHERE id = $1", run.id
            )
        with pytest.raises(asyncpg.CheckViolationError):
            await here.database.fetch("UPDATE payment_run SET state = 'APPROVED' WHERE id = $1", run.id)

        assert (await here.run(run.id)).state == RunState.PLANNED

    act(stack, dsn, tmp_path, story)


def test_what_is_approved_is_the_plan_of_the_hash_and_nothing_else(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.owe(100, 200)
        run = await here.plan()

        with pytest.raises(Refused):
            await here.approve(run._replace(plan_hash=bytes(32)))
        with pytest.raises(Stale):
            await here.approve(run._replace(number=run.number - 1))
        await here.database.fetch("UPDATE payment SET payee = $1 WHERE run_id = $2 AND number = 1", WANG, run.id)
        with pytest.raises(Refused):
            await here.approve(run)

        await here.database.fetch("UPDATE payment SET payee = $1 WHERE run_id = $2 AND number = 1", LI, run.id)

    act(stack, dsn, tmp_path, story)


def test_one_bad_account_costs_one_line_and_not_the_run(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        references = [f"01930000-0000-7000-8000-00000000010{n}" for n in range(4)]
        here.registry.said = {
            references[0]: ("ACCOUNT_MISSING",),
            references[1]: account(number="6222022603001234566"),
            references[2]: ("PERSON_ERASED",),
        }
        for one in references:
            await here.owe(100, payee=one)
        await here.counter.take_in(order(case(), 200_000_000))  # more than there is: held

        run = await here.plan()

        assert (run.planned_count, run.planned_fen, run.exceptions) == (1, 100, 4)
        assert await here.exceptions(run) == [
            ["ACCOUNT_MISSING"],
            ["BANK_CARD_CHECK_DIGIT"],
            ["PERSON_ERASED"],
            ["BUDGET_HELD"],
        ]

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize(("minutes", "left"), [(59, ["RESERVED", "RESERVED"]), (61, ["CANCELLED", "RESERVED"])])
def test_an_account_that_changes_before_a_late_sending_drops_its_line(
    stack: Stack, dsn: str, tmp_path: Path, minutes: int, left: list[str]
) -> None:
    """A run that is sent at once asks nobody again; one that waited is not sent before everybody was asked."""

    async def story(here: Cashier) -> None:
        one, other = await here.owe(100, payee=LI) + await here.owe(200, payee=WANG)
        run = await here.approved()
        here.registry.said[LI] = account(version=2)
        await here.database.fetch("UPDATE payment_run SET checked_at = checked_at - make_interval(mins => $1)", minutes)
        waited = await here.run(run.id)
        if minutes > 60:
            with pytest.raises(Refused, match="RUN_NOT_READY"):
                await here.queue(waited)
        looked = await running.advance(here.pay, run.id)
        assert [*await here.states(one), *await here.states(other)] == left
        assert looked.dropped == left.count("CANCELLED")
        assert (looked.number > waited.number) == bool(looked.dropped)
        assert await running.advance(here.pay, run.id) == looked
        await here.queue(looked)
        await here.round()
        assert sorted(await here.handed_over()) == sorted(
            [
                (await here.payment(case_id))["end_to_end_id"]
                for case_id, state in zip((one, other), left, strict=True)
                if state == "RESERVED"
            ]
        )
        if looked.dropped:
            assert (await here.plan()).planned_fen == 100

    act(stack, dsn, tmp_path, story)


def test_an_account_that_changed_since_the_plan_drops_its_line_back_to_planning(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100, payee=LI)
        (other,) = await here.owe(200, payee=WANG)
        (third,) = await here.owe(300, payee=WANG)
        run = await here.plan()
        here.registry.said[LI] = account(version=2)
        await here.counter.take_in(order(third, 250, revision=2, payee=WANG))

        run = await here.approve(run)

        assert run.is_ready
        assert run.dropped == 2
        assert [await here.states(case_id) for case_id in (one, other, third)] == [
            ["CANCELLED"],
            ["RESERVED"],
            ["CANCELLED"],
        ]
        assert await here.exceptions(run) == [["ACCOUNT_CHANGED"], ["ORDER_CHANGED"]]
        again = await here.plan()
        assert (again.planned_count, again.planned_fen) == (2, 350)

    act(stack, dsn, tmp_path, story)


def test_a_run_is_planned_in_chunks_and_asks_for_payees_at_most_500_at_once(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        values = [order(case(), 10, payee=f"01930000-0000-7000-8000-{n:012d}") for n in range(1203)]
        await here.counter.take_in(*values)

        run = await here.approved()

        assert (run.planned_count, run.planned_fen) == (1203, 12_030)
        assert max(here.registry.questions) == 500
        assert await here.states() == ["RESERVED"] * 1203

    act(stack, dsn, tmp_path, story)


def test_the_lines_of_an_approval_are_read_few_at_a_time_and_others_go_on_in_between(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        await here.owe(*[100] * (2 * LINES_AT_ONCE + 1))
        run = await here.plan()
        seen = Counter[int]()

        async with others_turns() as turns, here.database.transaction() as tx:
            async for _ in payments.stream(tx, run.id):
                seen[turns()] += 1

        assert seen.total() == 2 * LINES_AT_ONCE + 1
        assert max(seen.values()) <= LINES_AT_ONCE

    act(stack, dsn, tmp_path, story)


def test_a_cancelled_run_gives_its_orders_back(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.owe(100, 200)
        run = await here.approved()

        async with here.database.transaction() as tx:
            await approving.cancel(tx, run.id, str(run.number))
        await running.advance(here.pay, run.id)

        assert await here.states() == ["CANCELLED", "CANCELLED"]
        assert (await here.plan()).planned_fen == 300

    act(stack, dsn, tmp_path, story)


def test_a_limit_ends_the_run_before_the_order_that_does_not_fit(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.owe(100, 200, 50)

        run = await here.plan(EVERYTHING._replace(total_max_fen=299))
        rest = await here.plan(EVERYTHING._replace(payment_max_fen=199))

        assert (run.planned_count, run.planned_fen) == (1, 100)
        assert (rest.planned_count, rest.planned_fen) == (1, 50)
        assert await here.exceptions(rest) == [["PAYMENT_ABOVE_LIMIT"]]
        assert run.execute_on == TODAY

    act(stack, dsn, tmp_path, story)


def test_however_many_plan_and_approve_at_once_an_order_is_paid_by_one_run(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        await here.owe(*range(1, 41))

        plans = await asyncio.gather(*[here.plan() for _ in range(8)])
        (run,) = [one for one in plans if one.planned_count] or [plans[0]]
        tries = await asyncio.gather(*[here.approve(run, f"person/{n}") for n in range(8)], return_exceptions=True)

        assert sum(one.planned_fen for one in plans) == sum(range(1, 41))
        approved = [one for one in tries if not isinstance(one, BaseException)]
        assert len(approved) == 1
        assert all(isinstance(one, (Refused, Stale)) for one in tries if one not in approved)
        assert await here.states() == ["RESERVED"] * 40

    act(stack, dsn, tmp_path, story)


def test_32_parallel_approvals_against_one_budget_commit_what_is_reserved_and_no_more(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """Each of 32 runs is approved by two second persons at once, while orders come, are lowered, and money is taken
    back: one approval of each counts, and what is committed is what was reserved and still owed.
    """

    async def story(here: Cashier) -> None:
        await here.counter.give(50 - 100_000_000)
        cases = await here.owe(*[1] * 64)  # of which 50 can be reserved
        plans = [await here.plan(EVERYTHING._replace(total_max_fen=2)) for _ in range(PARALLEL)]
        planned = [one for one in plans if one.planned_count]
        refused: list[str] = []

        async def approve(run: Run, by: str) -> None:
            try:
                async with here.database.transaction() as tx:
                    etag, plan_hash = str(run.number), run.plan_hash
                    await approving.approve(here.pay, tx, run.id, etag, plan_hash=plan_hash, actor=by)
            except (Refused, Stale) as error:
                refused.append(error.reasons[0].code)
            else:
                await persevering(partial(running.advance, here.pay, run.id))

        async def lower(one: str) -> None:
            await here.counter.take_in(order(one, 0, revision=2))

        approvals = [partial(approve, run, f"person/{n}") for run in plans for n in range(2)]
        disturbing = [partial(lower, one) for one in cases[:8]] + [partial(here.counter.give, 1) for _ in range(4)]
        await asyncio.gather(*[persevering(work) for work in (*approvals, *disturbing)])

        assert len(planned) == 25
        assert len(refused) == 2 * PARALLEL - len(planned)  # of two persons one, and of an empty run nobody
        states = Counter(await here.states())
        assert states["RESERVED"] + states["CANCELLED"] == 50
        assert states["CANCELLED"] <= 8
        (budget,) = await here.database.fetch("SELECT * FROM budget")
        assert budget["committed_fen"] == states["RESERVED"]
        assert min(budget["available_fen"], budget["reserved_fen"]) >= 0
        await here.holds()
        await here.counter.give(100_000_000)
        await here.counter.release()
        await here.sent()
        assert (await here.counter.figures())[1:] == (0, 0, 0)

    act(stack, dsn, tmp_path, story, connections_max=PARALLEL)


def test_two_orders_of_one_fund_and_one_without_an_account_of_ours(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """A fund from which no account pays is an exception of each of its orders."""

    async def story(here: Cashier) -> None:
        await here.counter.give(1000, here_fund("FISCAL"))
        await here.owe(100)
        await here.owe(200, fund=money_pb2.FUND_FISCAL)

        run = await here.plan()

        assert (run.planned_fen, await here.exceptions(run)) == (100, [["PAYING_ACCOUNT_MISSING"]])

    act(stack, dsn, tmp_path, story)


def here_fund(fund: str) -> Pot:
    return MATERNITY._replace(fund=fund)
