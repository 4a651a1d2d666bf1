"""Two banks: one that is away, or a bug about one message, run or payment, stops nothing else. mock-bank is both."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from deploy.local.stack import Stack
from services.kit.errors import Refused
from services.treasury.model.breaks import Break, Way, Why
from services.treasury.store import breaks, heard
from services.treasury.store.breaks import Wanted
from services.treasury.usecases import approving, banking, explaining, resolving
from services.treasury.usecases.hearing import Taken
from tests.treasury.bugs import mend, plant
from tests.treasury.cashier import CLERK, SECOND
from tests.treasury.reconciler import Reconciler
from tests.treasury.two_banks import ONE, TWO, TwoBanks, play

pytestmark = pytest.mark.integration


def is_away(code: str) -> float | None:
    return REGISTRY.get_sample_value("cradle_bank_away", {"account": code})


async def open_breaks(town: TwoBanks) -> list[Break]:
    return await breaks.list_breaks(town.here.database, Wanted(True, "", "", None), None, 100)


async def retry(town: TwoBanks, one: Break) -> Break:
    async with town.here.database.transaction() as tx:
        return await explaining.retry(town.here.pay, tx, one.id, str(one.number), actor=CLERK)


def test_a_bank_that_is_away_stops_neither_the_start_nor_the_other(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(town: TwoBanks) -> None:
        here = town.here
        (first,), (second,) = await town.owe(ONE, 100), await town.owe(TWO, 200)
        await town.queued()
        town.goes_away(TWO)

        await banking.start(here.sender)
        found = await here.round()

        assert (found.files, found.away) == (1, 1)
        assert (is_away(ONE), is_away(TWO)) == (0, 1)
        await town.rounds()
        assert await here.states(first) == ["RECONCILED"]
        assert await here.states(second) == ["QUEUED"]  # nothing is sent to a bank that was not heard since the start

        town.comes_back(TWO)
        await town.rounds()
        assert is_away(TWO) == 0
        assert await here.states(second) == ["RECONCILED"]
        assert not await here.queue_of_unmatched()

    play(stack, dsn, tmp_path, story)


def test_a_bank_that_goes_away_is_sent_nothing_and_the_other_is_asked(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(town: TwoBanks) -> None:
        here = town.here
        for account, mock in (("ACME", town.mocks[ONE]), ("GLOBEX", town.mocks[TWO])):
            mock.behave(account, behaviour="silent")
        (first,), (second,) = await town.owe(ONE, 100), await town.owe(TWO, 200)
        await town.queued()
        await here.round()
        await banking.start(here.sender)
        assert await here.states() == ["UNKNOWN", "UNKNOWN"]
        town.goes_away(ONE)

        assert await resolving.ask(here.pay, here.sender.banks) == 1
        await here.round()

        assert (await here.states(first), await here.states(second)) == (["UNKNOWN"], ["ACCEPTED"])
        (third,), (fourth,) = await town.owe(ONE, 300), await town.owe(TWO, 400)
        await town.queued()
        assert (await here.round()).away == 1
        assert (await here.states(third), await here.states(fourth)) == (["SENT"], ["SENT"])
        handed = await here.database.fetch("SELECT paying_account, handover FROM bank_file ORDER BY id DESC LIMIT 2")
        assert {tuple(one) for one in handed} == {(ONE, "NOT_SENT"), (TWO, "TAKEN")}

        town.comes_back(ONE)
        await town.rounds()
        assert await here.states() == ["RECONCILED"] * 4

    play(stack, dsn, tmp_path, story)


def test_a_message_that_a_bug_is_about_is_set_aside_until_a_person_has_it_worked_again(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(town: TwoBanks) -> None:
        here = town.here
        (first,), (second,) = await town.owe(ONE, 100), await town.owe(TWO, 200)
        await town.queued()
        await plant(here.database, "payment", "NEW.amount_fen = 100 AND NEW.state = 'ACCEPTED'")

        await town.rounds()
        await banking.start(here.sender)

        assert await here.states(second) == ["RECONCILED"]
        assert await here.states(first) == ["RECONCILED"]  # by its statement; what was answered waits
        (item,) = await open_breaks(town)
        assert (item.kind, item.code, dict(item.reasons[0].values)["applied"]) == ("FILE", "BANK_MESSAGE_STOPPED", "0")
        assert not await heard.unapplied(here.database)
        assert item.number == 1  # it was tried once

        with pytest.raises(Refused) as refused:
            await Reconciler(here).explain(item, Way.EXPLAINED, why=Why.SENT_AGAIN)
        assert refused.value.reasons[0].code == "BREAK_RETRY_ONLY"
        again = await retry(town, item)
        await here.round()
        assert [one.step for one in await breaks.steps(here.database, item.id)] == ["RETRIED", "HEALED"]
        assert again.is_open
        assert not await open_breaks(town)

    play(stack, dsn, tmp_path, story)


def test_a_stopped_message_holds_up_the_proof_of_its_account_alone(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(town: TwoBanks) -> None:
        here = town.here
        await town.owe(ONE, 100)
        await town.owe(TWO, 200)
        await town.queued()
        await here.round()
        await plant(here.database, "payment", "NEW.amount_fen = 100 AND NEW.state IN ('SETTLED', 'RECONCILED')")

        await town.rounds()

        accounts = [one.known_as for one in here.pay.paying.values()]
        covered = await heard.covered(here.database, accounts, here.counter.desk.clock.today())
        assert set(covered) == {"NL14MOCK0000000002"}
        stopped = await open_breaks(town)
        assert {one.code for one in stopped} == {"BANK_MESSAGE_STOPPED"}
        assert await here.states() == ["ACCEPTED", "RECONCILED"]

        await retry(town, stopped[0])
        await here.round()
        (same, *_) = await open_breaks(town)
        assert (same.id, same.is_open) == (stopped[0].id, True)  # the bug is there still: it waits again

        await mend(here.database, "payment")
        for one in await open_breaks(town):
            await retry(town, one)
        await here.round()
        assert await here.states() == ["RECONCILED", "RECONCILED"]
        assert not await open_breaks(town)
        assert set(await heard.covered(here.database, accounts, here.counter.desk.clock.today())) == set(accounts)

    play(stack, dsn, tmp_path, story)


def test_what_a_bug_keeps_from_being_read_is_kept_and_imported_again(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(town: TwoBanks) -> None:
        here = town.here
        (first,), (second,) = await town.owe(ONE, 100), await town.owe(TWO, 200)
        await town.queued()
        mark = (await here.payment(first))["end_to_end_id"]
        await plant(here.database, "bank_answer", f"NEW.end_to_end_id = '{mark}'")

        await here.round()
        await here.round()

        assert await here.states(second) == ["ACCEPTED"]
        assert await here.states(first) == ["SENT"]
        assert await here.queue_of_unmatched() == ["BANK_MESSAGE_UNREAD"]
        (kept,) = [path for path in (tmp_path / ONE / "refused").glob("*/*") if path.suffix == ".xml"]
        assert kept.with_name(f"{kept.name}.reasons").exists()

        await mend(here.database, "bank_answer")
        assert isinstance(await here.hear(kept.read_bytes()), Taken)
        assert await here.states(first) == ["ACCEPTED"]
        assert not await here.queue_of_unmatched()

    play(stack, dsn, tmp_path, story)


def test_a_run_and_a_file_with_a_bug_stop_no_other(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """A run whose money cannot be committed, a file that cannot be written, and beside them one that goes its way."""

    async def story(town: TwoBanks) -> None:
        here = town.here
        (first,), (second,) = await town.owe(ONE, 100), await town.owe(TWO, 200)
        await town.queued()
        await here.database.fetch("UPDATE payment SET account_hash = 'x' WHERE amount_fen = 100 RETURNING 1")
        (third,) = await town.owe(TWO, 300)
        run = await here.plan()
        await plant(here.database, "payment", "NEW.amount_fen = 300 AND NEW.state = 'RESERVED'")
        async with here.database.transaction() as tx:
            await approving.approve(here.pay, tx, run.id, str(run.number), plan_hash=run.plan_hash, actor=SECOND)

        await town.rounds()

        states = [await here.states(one) for one in (first, second, third)]
        assert states == [["QUEUED"], ["RECONCILED"], ["CREATED"]]

        await mend(here.database, "payment")
        await here.round()
        assert (await here.run(run.id)).is_ready

    play(stack, dsn, tmp_path, story)


def test_of_payments_that_are_proven_not_to_be_paid_one_stops_no_other(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(town: TwoBanks) -> None:
        here = town.here
        (first,), (other,), (second,) = await town.owe(ONE, 100), await town.owe(ONE, 150), await town.owe(TWO, 200)
        town.mocks[ONE].behave("ACME", behaviour="silent")
        town.mocks[TWO].behave("GLOBEX", behaviour="silent")
        await town.queued()
        await here.round()
        await banking.start(here.sender)
        (one, two) = [paying.known_as for paying in here.pay.paying.values()]

        async def statements_come(account: str) -> None:
            await here.database.fetch(
                "INSERT INTO statement_day SELECT $1, d, 0 "
                "FROM generate_series('2026-11-23'::date, now() + interval '30 days', '1 day') AS d RETURNING 1",
                account,
            )

        # Of one bank the statements are not here: its payments, older ones, keep no other's waiting.
        await statements_come(two)
        assert await resolving.prove(here.pay, 1) == 1
        assert await here.states(second) == ["REJECTED"]

        await statements_come(one)
        await plant(here.database, "payment", "NEW.amount_fen = 100 AND NEW.state = 'REJECTED'")

        assert await resolving.prove(here.pay) == 1

        assert (await here.states(first), await here.states(other)) == (["UNKNOWN"], ["REJECTED"])
        await mend(here.database, "payment")
        assert await resolving.prove(here.pay) == 1

    play(stack, dsn, tmp_path, story)
