"""Every break has a way to end, by two persons, and none of them pays an order twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, cast
from uuid import uuid4

import asyncpg
import pytest
from cradle.treasury.v1 import reconciliation_pb2 as pb
from cradle.treasury.v1 import run_pb2

from deploy.local.stack import Stack
from services.kit.auth import acting
from services.kit.errors import Invalid, NotFound, Refused, Stale
from services.treasury.api import Reconciliation, Runs
from services.treasury.model import RunState
from services.treasury.model.breaks import Awaited, Break, Way
from services.treasury.store import breaks
from services.treasury.usecases.importing import Importing
from tests.treasury.cashier import BALANCE_FEN, CLERK, OURS, Cashier, advice, answered, cashier, moved, reference_of
from tests.treasury.counter import COUNTY, MATERNITY, bound_to
from tests.treasury.reconciler import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Reconciler,
    charge,
    credit,
    debit,
    ids,
    on,
    payment_id,
)

pytestmark = pytest.mark.integration
ELSEWHERE: Final = "610399"


def act(stack: Stack, dsn: str, root: Path, story: Callable[[Cashier, Reconciler], Awaitable[None]]) -> None:
    async def run() -> None:
        async with cashier(stack, dsn, root) as here:
            await here.counter.give(100_000_000)
            desk = Reconciler(here)
            await story(here, desk)
            await here.holds()
            await desk.holds()

    asyncio.run(run())


async def a_payment(here: Cashier, amount_fen: int = 100) -> tuple[str, asyncpg.Record]:
    (one,) = await here.owe(amount_fen)
    await here.sent()
    return one, await here.payment(one)


async def nobody_knows(here: Cashier) -> None:
    """The bank got it on Monday, and has said nothing of it."""
    await here.database.fetch("UPDATE payment SET state = 'UNKNOWN'")
    await here.database.fetch("UPDATE bank_file SET intent_at = '2026-11-23T02:00:00Z'")


def test_a_debit_without_our_id_is_matched_by_two_persons(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        _, payment = await a_payment(here)
        await desk.says(MONDAY, charge(100, "X-1"))
        found = await desk.one("UNKNOWN_DEBIT")

        proposed = await desk.explain(found, Way.MATCHED, payment=payment_id(payment))
        assert (proposed.is_open, proposed.way) == (True, Way.MATCHED)
        assert await here.states() == ["SENT"]
        with pytest.raises(Refused):
            await desk.approve(proposed, actor=CLERK)
        with pytest.raises(Stale):
            await desk.approve(found)
        ended = await desk.approve(proposed)

        assert not ended.is_open
        assert await here.states() == ["RECONCILED"]
        assert [one.step for one in await breaks.steps(here.database, found.id)] == ["PROPOSED", "ENDED"]

    act(stack, dsn, tmp_path, story)


def test_the_second_person_is_a_constraint_and_history_is_append_only(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        await desk.says(MONDAY, charge(500, "X-1"))
        found = await desk.explain(await desk.one("UNKNOWN_DEBIT"), Way.EXPLAINED, why="BANK_CHARGE")
        with pytest.raises(asyncpg.CheckViolationError):
            await here.database.fetch("UPDATE unmatched SET is_open = false, ended_by = proposed_by, ended_at = now()")
        with pytest.raises(asyncpg.CheckViolationError):
            await here.database.fetch("UPDATE unmatched SET is_open = false")
        for change in (
            "UPDATE unmatched_step SET actor = 'x'",
            "DELETE FROM unmatched_step",
            "TRUNCATE unmatched_step",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await here.database.fetch(change)
        assert not (await desk.approve(found)).is_open

    act(stack, dsn, tmp_path, story)


def test_what_was_rejected_and_is_paid_all_the_same_is_paid_once(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        one, payment = await a_payment(here)
        await here.hear(answered((payment, "RJCT", "MS03")))
        await desk.says(MONDAY, debit(payment))
        found = await desk.one("UNKNOWN_DEBIT")

        assert await desk.refused(found, Way.EXPLAINED, why="NOT_OURS") == "BREAK_DEBIT_STAYS"
        await desk.ends(found, Way.MATCHED, payment=payment_id(payment))

        assert await here.states() == ["RECONCILED"]
        assert await desk.plannable() == 0
        order = await here.counter.order(one)
        assert (order["state"], order["settled_fen"], order["reserved_fen"]) == ("SETTLED", 100, 0)
        assert (await here.told(one))[-1] == "settled"
        run = await here.run(payment["run_id"])
        assert run.state == RunState.SETTLED

    act(stack, dsn, tmp_path, story)


def test_what_was_rejected_and_paid_and_given_back_is_paid_again(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        _, payment = await a_payment(here)
        await here.hear(answered((payment, "RJCT", "MS03")))
        await desk.says(MONDAY, debit(payment))
        wrong = await desk.one()
        await desk.awaits(wrong, Awaited.BANK_CORRECTION)
        assert await desk.plannable() == 0
        await desk.says(TUESDAY, credit(90, "C-1"), credit(100, "C-2"))
        small, whole = [one for one in await desk.open() if one.kind == "UNKNOWN_CREDIT"]
        wrong = await desk.again(wrong)

        assert await desk.refused(wrong, Way.CANCELLED_OUT) == "BREAK_OTHERS_NEEDED"
        assert await desk.refused(wrong, Way.CANCELLED_OUT, others=ids(small)) == "BREAK_SUM"
        await desk.ends(wrong, Way.CANCELLED_OUT, others=ids(whole))

        assert ids(*[one for one in await desk.open() if one.kind != "BALANCE"]) == ids(small)
        assert [one.step for one in await breaks.steps(here.database, wrong.id)] == ["NOTED", "PROPOSED", "ENDED"]
        assert await desk.plannable() == 1

    act(stack, dsn, tmp_path, story)


def test_a_double_debit_of_which_one_came_back_stays_paid_once(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """The bank gives the second one back under the payment's id: the payment reads as returned, and is not."""

    async def story(here: Cashier, desk: Reconciler) -> None:
        one, payment = await a_payment(here)
        await desk.says(MONDAY, debit(payment), debit(payment, "2"))
        twice = await desk.one("DUPLICATE")
        assert await desk.refused(twice, Way.MATCHED, payment=payment_id(payment)) == "BREAK_PAYMENT_HAS_IT"
        await desk.says(TUESDAY, moved(payment, why="AM05"))
        assert await here.states() == ["RETURNED"]
        assert await desk.plannable() == 0

        await desk.ends(twice, Way.MATCHED, payment=payment_id(payment))
        await here.hear(advice(moved(payment, why="AM05", number="late")))

        assert await here.states() == ["RECONCILED"]
        assert await desk.plannable() == 0
        assert (await here.counter.order(one))["settled_fen"] == 100

        # And when that one comes back too, nothing of it is left.
        await desk.says(WEDNESDAY, moved(payment, why="MS03", number="3"))
        await desk.ends(await desk.one("DUPLICATE"), Way.MATCHED, payment=payment_id(payment))
        assert await here.states() == ["RETURNED"]
        assert await desk.plannable() == 1

    act(stack, dsn, tmp_path, story)


