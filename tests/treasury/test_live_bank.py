"""GC22 against mock-bank, the independent bank: a closed account, a late return, then paid; one expense, once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.treasury.bank.folder import Folders
from services.treasury.bank.live import LiveBank
from services.treasury.model import Paying
from services.treasury.store import runs
from services.treasury.usecases import banking, running
from tests.kit.live import new_database
from tests.treasury.bank.builders import CLOSED, MOCK_DEBTOR
from tests.treasury.bank.mock import MockBank
from tests.treasury.bank.mock import running as mock_bank
from tests.treasury.cashier import Cashier, account, cashier, new_run

pytestmark = pytest.mark.integration
OURS = Paying("mock", MOCK_DEBTOR.name, MOCK_DEBTOR.account, MOCK_DEBTOR.bank_code, "NL41MOCK0000000001")
SHE = "01930000-0000-7000-8000-000000000001"
ALLOWANCE = 1_960_000


@pytest.fixture
def mock() -> Iterator[MockBank]:
    with mock_bank() as bank:
        yield bank


async def attempt(here: Cashier, mock: MockBank, on: date, returned: str = "") -> None:
    """A run of what is payable, sent; the bank's days pass, and it is heard."""
    run = new_run()._replace(execute_on=on)
    async with here.database.transaction() as tx:
        await runs.new_run(tx, run)
    run = await here.approve(await running.advance(here.pay, run.id))
    if returned:
        payment = (await here.payments())[-1]
        what = {"days": 1, "reason": returned, "end_to_end_id": payment["end_to_end_id"]}
        mock.behave(behaviour="return-later", parameters=what)
    await here.queue(run)
    for _ in range(6):
        await here.round()
        mock.days_pass()
    await here.round()


def test_a_closed_account_then_a_late_return_then_paid_once(stack: Stack, mock: MockBank, tmp_path: Path) -> None:
    async def story() -> None:
        bank = LiveBank(
            mock.url, Folders(tmp_path / "bank"), timeout_s=10.0, answer_bytes_max=64 << 20, authorization=None
        )
        async with cashier(stack, new_database(stack, "treasury"), tmp_path, bank, OURS) as here:
            await here.counter.give(10_000_000)
            mock.behave(balance=1_000_000_000)
            here.registry.said[SHE] = account(number=CLOSED)
            (one,) = await here.owe(ALLOWANCE, payee=SHE)

            mock.behave(behaviour="closed-account", parameters={"creditor_account": CLOSED})
            await attempt(here, mock, date(2026, 11, 26))
            assert await here.states(one) == ["REJECTED"]
            assert (await here.payment(one))["reason"] == "AC04"

            here.registry.said[SHE] = account(version=2)
            await attempt(here, mock, date(2026, 12, 4), returned="AC04")
            assert await here.states(one) == ["REJECTED", "RETURNED"]

            here.registry.said[SHE] = account(version=3)
            mock.behave(behaviour="accept", parameters={})
            await attempt(here, mock, date(2026, 12, 10))

            assert await here.states(one) == ["REJECTED", "RETURNED", "RECONCILED"]
            first, second, third = await here.payments(one)
            assert (second["reissue_of"], third["reissue_of"]) == (first["id"], second["id"])
            assert (await here.counter.order(one))["settled_fen"] == ALLOWANCE
            assert await here.told(one) == ["sent", "failed", "sent", "settled", "returned", "sent", "settled"]
            assert not await here.queue_of_unmatched()
            await here.holds()

    asyncio.run(story())


def test_a_bank_that_says_nothing_is_asked_and_never_sent_to_again(
    stack: Stack, mock: MockBank, tmp_path: Path
) -> None:
    async def story() -> None:
        bank = LiveBank(
            mock.url, Folders(tmp_path / "bank"), timeout_s=10.0, answer_bytes_max=64 << 20, authorization=None
        )
        async with cashier(stack, new_database(stack, "treasury"), tmp_path, bank, OURS) as here:
            await here.counter.give(10_000_000)
            mock.behave(balance=1_000_000_000, behaviour="silent")
            (one,) = await here.owe(ALLOWANCE)
            run = new_run()._replace(execute_on=date(2026, 11, 27))
            async with here.database.transaction() as tx:
                await runs.new_run(tx, run)
            await here.queue(await here.approve(await running.advance(here.pay, run.id)))
            await here.round()
            assert await here.states(one) == ["SENT"]

            await banking.start(here.sender)
            await here.round()
            assert await here.states(one) in (["UNKNOWN"], ["ACCEPTED"])
            for _ in range(4):
                mock.days_pass()
                await here.round()

            assert await here.states(one) == ["RECONCILED"]
            await here.holds()

    asyncio.run(story())
