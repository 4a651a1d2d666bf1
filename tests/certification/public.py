"""The public page served in this process, and what it is asked about, as data."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from services.certification.api.public import Public, serving
from services.certification.credential import Keys, Lists, Place, address, issue
from services.certification.issued import Found, Issued, Outcome, Verification, known, unknown
from services.certification.usecases.verifying import Desk, Register
from services.kit.clock import Clock
from tests.certification.paper import ISSUED, KEYS, URL, lists

OUTCOMES: dict[str, Found] = {
    "BJ-FFE-2026-000001": Outcome.VALID,
    "BJ-FFE-2026-000002": Outcome.SUSPENDED,
    "BJ-FFE-2026-000003": Outcome.REVOKED,
    "BJ-FFE-2026-000004": Outcome.EXPIRED,
}
VALID, SUSPENDED, REVOKED, EXPIRED = OUTCOMES


def certificate(number: str) -> Issued:
    ends = date(2024, 11, 30) if OUTCOMES[number] is Outcome.EXPIRED else date(2099, 11, 30)
    return replace(ISSUED, number=number, valid_to=ends, awarded_on=date(2021, 12, 1))


def place(number: str) -> Place:
    return Place.of(int(number[-6:]) - 1)


def credential(number: str, keys: Keys = KEYS) -> str:
    return issue(certificate(number), place(number), URL, keys)


def code(number: str, keys: Keys = KEYS) -> str:
    return address(number, URL, keys).partition("?code=")[2]


@dataclass
class Known:
    """The register, as data: the port that the tables of certificates fill in a process."""

    keys: Keys = KEYS
    away: bool = False
    slow: asyncio.Event | None = None
    asked: list[str] = field(default_factory=list)
    entered: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def verified(self, number: str, now: datetime) -> Verification:
        self.asked.append(number)
        self.entered.put_nowait(number)
        if self.away:
            raise OSError
        if self.slow is not None:
            await self.slow.wait()
        found = OUTCOMES.get(number)
        return unknown(now) if found is None else known(found, certificate(number), now)

    async def lists(self, sheet: int, now: datetime) -> Lists | None:
        if sheet:
            return None
        return lists(revoked=[place(REVOKED).index], suspended=[place(SUSPENDED).index], keys=self.keys, now=now)


@asynccontextmanager
async def public(register: Register | None = None, at_once_max: int = 32, keys: Keys = KEYS) -> AsyncIterator[str]:
    """Its address."""
    desk = Desk(register or Known(keys), keys, URL, Clock())
    async with serving(Public(desk, at_once_max), "127.0.0.1:0") as address_:
        yield f"http://{address_}"


@contextmanager
def public_beside() -> Iterator[str]:
    """The same in a thread, for who asks without asyncio."""
    ready, done, found = threading.Event(), asyncio.Event(), list[str]()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with public() as address_:
            found.append(address_)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()
