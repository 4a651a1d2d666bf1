"""What the one process that talks to banks does, again and again: send, hear, ask, prove. Each may be done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from services.kit import telemetry
from services.kit.timer import apart, narrowed
from services.treasury.bank import Bank, Received
from services.treasury.bank.reading import BYTES_MAX
from services.treasury.store import breaks, heard
from services.treasury.store import holding as holds
from services.treasury.usecases import adopting, hearing, holding, reconciling, resolving, running, sending
from services.treasury.usecases.hearing import Taken
from services.treasury.usecases.sending import Sender, Unheard

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
    away: int = 0  # banks that could not be heard


class _AtBank(NamedTuple):
    """A bank, and our accounts at it."""

    bank: Bank
    accounts: tuple[str, ...]


async def start(sender: Sender) -> int:
    """First of all, once: what may have left and was not answered is in doubt. Answers how many payments are.

    Banks are heard again a little further back than the database knows: one that was restored hears what it has lost.
    One that is away is heard so when it is back, and nothing is sent to it before.
    """
    await holding.look(sender.pay, sender.spool)  # before anything is heard: statements are needed from here on
    received_at = await heard.last_received(sender.pay.database)
    known_at, _ = await holds.last_known(sender.pay.database)
    unheard = Unheard(received_at - HEARD_AGAIN if received_at else _EVER, known_at)
    sender.unheard.update(dict.fromkeys(sender.banks, unheard))
    await _hear_all(sender, None)
    return await sending.doubt(sender.pay)


async def round_of(sender: Sender) -> Round:
    hold = await holding.look(sender.pay, sender.spool)
    telemetry.HOLD.set(hold is not None)
    await running.advance_all(sender.pay)
    files = 0 if hold else await sending.send_all(sender)
    await hearing.apply_all(sender.pay)
    counted, heard_now = await _hear_all(sender, hold.since_at if hold else None)
    is_whole = hold is None or await holding.is_whole(sender.pay, sender.pay.database, hold)
    if hold:
        await adopting.adopt(sender.pay, hold, is_whole=is_whole)
    await sending.doubt(sender.pay, PATIENCE)
    resolved = await resolving.ask(sender.pay, {code: sender.banks[code] for code in heard_now})
    await reconciling.reconcile(sender.pay)
    if is_whole:  # in a HOLD it may have left on any day since the backup
        resolved += await resolving.prove(sender.pay)
    unknown, unmatched = await heard.open_questions(sender.pay.database)
    telemetry.PAYMENTS_UNKNOWN.set(unknown)
    telemetry.UNMATCHED.set(unmatched)
    oldest = await breaks.oldest_open(sender.pay.database)
    telemetry.BREAK_AGE_S.set((sender.pay.desk.clock.now() - oldest).total_seconds() if oldest else 0)
    return Round(files, counted["messages"], counted["refused"], resolved, counted["away"])


def _banks(sender: Sender) -> list[_AtBank]:
    """Each once: several of our accounts may be at one."""
    found: dict[int, _AtBank] = {}
    for code, bank in sender.banks.items():
        found[id(bank)] = _AtBank(bank, (*found.get(id(bank), _AtBank(bank, ())).accounts, code))
    return list(found.values())


async def _hear_all(sender: Sender, since: datetime | None) -> tuple[Counter[str], list[str]]:
    """Take in what banks have said; one that is away, or about which there is a bug, is told and stops no other.
    Answers what came, and from which of our accounts' banks.
    """
    counted = Counter[str]()
    heard_now: list[str] = []

    async def one(at: _AtBank) -> int:
        first = [sender.unheard[code] for code in at.accounts if code in sender.unheard]
        since_when = [*([since] if since else []), *(one.since for one in first)]
        taken, refused = await _hear(sender, at.bank, min(since_when, default=None))
        if first:
            await holding.look(sender.pay, sender.spool, first[0].known_at)
        counted.update(messages=taken, refused=refused)
        heard_now.extend(at.accounts)
        for code in at.accounts:
            sender.unheard.pop(code, None)
            telemetry.BANK_AWAY.labels(code).set(0)
        return 1

    def away(at: _AtBank) -> None:
        counted["away"] += 1
        for code in at.accounts:
            telemetry.BANK_AWAY.labels(code).set(1)

    await apart(one, _banks(sender), lambda at: f"bank of {', '.join(at.accounts)}", away)
    return counted, heard_now


async def _hear(sender: Sender, bank: Bank, since: datetime | None) -> tuple[int, int]:
    """Take in what a bank has said; it is told only of what is committed. From an instant on, also what it was told of
    before, all of it.
    """
    looked = taken = refused = 0

    async def unread(received: Received) -> None:
        if why := await hearing.unread(sender.pay, received.name, received.sha256):
            await bank.refused(received, [why])

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
        became = await narrowed(one, [received], lambda received: received.name, unread)
        looked, taken, refused = looked + 1, taken + (became > 0), refused + (became < 0)
        if looked >= MESSAGES_MAX and since is None:
            break
    return taken, refused
