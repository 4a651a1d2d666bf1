"""What is wrong with what a bank sends gets a coded reason and an item that a person sees; nothing is lost or paid."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.treasury.model.breaks import BreakKind, Way, Why
from services.treasury.store import days
from services.treasury.usecases.hearing import Taken
from tests.treasury.bank.answers import entry
from tests.treasury.cashier import Cashier, act, advice, answered, moved, statement
from tests.treasury.reconciler import FIRST, LAST, Reconciler, against_the_rows

pytestmark = pytest.mark.integration
REFUSED = ["ACCOUNT_REFUSED_BY_BANK", "BE01"]


BOMB = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>'
OUTSIDE = '<!DOCTYPE Document [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'


def test_bombs_entities_currencies_and_other_messages_are_items_and_move_nothing(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)
        good = statement(moved(payment))
        head, body = good.split("?>", 1)
        bad = {
            f"{head}?>{BOMB}{body}": "BANK_XML_DOCTYPE",
            f"{head}?>{OUTSIDE}{body.replace('S-1', '&secret;')}": "BANK_XML_DOCTYPE",
            good.replace("CNY", "USD"): "BANK_CURRENCY",
            good.replace("camt.053.001.08", "camt.053.001.02"): "BANK_MESSAGE_UNEXPECTED",
            good[: len(good) // 2]: "BANK_FILE_HALF",
            good.replace("<Amt Ccy='CNY'>1.00</Amt>", "<Amt Ccy='CNY'>1.001</Amt>"): "BANK_AMOUNT_FRACTION",
            good.replace("<Amt Ccy='CNY'>1.00</Amt>", "<Amt Ccy='CNY'>9999999999999999.99</Amt>"): (
                "BANK_AMOUNT_MALFORMED"
            ),
        }

        for content in bad:
            assert not isinstance(await here.hear(content), Taken)
            assert not isinstance(await here.hear(content), Taken)  # twice is one item

        assert await here.queue_of_unmatched() == list(bad.values())
        assert await here.states() == ["SENT"]
        assert not await here.database.fetch("SELECT FROM statement_entry")

    act(stack, dsn, tmp_path, story)


def test_days_of_sums_that_no_bigint_holds_are_reconciled_and_listed(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        await here.hear(statement(entry("1.00")))
        await here.database.fetch(
            """INSERT INTO statement_entry (message_id, number, is_statement, key, account, end_to_end_id, amount_fen,
                                            is_credit, is_reversal, value_on, reference, return_reason)
               SELECT message_id, 100 + n, true, int8send(n), account, '', 999999999999999999, true, false, value_on,
                      'R' || n, ''
               FROM statement_entry, generate_series(1, 10) AS n"""
        )
        await here.database.fetch(
            """INSERT INTO statement_page (message_id, number, account, report_id, sequence, page, is_last, day,
                                           opening_fen, closing_fen, booked_fen)
               SELECT message_id, 100 + n, account, 'HUGE', '', n, n = 10, day, 0, 0, 999999999999999999
               FROM statement_page, generate_series(1, 10) AS n"""
        )

        await Reconciler(here).reconcile()

        listed = await days.reconciled_days(here.database, "", FIRST, LAST)
        assert 10**18 in [one.statement_fen for one in listed]
        assert "BALANCE" in await Reconciler(here).kinds()

    act(stack, dsn, tmp_path, story)


def test_a_file_with_a_wrong_hash_in_a_folder_is_an_item(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        inbox = tmp_path / "bank" / "inbox"
        (inbox / "s.xml").write_text(statement(), "utf-8")
        (inbox / "s.xml.sha256").write_text("00" * 32, "utf-8")

        await here.round()
        found = await here.round()
        await here.round()

        assert found.refused == 1
        assert await here.queue_of_unmatched() == ["BANK_FILE_HASH"]
        assert list((tmp_path / "bank" / "refused").glob("*/*.s.xml.reasons"))

    act(stack, dsn, tmp_path, story)


def test_a_closed_account_is_rejected_with_the_banks_reason_and_its_money_is_reserved_again(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        payment = await here.payment(one)

        await here.hear(answered((payment, "RJCT", "AC04")))
        await here.hear(answered((payment, "ACSP", ""), at="2026-11-23T16:00:00+08:00"))  # said before, heard after

        after = await here.payment(one)
        assert (after["state"], after["reason"]) == ("REJECTED", "AC04")
        order = await here.counter.order(one)
        assert (order["reserved_fen"], order["settled_fen"]) == (100, 0)
        assert not await here.queue_of_unmatched()

    act(stack, dsn, tmp_path, story)


def test_an_account_in_another_name_is_an_item_and_its_order_is_not_paid_before_two_persons_explain_it(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        rejected, returned = await here.owe(100, 200)
        await here.sent()
        first, second = await here.payment(rejected), await here.payment(returned)

        for _ in range(2):  # the same words again, in other messages
            await here.hear(answered((first, "RJCT", "BE01")))
            await here.hear(statement(moved(second)))
            await here.hear(advice(moved(second, why="BE01")))
            await here.hear(statement(moved(second, why="BE01"), day="2026-11-24"))

        assert await here.queue_of_unmatched() == ["ANSWER_NAME_DIFFERS", "RETURN_NAME_DIFFERS"]
        assert [(one["state"], one["reason"]) for one in await here.payments()] == [
            ("REJECTED", "BE01"),
            ("RETURNED", "BE01"),
        ]
        run = await here.plan()
        assert (run.planned_count, await here.exceptions(run)) == (0, [["PAYMENT_DISPUTED", *REFUSED]] * 2)

        desk = Reconciler(here)
        for one in await desk.open():
            assert (one.kind, one.effect_fen) == (BreakKind.ANSWER, 0)
            await desk.ends(one, Way.EXPLAINED, why=Why.BANK_CONFIRMED)
        assert await here.exceptions(await here.plan()) == [REFUSED] * 2  # explained, and still the same account
        here.registry.version = 2
        assert (await here.plan()).planned_count == 2
        await against_the_rows(here.database)

    act(stack, dsn, tmp_path, story)


def test_a_payee_whose_account_is_in_another_name_at_the_registry_is_an_exception_and_not_paid(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        other = "01930000-0000-7000-8000-00000000000f"
        (bad,), (good,) = await here.owe(100, payee=other), await here.owe(200)
        here.registry.said[other] = ("HOLDER_DIFFERS",)

        run = await here.sent()

        assert await here.exceptions(run) == [["HOLDER_DIFFERS"]]
        assert (await here.states(bad), await here.states(good)) == ([], ["SENT"])

    act(stack, dsn, tmp_path, story)
