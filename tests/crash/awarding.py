"""Awards certificates without end, to be killed: `python -m tests.crash.awarding <dsn>`.."""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Any
from uuid import uuid4

from services.certification.rules import shipped
from services.certification.usecases import Desk
from services.certification.usecases.issuing import Issuing
from services.kit import db
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from tests.certification.holder import AWARDED, Holder
from tests.certification.paper import KEYS, URL


async def award(dsn: str) -> None:
    nothing: Any = None
    async with db.connect(dsn) as database:
        desk = Desk(
            database, Clock(AWARDED), nothing, CALENDAR, shipped(), nothing, allows_drafts=True,
            issuing=Issuing(URL, KEYS),
        )  # fmt: skip
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for _ in itertools.count():
            await Holder(desk, uuid4()).awarded()


if __name__ == "__main__":
    asyncio.run(award(sys.argv[1]))
