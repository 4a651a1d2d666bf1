"""Goes on with runs and kills itself: `python -m tests.crash.advancing <dsn> <key> payees|now <times>`.

At the question to the registry, or the look at the clock, of that number: between two chunks, or inside of one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.kit import db
from services.kit.clock import Clock
from services.kit.seal import Sealer
from services.treasury.model import Payee
from services.treasury.rules import LAW
from services.treasury.rules.planning import Known
from services.treasury.usecases import Desk, running
from services.treasury.usecases.paydesk import PayDesk
from tests.treasury.cashier import OURS, Registry
from tests.treasury.counter import FUND, TODAY


def dying(times: int) -> Callable[[], None]:
    left = [times]

    def step() -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def never() -> None:
    pass


@dataclass(frozen=True, slots=True)
class DyingClock(Clock):
    step: Callable[[], None] = never

    def now(self) -> datetime:
        self.step()
        return Clock.now(self)


async def main(dsn: str, key: str, where: str, times: int) -> None:
    step = dying(times)
    registry, clock = Registry(), DyingClock(TODAY, step) if where == "now" else Clock(TODAY)

    async def payees(wanted: Sequence[Payee]) -> Mapping[Payee, Known]:
        if where == "payees":
            step()
        return await registry.payees(wanted)

    async with db.connect(dsn) as database:
        pay: Any = PayDesk(Desk(clock, LAW, Sealer.from_base64(key)), database, payees, {FUND: OURS})
        await running.advance_all(pay)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
