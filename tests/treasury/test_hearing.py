"""What banks say: twice, late, in any order, wrong, half. The ledger has what was paid, and the rest is visible."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from random import Random

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.kit.calendar import CALENDAR
from services.kit.dates import civil
from services.kit.errors import Refused
from services.treasury.model import RunState
from services.treasury.rules.proving import proof_days
from services.treasury.usecases import approving, banking, resolving
from services.treasury.usecases.hearing import Taken
from tests.treasury.bank.answers import entry
from tests.treasury.cashier import (
    CLERK,
    SECOND,
    Cashier,
    act,
    advice,
    answered,
    moved,
    reference_of,
    statement,
)

pytestmark = pytest.mark.integration


def test_the_same_file_twice_is_once(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)
        told = statement(moved(payment))

        first = await here.hear(told)
        again = await here.hear(told, "other-name.xml")
        same_movement = await here.hear(told.replace("BANK-1", "BANK-2"))

        assert isinstance(first, Taken)
        assert not first.is_known
        assert isinstance(again, Taken)
        assert again.is_known
        assert isinstance(same_movement, Taken)
        assert not same_movement.is_known
        assert (await here.counter.order(one))["settled_fen"] == 100
        assert not await here.queue_of_unmatched()

    act(stack, dsn, tmp_path, story)


ANY_ORDER = list(itertools.permutations(range(4)))


@pytest.mark.parametrize("places", ANY_ORDER[:: len(ANY_ORDER) // 8], ids=str)
def test_a_payment_that_came_back_ends_the_same_in_any_order(
    stack: Stack, dsn: str, tmp_path: Path, places: tuple[int, ...]
) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)
        told = [
            answered((payment, "ACSP", "")),
            advice(moved(payment)),
            statement(moved(payment)),
            statement(moved(payment, why="AC04"), day="2026-11-24"),
        ]

        for place in places:
            await here.hear(told[place])

        assert await here.states(one) == ["RETURNED"]
        assert (await here.counter.order(one))["reserved_fen"] == 100
        assert not await here.queue_of_unmatched()

    act(stack, dsn, tmp_path, story)


def test_half_a_file_leaves_nothing_but_a_visible_item(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        cases = await here.owe(100, 200)
        await here.sent()
        told = statement(*[moved(await here.payment(one)) for one in cases])

        assert not isinstance(await here.hear(told[: len(told) - 200]), Taken)
        assert not isinstance(await here.hear("<!DOCTYPE x>" + told), Taken)
        assert not isinstance(await here.hear(told.replace("CNY", "EUR")), Taken)

        assert await here.states() == ["SENT", "SENT"]
        assert await here.queue_of_unmatched() == ["BANK_FILE_HALF", "BANK_XML_DOCTYPE", "BANK_CURRENCY"]
        assert not await here.database.fetch("SELECT FROM statement_entry")

    act(stack, dsn, tmp_path, story)


def test_what_fits_no_payment_moves_nothing_and_waits_for_a_person(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)

        await here.hear(statement(moved(payment, end_to_end_id=reference_of(7))))
        await here.hear(statement(moved(payment, number="2", amount_fen=101)))
        await here.hear(advice(moved(payment, number="3"), account="61050162010800000999"))
        await here.hear(answered(({"end_to_end_id": "XYZ"}, "ACSP", "")))
        await here.hear(statement(entry("5.00", "CRDT"), day="2026-11-25"))

        assert await here.states() == ["SENT"]
        assert await here.queue_of_unmatched() == [
            "ENTRY_UNKNOWN_ID",
            "ENTRY_AMOUNT_DIFFERS",
            "ENTRY_ACCOUNT_DIFFERS",
            "ANSWER_UNKNOWN_ID",
            "ENTRY_UNKNOWN_CREDIT",
        ]

    act(stack, dsn, tmp_path, story)


def test_a_payment_that_is_rejected_and_paid_all_the_same_is_not_paid_again(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)
        await here.hear(answered((payment, "RJCT", "MS03")))
        await here.hear(statement(moved(payment)))

        run = await here.plan()

        assert run.planned_count == 0
        assert await here.exceptions(run) == [["PAYMENT_DISPUTED"]]
        assert await here.queue_of_unmatched() == ["ENTRY_AFTER_END"]

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("planned_to", ["plan", "approve", "queue"])
def test_what_was_planned_before_the_bank_said_that_it_was_paid_is_not_sent(
    stack: Stack, dsn: str, tmp_path: Path, planned_to: str
) -> None:
    """A debit after a rejection, while the next payment of the same order is on its way to the bank."""

    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)
        await here.hear(answered((payment, "RJCT", "MS03")))
        run = await here.plan()
        assert run.planned_count == 1
        if planned_to != "plan":
            run = await here.approve(run)
        if planned_to == "queue":
            run = await here.queue(run)

        await here.hear(statement(moved(payment)))
        await here.round()

        if planned_to == "plan":
            run = await here.approve(run)
            assert run.dropped == 1
            assert await here.exceptions(run) == [["PAYMENT_DISPUTED"]]
        elif planned_to == "approve":
            with pytest.raises(Refused) as refused:
                await here.queue(await here.run(run.id))
            assert refused.value.reasons[0].code == "RUN_DISPUTED"
        else:  # held back, and it may still be cancelled
            run = await here.run(run.id)
            assert await here.states() == ["REJECTED", "QUEUED"]
            async with here.database.transaction() as tx:
                await approving.cancel(tx, run.id, str(run.number))
            await here.round()
            assert await here.states() == ["REJECTED", "CANCELLED"]
        assert "SENT" not in await here.states()
        assert await here.queue_of_unmatched() == ["ENTRY_AFTER_END"]

    act(stack, dsn, tmp_path, story)


def test_a_duplicate_is_no_rejection(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)

        await here.hear(answered((payment, "RJCT", "AM05")))

        assert await here.states() == ["UNKNOWN"]
        assert await here.queue_of_unmatched() == ["ANSWER_DUPLICATE"]

    act(stack, dsn, tmp_path, story)


def test_a_payment_that_the_bank_makes_twice_is_told(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)

        await here.hear(statement(moved(payment), moved(payment, number="2")))

        assert await here.states() == ["RECONCILED"]
        assert await here.queue_of_unmatched() == ["ENTRY_TWICE"]

    act(stack, dsn, tmp_path, story)


def test_a_whole_file_that_is_rejected_is_each_of_its_payments(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.owe(100, 200, 300)
        run = await here.sent()
        (file,) = await here.database.fetch("SELECT message_id FROM bank_file")
        told = answered().replace("RUN-1", file["message_id"]).replace("<OrgnlPmtInfAndSts><OrgnlPmtInfId>B-1", "")
        whole = told.replace("</OrgnlPmtInfId></OrgnlPmtInfAndSts>", "").replace(
            "</OrgnlGrpInfAndSts>",
            "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts>",
        )

        await here.hear(whole)

        assert await here.states() == ["REJECTED"] * 3
        assert (await here.run(run.id)).state == RunState.SETTLED

    act(stack, dsn, tmp_path, story)


# --- UNKNOWN ----------------------------------------------------------------------------------------------------------


async def in_doubt(here: Cashier) -> asyncpg.Record:
    (one,) = await here.owe(100)
    await here.sent()
    await banking.start(here.sender)  # a restart without an answer
    return await here.payment(one)


def test_unknown_ends_by_the_statements_of_the_value_date_and_of_the_day_after(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        payment = await in_doubt(here)
        assert payment["state"] == "UNKNOWN"
        intent = (await here.database.fetch("SELECT intent_at FROM bank_file"))[0]["intent_at"]
        first, second = proof_days(civil(intent), date(2026, 11, 23), CALENDAR) or ()

        await here.hear(statement(day=f"{second}"))
        await here.round()
        assert await here.states() == ["UNKNOWN"]

        await here.hear(statement(day=f"{first}").replace("BANK-1", "BANK-2"))
        await here.round()
        assert await here.states() == ["REJECTED"]
        assert await here.handed_over() == [payment["end_to_end_id"]]
        assert (await here.plan()).planned_count == 1
        assert len(set(await here.states())) == 2

    act(stack, dsn, tmp_path, story)


def test_unknown_is_accepted_settled_or_rejected_by_the_bank(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        payment = await in_doubt(here)
        assert (await here.plan()).planned_count == 0

        await here.hear(answered((payment, "ACSP", "")))
        await here.hear(statement(moved(payment)))

        assert await here.states() == ["RECONCILED"]

    act(stack, dsn, tmp_path, story)


def test_unknown_ends_by_the_banks_word_and_two_persons_after_cut_off(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        payment = await in_doubt(here)

        async def resolve(actor: str, document: str = "工银函〔2026〕7号") -> str:
            async with here.database.transaction() as tx:
                found, _ = await resolving.resolve(here.pay, tx, payment["id"], document, actor)
                return found.state

        with pytest.raises(Refused):
            await resolve(CLERK)  # the day is not over
        await here.database.fetch("UPDATE bank_file SET intent_at = '2026-11-20', execute_on = '2026-11-20'")
        assert await resolve(CLERK) == "UNKNOWN"
        with pytest.raises(Refused):
            await resolve(CLERK)
        with pytest.raises(Refused):
            await resolve(SECOND, "another letter")
        with pytest.raises(asyncpg.CheckViolationError):
            await here.database.fetch("UPDATE unknown_resolution SET confirmed_by = proposed_by")
        assert await resolve(SECOND) == "REJECTED"

    act(stack, dsn, tmp_path, story)


# --- any order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_bank_says_in_whatever_order_the_ledger_has_what_it_paid(
    stack: Stack, dsn: str, tmp_path: Path, seed: int
) -> None:
    """A random bank: it accepts, rejects, pays, returns; what it says arrives shuffled, doubled, across runs."""

    async def story(here: Cashier) -> None:
        random = Random(seed)
        await here.owe(*[random.randint(1, 1000) for _ in range(12)])
        told: list[str] = []
        kept: dict[str, int] = {}
        for number in range(4):
            before = {one["id"] for one in await here.payments()}
            here.registry.version += 1  # whoever was refused has another account
            run = await here.plan()
            if run.planned_count:
                await here.queue(await here.approve(run))
            if random.random() < 0.3:
                await banking.start(here.sender)
            await here.round()
            for payment in await here.payments():
                if payment["id"] not in before:
                    told += fate(payment, random, kept, number)
            random.shuffle(told)
            for _ in range(random.randint(0, len(told))):
                content = told.pop()
                await here.hear(content)
                if random.random() < 0.3:
                    told.insert(random.randint(0, len(told)), content)
                await here.holds()
        for content in told:
            await here.hear(content)

        settled = {one["end_to_end_id"]: one["amount_fen"] for one in await here.payments() if one["state"] in PAID}
        assert settled == kept
        sent = await here.handed_over()
        assert len(sent) == len(set(sent))
        assert not await here.queue_of_unmatched()

    act(stack, dsn, tmp_path, story)


PAID = {"SETTLED", "RECONCILED"}


def fate(payment: asyncpg.Record, random: Random, kept: dict[str, int], number: int) -> list[str]:
    """What an honest bank says of a payment, and whether the money stays where it went."""
    day = f"2026-11-{23 + number}"
    mark = payment["end_to_end_id"][-6:]

    def named(text: str, kind: str) -> str:
        return text.replace("BANK-1", f"{kind}-{mark}").replace("<Id>S-1</Id>", f"<Id>{kind}-{mark}</Id>")

    accepted = named(answered((payment, "ACSP", ""), at="2026-11-23T16:00:00+08:00"), "A")
    match random.choice(["reject", "late reject", "pay", "pay", "return"]):
        case "reject":
            return [named(answered((payment, "RJCT", "AC04")), "J")]
        case "late reject":
            return [accepted, named(answered((payment, "RJCT", "AC06")), "J")]
        case "pay":
            kept[payment["end_to_end_id"]] = payment["amount_fen"]
            told = [accepted, named(statement(moved(payment), day=day), "S")]
            return told + [named(advice(moved(payment)), "N")] * random.randint(0, 1)
        case _:
            back = named(statement(moved(payment, why="AC04"), day=day), "R")
            return [accepted, named(statement(moved(payment), day=day), "S"), back]