def test_a_return_that_only_an_advice_told_is_missing_though_a_second_debit_stands(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        _, payment = await a_payment(here)
        await here.hear(advice(on(moved(payment, why="AM05"), MONDAY)))
        await desk.says(MONDAY, debit(payment), debit(payment, "2"))
        await desk.ends(await desk.one("DUPLICATE"), Way.MATCHED, payment=payment_id(payment))
        assert await here.states() == ["RECONCILED"]

        await desk.says(TUESDAY, opening_fen=10**15 - 200)

        missing = await desk.one("MISSING")
        assert (missing.is_credit, missing.effect_fen) == (True, -100)
        await desk.holds()

        await desk.says(MONDAY, moved(payment, why="AM05"), opening_fen=10**15 - 200)
        assert (await desk.again(missing)).way == Way.HEALED

    act(stack, dsn, tmp_path, story)


def test_what_a_bank_reverses_is_returned_and_what_it_reverses_again_is_paid_once(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """The bank undoes its own booking (RvslInd), without a reason: the money is back, as after any return."""

    async def story(here: Cashier, desk: Reconciler) -> None:
        one, payment = await a_payment(here)
        await desk.says(MONDAY, debit(payment))
        reversal = debit(payment, "2").replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
        await desk.says(TUESDAY, reversal.replace("DBIT", "CRDT"))

        assert await here.states() == ["RETURNED"]
        assert (await here.counter.order(one))["reserved_fen"] == 100
        assert await desk.plannable() == 1

        await desk.says(WEDNESDAY, reversal)
        found = await desk.one("UNKNOWN_DEBIT")
        assert (found.code, await desk.plannable()) == ("ENTRY_RETURN_REVERSED", 0)
        assert await desk.refused(found, Way.EXPLAINED, why="BANK_CORRECTED") == "BREAK_DEBIT_STAYS"
        await desk.ends(found, Way.MATCHED, payment=payment_id(payment))
        assert await here.states() == ["RECONCILED", "CANCELLED"]
        assert (await here.counter.order(one))["settled_fen"] == 100
        assert await desk.plannable() == 0

    act(stack, dsn, tmp_path, story)


def test_a_wrong_amount_and_its_correction_are_together_the_payment(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        _, payment = await a_payment(here)
        await desk.says(MONDAY, debit(payment, amount_fen=101))
        found = await desk.one("AMOUNT")
        assert await desk.refused(found, Way.MATCHED, payment=payment_id(payment)) == "BREAK_SUM"
        await desk.says(TUESDAY, credit(1, "C-1"))
        right = await desk.one("UNKNOWN_CREDIT")
        await desk.ends(found, Way.MATCHED, payment=payment_id(payment), others=ids(right))
        assert await here.states() == ["RECONCILED"]

    act(stack, dsn, tmp_path, story)


def test_paid_from_another_account_of_ours_is_paid(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        _, payment = await a_payment(here)
        told = "61050162010800000999"
        await here.hear(advice(on(moved(payment), MONDAY), account=told))
        found = await desk.one("ACCOUNT")
        assert found.account == told != OURS.account
        await desk.ends(found, Way.MATCHED, payment=payment_id(payment))
        assert await here.states() == ["SETTLED"]
        await desk.says(MONDAY, debit(payment))
        assert await here.states() == ["RECONCILED"]

    act(stack, dsn, tmp_path, story)


def test_an_unknown_credit_is_explained_or_goes_back(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        await desk.says(MONDAY, credit(500, "C-1"), credit(700, "C-2"), charge(500, "D-1"))
        one, other, back = await desk.open()
        assert await desk.refused(one, Way.EXPLAINED) == "BREAK_REASON_NEEDED"
        assert await desk.refused(one, Way.MATCHED) == "BREAK_PAYMENT_NEEDED"
        await desk.ends(one, Way.CANCELLED_OUT, others=ids(back))
        await desk.ends(other, Way.EXPLAINED, why="INTEREST")
        assert not await desk.open()

    act(stack, dsn, tmp_path, story)


def test_an_answer_after_the_end_waits_for_the_statements_of_two_days(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        _, payment = await a_payment(here)
        await here.hear(answered((payment, "RJCT", "MS03")))
        await here.hear(answered((payment, "ACSP", ""), at="2026-11-23T18:00:00+08:00"))
        found = await desk.one("ANSWER")
        await here.database.fetch("UPDATE unmatched SET received_at = '2026-11-23T10:00:00Z'")
        assert await desk.refused(found, Way.EXPLAINED, why="BANK_CONFIRMED") == "BREAK_NOT_PROVEN"
        await desk.says(MONDAY)
        assert await desk.refused(found, Way.EXPLAINED, why="BANK_CONFIRMED") == "BREAK_NOT_PROVEN"
        await desk.says(TUESDAY)
        assert await desk.plannable() == 0
        await desk.ends(found, Way.EXPLAINED, why="BANK_CONFIRMED")
        assert await desk.plannable() == 1

    act(stack, dsn, tmp_path, story)


def test_who_is_bound_to_counties_moves_breaks_and_payments_of_those_only(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        _, payment = await a_payment(here)
        await desk.says(MONDAY, debit(payment, amount_fen=101))
        found, office = await desk.one("AMOUNT"), Reconciliation(here.pay)
        runs = Runs(here.pay, Importing(here.pay, 1, upload_s=1.0))
        noted = pb.AwaitBreakRequest(
            name=f"breaks/{found.id}",
            etag="1",
            awaits=pb.BREAK_AWAITS_BANK_CORRECTION,
            note="x",
            request_id=f"{uuid4()}",
        )
        resolved = run_pb2.ResolveUnknownRequest(
            name=f"payments/{payment['id']}", document="x", request_id=f"{uuid4()}"
        )
        nobody: Any = None
        with acting(bound_to("610399")):
            for asked in (office.AwaitBreak(noted, nobody), runs.ResolveUnknown(resolved, nobody)):
                with pytest.raises(NotFound):
                    await asked
        with acting(bound_to(COUNTY)):
            assert (await office.AwaitBreak(noted, nobody)).etag == "2"
            with pytest.raises(Refused, match="PAYMENT_NOT_UNKNOWN"):
                await runs.ResolveUnknown(resolved, nobody)

    act(stack, dsn, tmp_path, story)


def test_who_is_bound_to_counties_ends_nothing_with_breaks_or_payments_of_another(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """Two halves of a movement, one under a payment of each county: together they are nothing, or the other's."""

    async def story(here: Cashier, desk: Reconciler) -> None:
        await here.counter.give(1_000, MATERNITY._replace(county=ELSEWHERE))
        (mine,), (theirs,) = await here.owe(100), await here.owe(50, county=ELSEWHERE)
        await here.sent()
        own, other = await here.payment(mine), await here.payment(theirs)
        half = other["end_to_end_id"]
        await desk.says(MONDAY, debit(own, amount_fen=30), credit(30, "C-1", half), charge(30, "D-1"))
        found, credited, charged = await desk.open()
        office, nobody = Reconciliation(here.pay), cast("Any", None)

        def explaining(one: Break, way: Any, **more: Any) -> pb.ExplainBreakRequest:
            named: dict[str, Any] = {"name": f"breaks/{one.id}", "etag": f"{one.number}", "request_id": f"{uuid4()}"}
            return pb.ExplainBreakRequest(**named, way=way, note="x", **more)

        matched = explaining(found, pb.BREAK_WAY_MATCHED, payment=f"payments/{other['id']}")
        cancelled = explaining(found, pb.BREAK_WAY_CANCELLED_OUT, others=[f"breaks/{credited.id}"])
        with acting(bound_to(COUNTY)):
            for asked, code in ((matched, "payment"), (cancelled, "others")):
                with pytest.raises(NotFound, match=f"NOT_FOUND {code}"):
                    await office.ExplainBreak(asked, nobody)

        # What somebody of the city has proposed over both is ended by somebody of the city.
        proposed = await desk.explain(charged, Way.CANCELLED_OUT, others=ids(credited))
        assert credited.payment_id is not None
        naming: dict[str, Any] = {"name": f"breaks/{credited.id}", "etag": "2", "request_id": f"{uuid4()}"}
        with acting(bound_to(ELSEWHERE)):
            for refused in (
                office.ApproveBreak(pb.ApproveBreakRequest(**naming), nobody),
                office.RefuseBreak(pb.RefuseBreakRequest(**naming, note="x"), nobody),
            ):
                with pytest.raises(NotFound, match="NOT_FOUND others"):
                    await refused
        await desk.approve(proposed)
        assert ids(*[one for one in await desk.open() if one.kind != "BALANCE"]) == ids(found)

    act(stack, dsn, tmp_path, story)


def test_an_unreadable_file_is_closed_by_one_person(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        await here.hear("<!DOCTYPE x>")
        await here.hear(answered(({"end_to_end_id": reference_of(7)}, "ACSP", "")))
        for one in await desk.open():
            ended = await desk.explain(one, Way.EXPLAINED, why="SENT_AGAIN")
            assert (ended.is_open, ended.ended_by) == (False, CLERK)
        with pytest.raises(Refused):
            await desk.explain(ended, Way.EXPLAINED, why="SENT_AGAIN")

    act(stack, dsn, tmp_path, story)


def test_what_is_proposed_is_refused_and_proposed_anew(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        await desk.says(MONDAY, charge(500, "X-1"))
        found = await desk.one()
        proposed = await desk.explain(found, Way.EXPLAINED, why="NOT_OURS")
        assert await desk.refused(proposed, Way.EXPLAINED, why="BANK_CHARGE") == "BREAK_PROPOSED"
        again = await desk.refuse(proposed)
        assert (again.way, again.proposed_by, again.is_open) == (None, None, True)
        with pytest.raises(Refused):
            await desk.approve(again)
        with pytest.raises(Invalid):
            await desk.explain(again, Way.MATCHED, why="NOT_OURS")
        await desk.ends(again, Way.EXPLAINED, why="BANK_CHARGE")

    act(stack, dsn, tmp_path, story)


def test_a_debit_that_may_be_it_keeps_an_unknown_payment_from_being_given_up(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        await a_payment(here)
        await nobody_knows(here)
        await desk.says(MONDAY, charge(100, "X-1"))
        await desk.says(TUESDAY, opening_fen=BALANCE_FEN - 100)
        await here.round()
        assert await here.states() == ["UNKNOWN"]
        found = await desk.one("UNKNOWN_DEBIT")
        await desk.ends(found, Way.EXPLAINED, why="NOT_OURS")
        await here.round()
        assert await here.states() == ["REJECTED"]

    act(stack, dsn, tmp_path, story)


def test_a_statement_with_a_hole_proves_nothing_until_the_bank_sends_it_whole(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        case, payment = await a_payment(here)
        await nobody_knows(here)
        await desk.says(MONDAY, hole_fen=100)
        await desk.says(TUESDAY, opening_fen=BALANCE_FEN - 100)
        await here.round()
        assert (await here.states(), await desk.kinds()) == (["UNKNOWN"], ["BALANCE"])
        assert (await here.plan()).planned_count == 0
        await desk.ends(await desk.one("BALANCE"), Way.EXPLAINED, why="BANK_CONFIRMED")
        await here.round()
        assert await here.states() == ["UNKNOWN"]  # what is not in it is not in it, whoever knows why
        await desk.says(MONDAY, debit(payment))
        await here.round()
        assert await here.states(case) == ["RECONCILED"]

    act(stack, dsn, tmp_path, story)


def test_what_is_between_two_statements_may_be_it_until_two_persons_say_that_it_is_not(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        await a_payment(here)
        await nobody_knows(here)
        await desk.says(MONDAY)
        await desk.says(TUESDAY, opening_fen=BALANCE_FEN - 1)
        await here.round()
        assert await here.states() == ["UNKNOWN"]
        await desk.ends(await desk.one("BALANCE"), Way.EXPLAINED, why="NOT_OURS")
        await here.round()
        assert await here.states() == ["REJECTED"]

    act(stack, dsn, tmp_path, story)


def test_a_repayment_is_explained_by_recovery_and_what_became_a_payments_is_healed(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier, desk: Reconciler) -> None:
        await desk.says(MONDAY, credit(500, "C-1"))
        found = await desk.one("UNKNOWN_CREDIT")
        now = here.pay.desk.clock.now()
        for _ in range(2):
            async with here.database.transaction() as tx:
                await breaks.repaid(tx, found.id, breaks.Step("ENDED", CLERK, now))
                await tx.execute(  # what recovery books for it: the day's ledger has it from there
                    """INSERT INTO recovery_repayment (entry_id, recovery_id, amount_fen, actor, at)
                       SELECT entry_id, gen_random_uuid(), amount_fen, $2, $3 FROM unmatched WHERE id = $1
                       ON CONFLICT DO NOTHING""",
                    found.id,
                    CLERK,
                    now,
                )
        ended = await desk.again(found)
        assert (ended.is_open, ended.way, ended.ended_by) == (False, Way.REPAID, CLERK)
        assert len(await breaks.steps(here.database, found.id)) == 1

        await here.hear(answered(({"end_to_end_id": reference_of(7)}, "ACSP", "")))
        answer = await desk.one("ANSWER")
        async with here.database.transaction() as tx:
            await breaks.heal(tx, ids(answer), now)
        assert (await desk.again(answer)).way == Way.HEALED
        assert await breaks.open_breaks(here.database) == {}

    act(stack, dsn, tmp_path, story)
