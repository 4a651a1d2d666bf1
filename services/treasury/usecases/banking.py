"""What the one process that talks to banks does, again and again: send, hear, ask, prove. Each may be done twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from services.kit import telemetry
from services.kit.timer import narrowed
from services.treasury.bank import Bank, Received
from services.treasury.bank.reading import BYTES_MAX
from services.treasury.store import breaks, heard
from services.treasury.usecases import adopting, hearing, holding, reconciling, resolving, running, sending
from services.treasury.usecases.hearing import Taken
from services.treasury.usecases.sending import Sender

PATIENCE: Final = timedelta(days=1)  # with a bank that has taken a file and says nothing of it
HEARD_AGAIN: Final = timedelta(days=1)
_EVER: Final = datetime.min.replace(tzinfo=UTC)
MESSAGES_MAX: Final = 1000  # of a bank, each time


class Round(NamedTuple):
    """What one round came to."""

    files: int = 0
    messages: int = 0
    refused: int = 0
    resolved: int = 0


async def start(sender: Sender) -> int:
    """First of all, once: what may have left and was not answered is in doubt. Answers how many payments are.

    Banks are heard again a little further back than the database knows: one that was restored hears what it has lost.
    """
    known_at = await heard.last_received(sender.pay.database)
    for bank in _banks(sender):
        await _hear(sender, bank, known_at - HEARD_AGAIN if known_at else _EVER)
    return await sending.doubt(sender.pay)


async def round_of(sender: Sender) -> Round:
    hold = await holding.look(sender.pay, sender.spool)
    telemetry.HOLD.set(hold is not None)
    await running.advance_all(sender.pay)
    files = 0 if hold else await sending.send_all(sender)
    messages = refused = 0
    await hearing.apply_all(sender.pay)
    for bank in _banks(sender):
        taken, not_taken = await _hear(sender, bank, hold.since_at if hold else None)
        messages, refused = messages + taken, refused + not_taken
    if hold:
        await adopting.adopt(sender.pay, hold)
    await sending.doubt(sender.pay, PATIENCE)
    resolved = await resolving.ask(sender.pay, sender.banks) + await resolving.prove(sender.pay)
    await reconciling.reconcile(sender.pay)
    unknown, unmatched = await heard.open_questions(sender.pay.database)
    telemetry.PAYMENTS_UNKNOWN.set(unknown)
    telemetry.UNMATCHED.set(unmatched)
    oldest = await breaks.oldest_open(sender.pay.database)
    telemetry.BREAK_AGE_S.set((sender.pay.desk.clock.now() - oldest).total_seconds() if oldest else 0)
    return Round(files, messages, refused, resolved)


def _banks(sender: Sender) -> list[Bank]:
    """Each once: several of our accounts may be at one."""
    return list({id(bank): bank for bank in sender.banks.values()}.values())


async def _hear(sender: Sender, bank: Bank, since: datetime | None) -> tuple[int, int]:
    """Take in what a bank has said; it is told only of what is committed. From an instant on, also what it was told of
    before, all of it.
    """
    looked = taken = refused = 0

    async def one(some: Sequence[Received]) -> int:
        (received,) = some
        if received.problem:
            await hearing.refuse(sender.pay, received.name, received.sha256, [received.problem])
            await bank.refused(received, [received.problem])
            return -1
        found = await hearing.take_in(sender.pay, received.path, received.name, "bank", BYTES_MAX)
        if isinstance(found, Taken):
            await bank.done(received)
            return 1
        await bank.refused(received, found)
        return -1

    async for received in bank.answers(since):
        became = await narrowed(one, [received], lambda received: received.name)
        looked, taken, refused = looked + 1, taken + (became > 0), refused + (became < 0)
        if looked >= MESSAGES_MAX and since is None:
            break
    return taken, refused
