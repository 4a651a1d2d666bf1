"""What persons do about a recovery: told, disputed, resolved, in parts, given up; by whom, until when, why."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import asyncpg
import pytest
from cradle.treasury.v1 import recovery_pb2 as pb
from prometheus_client import REGISTRY

from deploy.local.stack import Stack
from services.kit.auth import acting
from services.kit.clock import Clock
from services.kit.dates import to_proto
from services.kit.errors import NotFound, Refused, Stale
from services.treasury import usecases
from services.treasury.api import Recoveries
from services.treasury.model.recoveries import Instalment, Recovery
from services.treasury.usecases import Desk, asking_back
from tests.treasury.cashier import CLERK, SECOND, Cashier, act, advice, moved, statement
from tests.treasury.counter import COUNTY, TODAY, bound_to
from tests.treasury.debts import (
    ANSWERED_BY,
    asked,
    budget,
    desk,
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
DAY = timedelta(1)


async def dispute(here: Cashier, case_id: str, fen: int, by: str = CLERK, on: date = TODAY) -> Recovery:
    who = await asked(here, case_id, by)
    async with here.database.transaction() as tx:
        return await asking_back.dispute(desk(here, on), tx, who, fen, ground="AMOUNT_DISPUTED", document="No. 7")


async def resolve(here: Cashier, case_id: str, *, uphold: bool, by: str = SECOND, on: date = TODAY) -> Recovery:
    who = await asked(here, case_id, by)
    async with here.database.transaction() as tx:
        return await asking_back.resolve(desk(here, on), tx, who, uphold=uphold)


async def in_parts(here: Cashier, case_id: str, *parts: tuple[date, int]) -> Recovery:
    who = await asked(here, case_id)
    given = [Instalment(number, *part) for number, part in enumerate(parts, 1)]
    async with here.database.transaction() as tx:
        return await asking_back.instalments(here.counter.desk, tx, who, given)


async def give_up(
    here: Cashier, case_id: str, fen: int, by: str, *, why: str = "HARDSHIP", at: Desk | None = None
) -> str:
    """Answers who has proposed it; empty once it is done."""
    who = await asked(here, case_id, by)
    async with here.database.transaction() as tx:
        _, proposer = await asking_back.write_off(at or here.counter.desk, tx, who, fen, why=why, document="No. 9")
    return proposer


async def remind(here: Cashier, on: date) -> int:
    return await asking_back.remind(desk(here, on), here.database)


@pytest.mark.parametrize(("late", "state"), [(-1, "NOTIFIED"), (0, "NOTIFIED"), (1, "OFFSETTING")])
def test_ten_working_days_to_answer(stack: Stack, dsn: str, tmp_path: Path, late: int, state: str) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        told = await notify(here, debt)
        assert (told.notified_on, told.due_on, told.reason) == (TODAY, ANSWERED_BY, "REDETERMINED")

        done = [await remind(here, ANSWERED_BY + late * DAY) for _ in range(2)]

        assert done == [int(late > 0), 0]
        assert (await recovery(here, debt)).state == state

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize(("late", "overdue"), [(-1, 0), (0, 0), (1, 1)])
def test_operators_see_what_is_asked_back_and_who_has_not_answered(
    stack: Stack, dsn: str, tmp_path: Path, late: int, overdue: int
) -> None:
    async def story(here: Cashier) -> None:
        told, _, disputed = [await overpaid(here, fen) for fen in (300, 20, 1)]
        for debt in (told, disputed):
            await notify(here, debt)
        await dispute(here, disputed, 1)
        await here.database.fetch("UPDATE recovery SET updated_at = updated_at - interval '11 days'")

        office = here.counter.desk
        await usecases.watch(Desk(Clock(ANSWERED_BY + late * DAY), office.law, office.sealer), here.database)

        fen = {state: figure("cradle_recoveries_outstanding_fen", state) for state in ("NOTIFIED", "DETECTED")}
        assert fen == {"NOTIFIED": 300, "DETECTED": 20}
        assert figure("cradle_recoveries_outstanding_fen", "OFFSETTING") == 0
        assert figure("cradle_recoveries_overdue") == overdue
        assert figure("cradle_recovery_age_seconds", "DETECTED") > 864_000  # it was not touched since
        assert 0 <= figure("cradle_recovery_age_seconds", "DISPUTED") < 864_000  # since the dispute, whatever moved

    act(stack, dsn, tmp_path, story)


def figure(name: str, state: str = "") -> float:
    return REGISTRY.get_sample_value(name, {"state": state} if state else {}) or 0


def test_operators_see_which_limits_the_city_has_not_set(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        office = here.counter.desk
        set_one = Desk(office.clock, office.law.given({"order.limit_fen": "100"}), office.sealer)
        for one, unset in ((office, 1), (set_one, 0)):
            await usecases.watch(one, here.database)

            assert REGISTRY.get_sample_value("cradle_limit_unset", {"parameter": "order.limit_fen"}) == unset
            assert REGISTRY.get_sample_value("cradle_limit_unset", {"parameter": "recovery.write_off_limit_fen"}) == 1

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize(("late", "taken"), [(-1, True), (0, True), (1, False)])
def test_a_dispute_comes_until_the_last_day(stack: Stack, dsn: str, tmp_path: Path, late: int, taken: bool) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await notify(here, debt)
        if not taken:
            with pytest.raises(Refused, match="DISPUTE_TOO_LATE"):
                await dispute(here, debt, 100, on=ANSWERED_BY + late * DAY)
            return
        assert (await dispute(here, debt, 100, on=ANSWERED_BY + late * DAY)).disputed_fen == 100

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize(("fen", "taken"), [(299, True), (300, True), (301, False)])
def test_no_more_is_disputed_than_is_asked_back(stack: Stack, dsn: str, tmp_path: Path, fen: int, taken: bool) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await notify(here, debt)
        if taken:
            assert (await dispute(here, debt, fen)).disputed_fen == fen
            return
        with pytest.raises(Refused, match="RECOVERY_TOO_MUCH"):
            await dispute(here, debt, fen)

    act(stack, dsn, tmp_path, story)


async def outcomes(here: Cashier) -> list[tuple[str | None, str | None]]:
    rows = await here.database.fetch("SELECT outcome, resolved_by FROM recovery_dispute ORDER BY number")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(("owed", "state"), [(0, "DETECTED"), (100, "DISPUTED"), (200, "DISPUTED"), (300, "WITHDRAWN")])
def test_a_dispute_lapses_when_what_is_asked_back_moves_on_without_it(
    stack: Stack, dsn: str, tmp_path: Path, owed: int, state: str
) -> None:
    """It rises: all of it is told anew. Nothing is left of it: there is nothing to dispute. Else it stays."""

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300, 100)
        await notify(here, debt)
        await dispute(here, debt, 100)

        await lower(here, debt, owed, 3)

        found = await recovery(here, debt)
        is_open = state == "DISPUTED"
        assert (found.state, found.disputed_fen) == (state, 100 if is_open else 0)
        assert await outcomes(here) == [(None, None) if is_open else ("LAPSED", "service/treasury")]
        if is_open:
            await resolve(here, debt, uphold=False)
            assert await outcomes(here) == [("REJECTED", SECOND)]
            return
        with pytest.raises(Refused, match="DISPUTE_MISSING"):
            await resolve(here, debt, uphold=True)
        await lower(here, debt, 299, 4)
        if (await recovery(here, debt)).state == "DETECTED":
            await notify(here, debt)
        await dispute(here, debt, 1)  # another one may be opened
        assert await outcomes(here) == [("LAPSED", "service/treasury"), (None, None)]

    act(stack, dsn, tmp_path, story)


def test_a_dispute_about_what_is_given_up_lapses_whoever_has_opened_it(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await notify(here, debt)
        await dispute(here, debt, 300, by=CLERK)

        await give_up(here, debt, 300, SECOND)
        await give_up(here, debt, 300, CLERK)

        assert figures(await recovery(here, debt)) == ("WRITTEN_OFF", 0, 0, 0, 0, 300)
        assert await outcomes(here) == [("LAPSED", "service/treasury")]

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize(("fen", "taken"), [(299, True), (300, True), (301, False)])
def test_what_is_on_its_way_is_disputed_no_more(stack: Stack, dsn: str, tmp_path: Path, fen: int, taken: bool) -> None:
    """A payment keeps 200 when a second fall makes it 500, and it is told anew."""

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 500, 300)
        await offsettable(here, debt)
        await here.owe(1000)
        await here.sent()
        await lower(here, debt, 0, 3)
        await notify(here, debt)
        assert figures(await recovery(here, debt)) == ("NOTIFIED", 500, 200, 0, 0, 0)
        if taken:
            assert (await dispute(here, debt, fen)).disputed_fen == fen
            return
        with pytest.raises(Refused, match="RECOVERY_TOO_MUCH"):
            await dispute(here, debt, fen)

    act(stack, dsn, tmp_path, story)


def test_what_is_disputed_is_frozen_and_the_rest_goes_on(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await notify(here, debt)
        await dispute(here, debt, 100)
        await here.database.fetch("UPDATE recovery SET due_on = $1", TODAY - DAY)
        (one,) = await here.owe(1000)
        await here.sent()
        assert (await here.payment(one))["offset_fen"] == 200
        await here.hear(statement(moved(await here.payment(one)), day="2026-11-24"))
        assert figures(await recovery(here, debt)) == ("DISPUTED", 100, 0, 200, 0, 0)

        with pytest.raises(Refused, match="RECOVERY_SECOND_PERSON"):
            await resolve(here, debt, uphold=False, by=CLERK)
        await resolve(here, debt, uphold=False)

        assert figures(await recovery(here, debt)) == ("OFFSETTING", 100, 0, 200, 0, 0)
        (two,) = await here.owe(1000)
        await here.sent()
        assert (await here.payment(two))["offset_fen"] == 100

    act(stack, dsn, tmp_path, story)


def test_what_is_upheld_is_given_up_and_follows_the_order(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await notify(here, debt)
        await dispute(here, debt, 100)
        after = await resolve(here, debt, uphold=True)
        assert (figures(after), after.reason) == (("NOTIFIED", 200, 0, 0, 0, 100), "DISPUTE_UPHELD")
        spent = await budget(here)
        assert (spent["spent_fen"], spent["receivable_fen"]) == (100, 200)

        # The claim is determined anew, as the payee said: nothing of it is given up any more.
        await lower(here, debt, 100, 3)
        assert figures(await recovery(here, debt)) == ("NOTIFIED", 100, 0, 0, 0, 100)
        await lower(here, debt, 300, 4)
        assert figures(await recovery(here, debt)) == ("WITHDRAWN", 0, 0, 0, 0, 0)
        await here.holds()
        # A second fall is asked back whole.
        await lower(here, debt, 0, 5)
        assert figures(await recovery(here, debt)) == ("DETECTED", 300, 0, 0, 0, 0)

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize(
    ("parts", "code"), [((100, 199), "INSTALMENTS_SUM"), ((100, 200), ""), ((100, 201), "INSTALMENTS_SUM")]
)
def test_instalments_sum_to_what_is_left(
    stack: Stack, dsn: str, tmp_path: Path, parts: tuple[int, int], code: str
) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await notify(here, debt)
        given = [(TODAY + DAY, parts[0]), (TODAY + 2 * DAY, parts[1])]
        with pytest.raises(Refused, match="INSTALMENTS_ORDER"):
            await in_parts(here, debt, (TODAY + 2 * DAY, 100), (TODAY + DAY, 200))
        if code:
            with pytest.raises(Refused, match=code):
                await in_parts(here, debt, *given)
            return
        assert (await in_parts(here, debt, *given)).state == "INSTALMENTS"

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("case", [
    (99, 0, "INSTALMENTS"), (0, 1, "OFFSETTING"), (99, 1, "OFFSETTING"), (100, 1, "INSTALMENTS"),
    (101, 1, "INSTALMENTS"),
])  # fmt: skip
def test_one_missed_instalment_ends_them(stack: Stack, dsn: str, tmp_path: Path, case: tuple[int, int, str]) -> None:
    fen, late, state = case

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await notify(here, debt)
        await in_parts(here, debt, (TODAY + DAY, 100), (TODAY + 9 * DAY, 200))
        if fen:
            await here.hear(statement(repayment(await recovery(here, debt), fen)))

        done = [await remind(here, TODAY + DAY + late * DAY) for _ in range(2)]

        assert done == [int(state == "OFFSETTING"), 0]
        found = await recovery(here, debt)
        assert (found.state, found.outstanding_fen) == (state, 300 - fen)
        assert found.reason == ("INSTALMENT_MISSED" if state == "OFFSETTING" else "IN_INSTALMENTS")

    act(stack, dsn, tmp_path, story)


def test_nothing_is_kept_from_payments_while_it_is_repaid_in_parts(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        await offsettable(here, debt)
        await in_parts(here, debt, (TODAY + DAY, 300))
        (one,) = await here.owe(1000)
        await here.sent()
        assert (await here.payment(one))["offset_fen"] == 0
        await here.hear(advice(repayment(await recovery(here, debt), 300)))
        assert (await recovery(here, debt)).repaid_fen == 0  # only a statement proves it
        await here.hear(statement(repayment(await recovery(here, debt), 300)))
        assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, 0, 300, 0)

    act(stack, dsn, tmp_path, story)


def test_two_persons_give_up_what_both_have_seen(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        assert await give_up(here, debt, 100, CLERK) == CLERK
        assert await give_up(here, debt, 90, CLERK) == CLERK  # who has proposed may think again
        assert await give_up(here, debt, 100, CLERK) == CLERK
        with pytest.raises(Refused, match="RECOVERY_SECOND_PERSON"):
            await give_up(here, debt, 100, CLERK)
        with pytest.raises(Refused, match="WRITE_OFF_OTHER"):
            await give_up(here, debt, 101, SECOND)
        with pytest.raises(Refused, match="RECOVERY_TOO_MUCH"):
            await give_up(here, debt, 301, SECOND)
        with pytest.raises(asyncpg.CheckViolationError):
            await here.database.fetch("UPDATE recovery_write_off SET confirmed_by = proposed_by")
        assert not await give_up(here, debt, 100, SECOND)
        assert figures(await recovery(here, debt)) == ("DETECTED", 200, 0, 0, 0, 100)

        # What was proposed of another sum is proposed anew.
        await give_up(here, debt, 200, SECOND)
        await lower(here, debt, 50, 3)
        with pytest.raises(Refused, match="RECOVERY_TOO_MUCH"):
            await give_up(here, debt, 200, CLERK)
        await give_up(here, debt, 150, SECOND)
        await give_up(here, debt, 150, CLERK)
        assert figures(await recovery(here, debt)) == ("WRITTEN_OFF", 0, 0, 0, 0, 250)
        found = await budget(here)
        assert (found["spent_fen"], found["receivable_fen"]) == (300, 0)

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize(("limit", "taken"), [(99, False), (100, True), (101, True)])
def test_no_more_is_given_up_than_the_limit(stack: Stack, dsn: str, tmp_path: Path, limit: int, taken: bool) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        office = here.counter.desk
        at = Desk(office.clock, office.law.given({"recovery.write_off_limit_fen": str(limit)}), office.sealer)
        if taken:
            assert await give_up(here, debt, 100, CLERK, at=at) == CLERK
            return
        with pytest.raises(Refused, match="WRITE_OFF_ABOVE_LIMIT"):
            await give_up(here, debt, 100, CLERK, at=at)

    act(stack, dsn, tmp_path, story)


def test_a_credit_that_names_nothing_is_said_to_be_a_repayment_once(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        stranger = {"end_to_end_id": "", "amount_fen": 120}
        for say in (advice, statement):
            await here.hear(say(moved(stranger, number="8").replace("DBIT", "CRDT")))
        items = await here.database.fetch("SELECT id FROM unmatched WHERE is_open ORDER BY id")

        async def say_so(item: int) -> Recovery:
            who = await asked(here, debt)
            async with here.database.transaction() as tx:
                return await asking_back.repaid(here.counter.desk, tx, who, item)

        with pytest.raises(Refused, match="REPAYMENT_NO_CREDIT"):
            await say_so(items[0]["id"])  # an advice proves nothing
        assert figures(await say_so(items[1]["id"])) == ("DETECTED", 180, 0, 0, 120, 0)
        with pytest.raises(Refused, match="REPAYMENT_NO_CREDIT"):
            await say_so(items[1]["id"])

    act(stack, dsn, tmp_path, story)


def test_who_is_bound_to_counties_moves_those_only(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """As if the file of roles gave a county's office more than to read."""

    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        (held,) = await paid(here, 100)
        await lower(here, held, 200, 2, payee="01930000-0000-7000-8000-000000000002")
        number, servicer = (await here.counter.order(held))["id"], Recoveries(here.pay)
        whose = await recovery(here, debt)
        who: dict[str, Any] = {"name": f"recoveries/{whose.id}", "etag": f"{whose.number}"}
        part = pb.Instalment(due_date=to_proto(TODAY + DAY), amount_fen=300)
        asking: list[tuple[Any, Any]] = [
            (servicer.NotifyRecovery, pb.NotifyRecoveryRequest(**who, article="x", reason="REDETERMINED")),
            (servicer.DisputeRecovery, pb.DisputeRecoveryRequest(**who, amount_fen=1, ground="OTHER_GROUND")),
            (servicer.ResolveDispute, pb.ResolveDisputeRequest(**who)),
            (servicer.SetInstalments, pb.SetInstalmentsRequest(**who, instalments=[part])),
            (servicer.WriteOffRecovery, pb.WriteOffRecoveryRequest(**who, amount_fen=1, reason="HARDSHIP")),
            (servicer.RecordRepayment, pb.RecordRepaymentRequest(**who, item="unmatched/1")),
            (servicer.GetRecovery, pb.GetRecoveryRequest(name=who["name"])),
            (servicer.DecideOrder, pb.DecideOrderRequest(name=f"orders/{number}", revision=2, reason="WRONG_PAYEE")),
        ]
        for method, request in asking:
            if "request_id" in request.DESCRIPTOR.fields_by_name:
                request.request_id = f"{uuid4()}"
            with acting(bound_to("610399")), pytest.raises(NotFound):
                await method(request, None)
        assert await recovery(here, debt) == whose

        with acting(bound_to(COUNTY)):
            for method, request in (asking[0], asking[-1]):
                await method(request, None)
            who["etag"] = "2"
            repaid = pb.RecordRepaymentRequest(**who, item="unmatched/1", request_id=f"{uuid4()}")
            with pytest.raises(Refused, match="REPAYMENT_NO_CREDIT"):  # what names nothing is of no county
                await servicer.RecordRepayment(repaid, cast("Any", None))
        assert (await recovery(here, debt)).state == "NOTIFIED"

    act(stack, dsn, tmp_path, story)


def test_who_acts_on_what_has_changed_is_told_and_history_is_not_rewritten(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        debt = await overpaid(here, 300)
        stale = await asked(here, debt)
        await notify(here, debt)
        with pytest.raises(Stale):
            async with here.database.transaction() as tx:
                await asking_back.dispute(here.counter.desk, tx, stale, 1, ground="OTHER_GROUND", document="No. 1")
        with pytest.raises(Refused, match="DISPUTE_MISSING"):
            await resolve(here, debt, uphold=True)
        for table in ("recovery_event", "recovery_offset", "recovery_repayment", "recovery_instalment"):
            with pytest.raises(asyncpg.PostgresError):
                await here.database.fetch(f"DELETE FROM {table}")

        rows = await here.database.fetch("SELECT kind, state, reason, actor FROM recovery_event ORDER BY number")
        assert [tuple(row) for row in rows] == [
            ("DETECTED", "DETECTED", "OWED_LESS", "service/treasury"),
            ("NOTIFIED", "NOTIFIED", "REDETERMINED", CLERK),
        ]
        assert (await here.told(debt))[-2:] == ["recovery", "recovery"]

    act(stack, dsn, tmp_path, story)
