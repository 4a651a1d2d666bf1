"""What a restored treasury has lost and fits no more: lowered since, waiting for money, kept whole, or no order's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.local.stack import Stack
from services.kit.errors import Refused
from services.kit.ids import new_id_about
from services.treasury.bank import reference
from services.treasury.model import AccountKind, Budget, Order, OrderKey, Payee
from services.treasury.model.breaks import Way
from services.treasury.model.holding import Cause
from services.treasury.rules.adopting import fitting, taken
from services.treasury.rules.holding import subject
from services.treasury.store import holding as holds
from services.treasury.usecases import holding
from tests.treasury.bank import answers as said
from tests.treasury.cashier import BALANCE_FEN, CLERK, OURS, SECOND, THIRD, Cashier, act, moved, statement
from tests.treasury.counter import COUNTY, FUND, MATERNITY, PAYEE, TODAY, case, order
from tests.treasury.debts import figures, notify, offsettable, overpaid, recovery, repayment
from tests.treasury.reconciler import MONDAY, TUESDAY, Reconciler, charge, credit, ids, payment_id

RECORD = "恢复记录〔2026〕1号"


def lost(case_id: str, fen: int) -> dict[str, Any]:
    """A payment of this order, made before the database was restored."""
    key = OrderKey(UUID(case_id), "ALLOWANCE/1", "", "MATERNITY")
    return {"end_to_end_id": reference.encode(new_id_about(subject(key), 1)), "amount_fen": fen}


# --- rules ------------------------------------------------------------------------------------------------------------


def budget(available_fen: int) -> Mapping[int, Budget]:
    accounts = {str(kind): number for number, kind in enumerate(AccountKind)}
    return {1: Budget(1, MATERNITY, "610300", available_fen, 0, 0, 0, 0, 0, accounts)}


def an_order(owed: int, reserved: int, *, waiting: bool = False) -> Order:
    key = OrderKey(uuid4(), "ALLOWANCE/1", "", "MATERNITY")
    return Order(
        1, key, 1, 0, b"", "HELD" if waiting else "RESERVED", (), owed, reserved, 0, 0, FUND, COUNTY, 1, TODAY,
        Payee("PERSON", PAYEE), None, None, waiting, "", datetime(2026, 11, 23, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(("available", "fits"), [(39, False), (40, True), (41, True)])
def test_a_payment_above_what_is_reserved_takes_the_rest_of_what_its_budget_has(available: int, *, fits: bool) -> None:
    assert fitting([(an_order(60, 60), 100)], budget(available)) == [fits]


def test_of_two_payments_the_second_has_what_the_first_leaves() -> None:
    paid = [(an_order(60, 60), 100), (an_order(0, 0), 30), (an_order(0, 0), 10)]
    assert fitting(paid, budget(50)) == [True, False, True]


@pytest.mark.parametrize(
    ("owed", "reserved", "fen", "beyond", "waiting"),
    [
        (100, 100, 100, 0, 0),
        (60, 60, 100, 40, 0),
        (0, 0, 100, 100, 0),
        (150, 0, 100, 100, -100),
        (60, 0, 100, 100, -60),
    ],
)
def test_what_an_order_waits_for_falls_by_what_was_paid_of_it(
    owed: int, reserved: int, fen: int, beyond: int, waiting: int
) -> None:
    transfers, (shift,) = taken([(an_order(owed, reserved, waiting=bool(waiting)), fen)], budget(1_000), TODAY)

    assert [one.amount_fen for one in transfers] == ([beyond] if beyond else [])
    assert (shift.available_fen, shift.reserved_fen, shift.waiting_fen) == (-beyond, beyond, waiting)


# --- stories ----------------------------------------------------------------------------------------------------------


async def figure(here: Cashier, name: str) -> int:
    (row,) = await here.database.fetch(f"SELECT {name} AS it FROM budget ORDER BY id LIMIT 1")
    return int(row["it"])


async def begin(here: Cashier) -> None:
    async with here.database.transaction() as tx:
        await holding.begin(here.pay, tx, Cause.PERSON, THIRD)


async def lift(here: Cashier) -> None:
    for by in (CLERK, SECOND):
        async with here.database.transaction() as tx:
            await holding.lift(here.pay, tx, RECORD, by)


@pytest.mark.integration
def test_an_order_lowered_below_what_was_paid_is_taken_over_and_the_rest_is_asked_back(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """One was lowered, of one nothing is owed any more, one waits for money, behind which nobody is paid."""

    async def story(here: Cashier) -> None:
        lowered, void = await here.owe(60, 0)
        await here.counter.give(-await figure(here, "available_fen"))
        (waits,) = await here.owe(500)
        assert (await here.counter.order(waits))["state"] == "HELD"
        gone = [lost(lowered, 100), lost(void, 30), lost(waits, 40)]
        desk = Reconciler(here)
        await desk.says(MONDAY, *[moved(one) for one in gone])
        await desk.says(TUESDAY, opening_fen=BALANCE_FEN - 170)

        await here.round()
        assert await here.states() == []
        with pytest.raises(Refused, match="HOLD_ITEMS_OPEN"):
            await lift(here)

        # The clerk gives the budget what was paid from it; the worker, who would give it to who waits, is not asked.
        await here.counter.give(110)
        await here.round()
        await here.round()

        assert await here.states() == ["RECONCILED"] * 3
        assert figures(await recovery(here, lowered)) == ("DETECTED", 40, 0, 0, 0, 0)
        assert figures(await recovery(here, void)) == ("DETECTED", 30, 0, 0, 0, 0)
        found = await here.counter.order(waits)
        assert (found["state"], found["settled_fen"], found["waiting"]) == ("HELD", 40, True)
        assert await figure(here, "waiting_fen") == 460
        await desk.holds()
        await lift(here)

    act(stack, dsn, tmp_path, story)


@pytest.mark.integration
def test_a_debit_under_an_id_of_ours_is_not_explained_before_orders_are_read_again(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        desk, late = Reconciler(here), case()
        await desk.says(MONDAY, moved(lost(late, 100)), moved(lost(case(), 70)))
        (other,) = await here.owe(70)
        debit, foreign = await desk.open()

        async def refused() -> list[str]:
            return [await desk.refused(one, Way.EXPLAINED, why="NOT_OURS") for one in (debit, foreign)]

        assert await refused() == ["BREAK_PAYMENT_LOST"] * 2  # the bank role has not looked yet
        await here.round()
        hold = await holds.latest(here.database)
        assert hold is not None
        assert hold.cause == Cause.UNKNOWN_PAYMENT
        assert await refused() == ["BREAK_PAYMENT_LOST"] * 2
        assert await desk.refused(foreign, Way.CANCELLED_OUT) == "BREAK_OTHERS_NEEDED"
        await here.counter.take_in(order(late, 100))
        await desk.says(TUESDAY, opening_fen=BALANCE_FEN - 170)
        # Every statement is here: what is an order's stays, what is of none may be another's.
        assert await desk.refused(debit, Way.EXPLAINED, why="NOT_OURS") == "BREAK_PAYMENT_LOST"
        proposed = await desk.explain(foreign, Way.EXPLAINED, why="NOT_OURS")
        await here.round()
        assert await here.states(late) == ["RECONCILED"]
        await desk.approve(proposed)
        await here.round()
        assert not await here.queue_of_unmatched()
        await lift(here)
        assert await here.states(other) == []

    act(stack, dsn, tmp_path, story)


@pytest.mark.integration
def test_what_was_kept_whole_of_a_run_that_left_is_settled_and_not_in_doubt(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """By an account from which nothing else of the run is paid, so there is no file of it; and by one with a file."""

    async def story(here: Cashier) -> None:
        resident = "RESIDENT_INSURANCE"
        other = OURS._replace(code="resident", known_as="61050162010800000999", account="61050162010800000999")
        here.pay = replace(here.pay, paying={FUND: OURS, resident: other})
        here.sender = replace(
            here.sender, pay=here.pay, banks={**here.sender.banks, "resident": here.sender.banks[OURS.code]}
        )
        await here.counter.give(1_000, MATERNITY._replace(fund=resident))
        debt = await overpaid(here, 300)
        await offsettable(here, debt)
        (kept,) = await here.owe(200)
        (sent,) = await here.owe(700, fund=2)
        await here.queue(await here.approved())
        payment = await here.payment(sent)
        assert (payment["fund"], payment["paying_account"]) == (resident, "resident")
        assert (await here.payment(kept))["offset_fen"] == 200
        told = statement(moved(payment)).replace(OURS.account, other.account)
        await here.hear(told.replace("BANK-1", "BANK-R"))
        assert await here.queue_of_unmatched() == ["ENTRY_NOT_SENT"]
        await begin(here)

        await here.round()

        assert (await here.states(kept), await here.states(sent)) == (["RECONCILED"], ["RECONCILED"])
        assert figures(await recovery(here, debt)) == ("OFFSETTING", 100, 0, 200, 0, 0)
        assert not await here.queue_of_unmatched()
        assert payment["end_to_end_id"] not in await here.handed_over()

    act(stack, dsn, tmp_path, story)


@pytest.mark.integration
def test_what_is_worked_again_and_fits_nothing_all_the_same_is_the_break_that_it_was(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """A queued payment that had left: two answers name another amount, each in a message of its own."""

    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.queue(await here.approved())
        payment = await here.payment(one)
        wrong = said.answer(payment["end_to_end_id"], "ACSP", amount="<InstdAmt Ccy='CNY'>0.99</InstdAmt>")
        for number in (1, 2):
            await here.hear(said.report("", said.batch(wrong)).replace("BANK-1", f"ANSWER-{number}"))
        await here.hear(statement(moved(payment)))
        before = await Reconciler(here).open()
        assert [one.code for one in before] == ["ANSWER_AMOUNT_DIFFERS", "ANSWER_AMOUNT_DIFFERS", "ENTRY_NOT_SENT"]
        await begin(here)

        await here.round()

        assert await here.states(one) == ["RECONCILED"]
        assert ids(*await Reconciler(here).open()) == ids(*before[:2])
        steps = await here.database.fetch("SELECT break_id, step FROM unmatched_step ORDER BY break_id, number")
        assert [tuple(row) for row in steps] == [
            *[(one.id, step) for one in before[:2] for step in ("HEALED", "OPENED")],
            (before[2].id, "HEALED"),
        ]

    act(stack, dsn, tmp_path, story)


@pytest.mark.integration
def test_what_a_bank_takes_back_of_a_repayment_is_no_repayment_and_no_lost_payment(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        found = await notify(here, debt)
        await here.hear(statement(repayment(found, 300), day="2026-11-24"))
        corrected = repayment(found, 300, number="2").replace("CRDT", "DBIT")
        await here.hear(statement(corrected, day="2026-11-25"))
        (one,) = await here.owe(50)

        await here.sent()

        assert await holds.latest(here.database) is None
        assert await here.states(one) == ["SENT"]
        assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, 0, 300, 0)
        desk = Reconciler(here)
        await desk.ends(await desk.one("UNKNOWN_DEBIT"), Way.EXPLAINED, why="BANK_CORRECTED")

    act(stack, dsn, tmp_path, story)


@pytest.mark.integration
def test_a_break_ends_as_a_payment_that_keeps_what_another_order_owes(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await offsettable(here, debt)
        (one,) = await here.owe(1_000)
        await here.sent()
        desk, payment = Reconciler(here), await here.payment(one)
        await desk.says(MONDAY, charge(700, "X-1"))
        await desk.ends(await desk.one("UNKNOWN_DEBIT"), Way.MATCHED, payment=payment_id(payment))
        assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, 300, 0, 0)

        # It comes back, and what it kept is owed back again; and it left after all.
        await desk.says(TUESDAY, credit(700, "X-2"))
        await desk.ends(await desk.one("UNKNOWN_CREDIT"), Way.MATCHED, payment=payment_id(payment))
        assert figures(await recovery(here, debt)) == ("OFFSETTING", 300, 0, 0, 0, 0)
        assert (await here.counter.order(one))["reserved_fen"] == 1_000
        await desk.holds()

    act(stack, dsn, tmp_path, story)
