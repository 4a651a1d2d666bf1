"""A bank role that is killed at any moment: `python -m tests.treasury.sending_again <dsn> <key> <folder>`.

A fourth argument says after how many ids it kills itself.

It sends what is queued and takes in what lies in `<folder>/said`, once through, and ends. Its bank writes down every
end-to-end id that reaches it, one by one, as bytes on a wire would.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

from services.kit import db
from services.kit.clock import Clock
from services.kit.messages import Reason
from services.kit.seal import Sealer
from services.treasury.bank import Handover, Outgoing, Received, Standing
from services.treasury.bank.placing import content_of
from services.treasury.rules import LAW
from services.treasury.usecases import Desk, banking
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.usecases.sending import Sender
from tests.treasury.cashier import OURS, Registry
from tests.treasury.counter import FUND, TODAY


class NotingBank:
    """Takes whatever comes, as often as it comes, and tells."""

    def __init__(self, root: Path, dies_after: int | None = None) -> None:
        self.root, self.dies_after = root, dies_after

    async def send(self, file: Outgoing) -> Handover:
        with (self.root / "wire").open("ab", buffering=0) as wire:
            for number, part in enumerate(file.path.read_text("utf-8").split("<EndToEndId>")[1:]):
                self._die_at(number)
                wire.write(part.split("<")[0].encode() + b"\n")
        self._die_at(number + 1)
        return Handover.TAKEN

    def _die_at(self, number: int) -> None:
        if number == self.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)

    async def answers(self, since: datetime | None = None) -> AsyncIterator[Received]:
        for path in sorted((self.root / "said").glob("*.xml")):
            yield Received(path, path.name, "", content_of(path).sha256)

    async def statements(self, since: datetime) -> AsyncIterator[Received]:
        async for received in self.answers(since):
            yield received

    async def status(self, end_to_end_id: str) -> Standing | None:
        return None

    async def done(self, received: Received) -> None:
        received.path.rename(received.path.with_suffix(".done"))

    async def refused(self, received: Received, reasons: Sequence[Reason]) -> None:
        received.path.rename(received.path.with_suffix(".refused"))


async def main(dsn: str, key: str, root: Path, dies_after: int | None) -> None:
    async with db.connect(dsn) as database:
        desk = Desk(Clock(TODAY), LAW, Sealer.from_base64(key))
        pay = PayDesk(desk, database, Registry().payees, {FUND: OURS})
        sender = Sender(pay, {OURS.code: NotingBank(root, dies_after)}, root / "spool")
        await banking.start(sender)
        await banking.round_of(sender)


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]) if sys.argv[4:] else None))
