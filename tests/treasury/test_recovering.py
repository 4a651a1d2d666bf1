"""What was paid beyond what is owed is asked back, follows its order, and is netted: every fen once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.treasury.model import Run, RunState
from services.treasury.usecases import approving, asking_back, running
from tests.treasury.cashier import Cashier, act, answered, events_of, moved, statement
from tests.treasury.counter import MATERNITY, order
from tests.treasury.debts import (
    budget,
    figures,
    lower,
    notify,
    offsettable,
    overpaid,
    paid,
    recovery,
    repayment,
)

pytestmark = pytest.mark.integration
ALLOWANCE = 1_960_000  # GC22, GC01
OTHER = "01930000-0000-7000-8000-000000000002"


@pytest.mark.parametrize(("owed", "asked"), [(ALLOWANCE + 1, 0), (ALLOWANCE, 0), (ALLOWANCE - 1, 1), (0, ALLOWANCE)])
def test_what_is_settled_beyond_what_is_owed_is_asked_back(
    stack: Stack, dsn: str, tmp_path: Path, owed: int, asked: int
) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await paid(here, ALLOWANCE)
        await lower(here, one, owed, 2)
        await lower(here, one, owed, 2)

        rows = await here.database.fetch("SELECT state, outstanding_fen FROM recovery")
        assert [tuple(row) for row in rows] == ([("DETECTED", asked)] if asked else [])
        found = await budget(here)
        assert (found["receivable_fen"], found["spent_fen"]) == (asked, ALLOWANCE - asked)
        assert (await here.told(one))[2:] == (["recovery"] if asked else [])

    act(stack, dsn, tmp_path, story)


def test_what_is_on_its_way_is_asked_back_when_it_is_settled_and_not_before(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        one, other = await here.owe(300, 200)
        await here.sent()
        await lower(here, one, 100, 2)
        await lower(here, other, 0, 2)
        assert (await here.counter.order(one))["state"] == "OVERPAID"
        assert not await here.database.fetch("SELECT FROM recovery")

        # One settles; the other was rejected, and nothing is asked back of it.
        await here.hear(answered((await here.payment(other), "RJCT", "MS03")))
        await here.hear(statement(moved(await here.payment(one))))

        assert figures(await recovery(here, one)) == ("DETECTED", 200, 0, 0, 0, 0)
        assert len(await here.database.fetch("SELECT FROM recovery")) == 1

    act(stack, dsn, tmp_path, story)


def test_it_follows_its_order_up_and_down(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        one = await overpaid(here, 1000, 600)
        await notify(here, one)

        await lower(here, one, 900, 3)
        assert figures(await recovery(here, one)) == ("NOTIFIED", 100, 0, 0, 0, 0)
        await lower(here, one, 200, 4)
        assert figures(await recovery(here, one)) == ("DETECTED", 800, 0, 0, 0, 0)
        await lower(here, one, 1000, 5)
        assert figures(await recovery(here, one)) == ("WITHDRAWN", 0, 0, 0, 0, 0)
        assert (await here.counter.order(one))["state"] == "SETTLED"
        await lower(here, one, 999, 6)

        assert figures(await recovery(here, one)) == ("DETECTED", 1, 0, 0, 0, 0)
        assert len(await here.database.fetch("SELECT FROM recovery_event")) == 6

    act(stack, dsn, tmp_path, story)


def test_a_payment_that_comes_back_is_not_asked_back(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """GC22, the other way round: the claim was reversed, and then the bank returns what it paid."""

    async def story(here: Cashier) -> None:
        one = await overpaid(here, ALLOWANCE)
        await here.hear(statement(moved(await here.payment(one), why="MS03"), day="2026-11-24"))

        assert figures(await recovery(here, one)) == ("WITHDRAWN", 0, 0, 0, 0, 0)
        found = await budget(here)
        assert (found["available_fen"], found["spent_fen"], found["receivable_fen"]) == (100_000_000, 0, 0)

    act(stack, dsn, tmp_path, story)


def test_it_is_kept_from_the_next_payment_and_the_bank_pays_the_rest(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await offsettable(here, debt)
        (one,) = await here.owe(ALLOWANCE)

        run = await here.sent()
        payment = await here.payment(one)
        assert (payment["amount_fen"], payment["offset_fen"]) == (ALLOWANCE, 300)
        assert run.planned_fen == ALLOWANCE
        (file,) = await here.database.fetch("SELECT total_fen FROM bank_file WHERE run_id = $1", run.id)
        assert file["total_fen"] == ALLOWANCE - 300
        assert figures(await recovery(here, debt)) == ("OFFSETTING", 300, 300, 0, 0, 0)
        await here.hear(answered((payment, "ACSP", "")))
        await here.hear(statement(moved(payment), day="2026-11-24"))
        await here.hear(statement(moved(payment), day="2026-11-24"))

        assert await here.states(one) == ["RECONCILED"]
        assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, 300, 0, 0)
        assert not await here.queue_of_unmatched()
        assert [(await here.counter.order(each))["state"] for each in (one, debt)] == ["SETTLED", "SETTLED"]
        found = await budget(here)
        assert (found["spent_fen"], found["receivable_fen"], found["recovered_fen"]) == (ALLOWANCE, 0, 300)

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("case", [(299, 0, 1), (300, 0, 0), (301, 1, 0)])
def test_more_than_the_payment_is_carried_forward_and_a_payment_of_nothing_is_settled_by_it(
    stack: Stack, dsn: str, tmp_path: Path, case: tuple[int, int, int]
) -> None:
    owed, net, left = case

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await offsettable(here, debt)
        (one,) = await here.owe(owed)

        run = await here.sent()
        run = await here.run(run.id)
        payment = await here.payment(one)

        assert payment["amount_fen"] - payment["offset_fen"] == net
        if net:
            assert await here.states(one) == ["SENT"]
            await here.hear(statement(moved(payment), day="2026-11-24"))
        else:
            assert (await here.states(one), run.state) == (["RECONCILED"], RunState.SETTLED)
            assert payment["end_to_end_id"] not in await here.handed_over()
        assert figures(await recovery(here, debt)) == ("OFFSETTING" if left else "RECOVERED", left, 0, 300 - left, 0, 0)
        assert (await here.counter.order(one))["state"] == "SETTLED"
        assert (await here.told(one))[-1] == "settled"

    act(stack, dsn, tmp_path, story)


def test_twenty_thousand_less_fifteen_thousand_is_five_thousand(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """GC12, the offset rule of its reference case, in yuan."""

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 1_500_000)
        await offsettable(here, debt)
        (one,) = await here.owe(2_000_000)
        run = await here.sent()

        (file,) = await here.database.fetch("SELECT total_fen FROM bank_file WHERE run_id = $1", run.id)
        assert file["total_fen"] == 500_000
        await here.hear(answered((await here.payment(one), "ACSP", "")))
        await here.hear(statement(moved(await here.payment(one)), day="2026-11-24"))
        told = events_of(await here.database.fetch("SELECT payload FROM outbox ORDER BY id"))
        named = [(event.sent if event.HasField("sent") else event.settled) for event in told if event.case_id == one]
        assert [(event.amount_fen, event.offset_fen) for event in named] == [(2_000_000, 1_500_000)] * 2

    act(stack, dsn, tmp_path, story)


def test_what_was_paid_too_much_before_is_detected_once(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """As after an upgrade: an order is overpaid, and nothing was ever asked back."""

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        undo = """UPDATE budget SET spent_fen = spent_fen + receivable_fen, receivable_fen = 0"""
        async with here.database.transaction() as tx:
            await tx.execute("SET LOCAL session_replication_role = replica")
            for undone in (undo, "DELETE FROM recovery", "DELETE FROM recovery_event"):
                await tx.execute(undone)
            await tx.execute(
                """DELETE FROM account_day USING account AS a
                   WHERE a.id = account_day.account_id AND a.kind = 'RECEIVABLE'"""
            )
            await tx.execute(
                """UPDATE account_day SET credit_fen = credit_fen - 300 FROM account AS a
                   WHERE a.id = account_day.account_id AND a.kind = 'SPENT' AND credit_fen = 300"""
            )
            await tx.execute("DELETE FROM transfer WHERE kind = 'DEMAND'")

        done = [await asking_back.detect(here.counter.desk, here.database) for _ in range(2)]

        assert done == [1, 0]
        assert figures(await recovery(here, debt)) == ("DETECTED", 300, 0, 0, 0, 0)

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("end", ["cancelled", "rejected", "returned"])
def test_an_offset_is_undone_once_when_its_payment_fails_and_kept_from_the_next(
    stack: Stack, dsn: str, tmp_path: Path, end: str
) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await offsettable(here, debt)
        (one,) = await here.owe(1000)
        if end == "cancelled":
            run = await here.approved()
            await cancel(here, run)
        else:
            await here.sent()
            payment = await here.payment(one)
            if end == "rejected":
                for _ in range(2):
                    await here.hear(answered((payment, "RJCT", "MS03")))
            else:
                await here.hear(statement(moved(payment), day="2026-11-24"))
                assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, 300, 0, 0)
                for day in ("2026-11-25", "2026-11-26"):
                    await here.hear(statement(moved(payment, why="MS03"), day=day))

        assert figures(await recovery(here, debt)) == ("OFFSETTING", 300, 0, 0, 0, 0)
        assert (await here.counter.order(one))["reserved_fen"] == 1000
        await here.holds()

        await here.sent()
        payment = await here.payment(one)
        await here.hear(statement(moved(payment), day="2026-11-27"))
        assert payment["offset_fen"] == 300
        assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, 300, 0, 0)

    act(stack, dsn, tmp_path, story)


async def cancel(here: Cashier, run: Run) -> None:
    found = await here.run(run.id)
    async with here.database.transaction() as tx:
        await approving.cancel(tx, found.id, str(found.number))
    await running.advance(here.pay, found.id)


def test_nothing_is_kept_before_the_days_to_answer_are_past_nor_from_anybody_else(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await here.owe(100)
        await here.sent()
        await notify(here, debt)
        await here.owe(100)
        await here.sent()
        await offsettable_now(here, debt)
        await here.owe(100, payee=OTHER)
        await here.counter.give(1_000_000, MATERNITY._replace(fund="RESIDENT_INSURANCE"))
        await here.sent()

        rows = await here.database.fetch("SELECT offset_fen FROM payment ORDER BY id")
        assert [row["offset_fen"] for row in rows] == [0, 0, 0, 0]

    act(stack, dsn, tmp_path, story)


async def offsettable_now(here: Cashier, case_id: str) -> None:
    await here.database.fetch(
        "UPDATE recovery SET due_on = '2026-11-20', state = 'OFFSETTING' WHERE id = $1",
        (await recovery(here, case_id)).id,
    )


def test_what_changed_after_the_plan_drops_the_line_before_its_money_is_committed(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await offsettable(here, debt)
        (one,) = await here.owe(1000)
        run = await here.plan()
        await lower(here, debt, 100, 3)

        await here.approve(run)

        assert (await here.exceptions(run))[-1:] == [["OFFSET_CHANGED"]]
        assert figures(await recovery(here, debt)) == ("OFFSETTING", 200, 0, 0, 0, 0)
        await here.sent()
        assert (await here.payment(one))["offset_fen"] == 200

    act(stack, dsn, tmp_path, story)


def test_what_is_owed_again_while_it_is_kept_is_paid(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """The payee has lost it from one payment, so she gets it by the other."""

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await offsettable(here, debt)
        (one,) = await here.owe(1000)
        await here.sent()
        await lower(here, debt, 300, 3)
        assert figures(await recovery(here, debt)) == ("OFFSETTING", 0, 300, 0, 0, 0)

        await here.hear(statement(moved(await here.payment(one)), day="2026-11-24"))

        assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, 300, 0, 0)
        found = await here.counter.order(debt)
        assert (found["state"], found["settled_fen"], found["reserved_fen"]) == ("RESERVED", 0, 300)

    act(stack, dsn, tmp_path, story)


def test_two_plans_at_once_never_keep_the_same_fen(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await offsettable(here, debt)
        for _ in range(6):
            await here.owe(100)

        await asyncio.gather(*[here.plan() for _ in range(3)])

        rows = await here.database.fetch("SELECT sum(offset_fen) AS fen FROM payment")
        assert rows[0]["fen"] == 300
        assert figures(await recovery(here, debt)) == ("OFFSETTING", 300, 300, 0, 0, 0)

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("case", [(299, 1, []), (300, 0, []), (301, 300, ["REPAYMENT_TOO_MUCH"])])
def test_a_credit_that_names_it_is_a_repayment_once(
    stack: Stack, dsn: str, tmp_path: Path, case: tuple[int, int, list[str]]
) -> None:
    fen, left, queue = case

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        found = await notify(here, debt)

        for day in ("2026-11-24", "2026-11-25"):
            await here.hear(statement(repayment(found, fen), day=day))

        assert await here.queue_of_unmatched() == queue
        repaid = 300 - left
        state = "NOTIFIED" if left else "RECOVERED"
        assert figures(await recovery(here, debt)) == (state, left, 0, 0, repaid, 0)
        assert (await budget(here))["recovered_fen"] == repaid

    act(stack, dsn, tmp_path, story)


def test_a_return_of_what_was_recovered_waits_for_a_person(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        found = await notify(here, debt)
        await here.hear(statement(repayment(found, 100), day="2026-11-24"))
        await here.hear(statement(moved(await here.payment(debt), why="MS03"), day="2026-11-25"))

        assert await here.queue_of_unmatched() == ["ENTRY_RETURN_RECOVERED"]
        assert await here.states(debt) == ["RECONCILED"]

    act(stack, dsn, tmp_path, story)


def test_what_was_recovered_and_is_owed_again_is_paid_again(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """The benefit is paid once: 1960000 (GC22), though it was paid, asked back, repaid and owed again."""

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, ALLOWANCE)
        await here.hear(statement(repayment(await notify(here, debt), ALLOWANCE), day="2026-11-24"))
        await here.counter.take_in(order(debt, ALLOWANCE, 3))
        await here.sent()
        await here.hear(statement(moved(await here.payment(debt)), day="2026-11-25"))

        found = await here.counter.order(debt)
        assert (found["state"], found["settled_fen"]) == ("SETTLED", ALLOWANCE)
        assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, 0, ALLOWANCE, 0)
        spent = await budget(here)
        assert (spent["spent_fen"], spent["recovered_fen"]) == (ALLOWANCE, ALLOWANCE)

    act(stack, dsn, tmp_path, story)
