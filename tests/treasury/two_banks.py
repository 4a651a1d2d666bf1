"""A treasury that pays two funds through two mock-banks, and bugs planted in its database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from cradle.treasury.v1 import money_pb2

from deploy.local.stack import Stack
from services.treasury.bank.folder import Folders
from services.treasury.bank.live import LiveBank
from services.treasury.model import Paying, Pot, Run
from services.treasury.store import runs
from services.treasury.usecases import running
from tests.treasury.bank.builders import MOCK_DEBTOR
from tests.treasury.bank.mock import MockBank
from tests.treasury.bank.mock import running as mock_bank
from tests.treasury.cashier import Cashier, cashier, new_run
from tests.treasury.counter import COUNTY, FUND

ONE, TWO = "one", "two"
_OTHER_FUND: Final = "RESIDENT_INSURANCE"
_NOBODY: Final = "http://127.0.0.1:9"  # nothing listens there
_HELD: Final = {ONE: ("ACME", "0000000001", "NL41MOCK0000000001"), TWO: ("GLOBEX", "0000000002", "NL14MOCK0000000002")}
_EXECUTE_ON: Final = date(2026, 11, 27)  # the day after the banks' today: nothing is booked before days pass


@dataclass
class TwoBanks:
    here: Cashier
    mocks: dict[str, MockBank]

    async def owe(self, code: str, *amounts: int) -> list[str]:
        fund = money_pb2.FUND_EMPLOYEE_INSURANCE if code == ONE else money_pb2.FUND_RESIDENT_INSURANCE
        return await self.here.owe(*amounts, fund=fund)

    async def queued(self) -> Run:
        run = new_run()._replace(execute_on=_EXECUTE_ON)
        async with self.here.database.transaction() as tx:
            await runs.new_run(tx, run)
        return await self.here.queue(await self.here.approve(await running.advance(self.here.pay, run.id)))

    def goes_away(self, code: str) -> None:
        self.here.sender.banks[code] = self._bank(code, _NOBODY)

    def comes_back(self, code: str) -> None:
        self.here.sender.banks[code] = self._bank(code, self.mocks[code].url)

    def _bank(self, code: str, url: str) -> LiveBank:
        folders = Folders(self.here.root / code)
        return LiveBank(url, folders, timeout_s=10.0, answer_bytes_max=64 << 20, authorization=None)

    async def rounds(self, count: int = 6) -> None:
        """The banks' days pass, and they are heard."""
        for _ in range(count):
            await self.here.round()
            for mock in self.mocks.values():
                mock.days_pass()
        await self.here.round()


@asynccontextmanager
async def two_banks(stack: Stack, dsn: str, root: Path) -> AsyncIterator[TwoBanks]:
    with ExitStack() as open_now:
        mocks = {code: open_now.enter_context(mock_bank()) for code in _HELD}
        for code, (account, _, _) in _HELD.items():
            mocks[code].behave(account, balance=10**12, behaviour="accept", parameters={})
        async with cashier(stack, dsn, root) as here:
            for pot in (Pot(FUND, COUNTY, "MATERNITY", 2026), Pot(_OTHER_FUND, COUNTY, "MATERNITY", 2026)):
                await here.counter.give(100_000_000, pot)
            paying = {
                fund: Paying(code, MOCK_DEBTOR.name, _HELD[code][1], MOCK_DEBTOR.bank_code, _HELD[code][2])
                for fund, code in ((FUND, ONE), (_OTHER_FUND, TWO))
            }
            here.pay = replace(here.pay, paying=paying)
            here.sender = replace(here.sender, pay=here.pay, banks={})
            town = TwoBanks(here, mocks)
            for code in _HELD:
                town.comes_back(code)
            yield town


def play(stack: Stack, dsn: str, root: Path, story: Callable[[TwoBanks], Awaitable[None]]) -> None:
    """At its end all that always holds is looked at."""

    async def run() -> None:
        async with two_banks(stack, dsn, root) as town:
            await story(town)
            await town.here.holds()

    asyncio.run(run())
