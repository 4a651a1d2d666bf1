"""Erasing a person here too, once the registry has. No fen moves: what goes is her account, and her name as a payer.

A payment that is on its way keeps its account until it has ended: it is looked at again, by and by. A new one cannot
be planned, for the registry has no account of hers to answer with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from services.kit import telemetry
from services.kit.db import Database, Tx
from services.kit.parking import Message
from services.treasury.store import erasing
from services.treasury.store.erasing import Erasure, Gone
from services.treasury.usecases.desk import Desk
from services.treasury.wire import persons


def read(messages: Sequence[Message]) -> list[Erasure]:
    """Who was erased, each once. The same event again says the same."""
    found = [persons.erased(message.value) for message in messages]
    return [Erasure(*told) for told in {one.person: one for one in found if one is not None}.values()]


async def hear(desk: Desk, tx: Tx, heard: Sequence[Erasure]) -> None:
    """Take away what is needed no more of those of whom it is news."""
    if not heard or not (news := await erasing.note(tx, heard, desk.clock.now())):
        return
    tx.after_commit(partial(telemetry.ERASED.labels("persons").inc, len(news)))
    await _keep(desk, tx, await erasing.take_away(tx, news))


async def look_again(desk: Desk, database: Database) -> int:
    """What has ended since, of all who were erased; answers of how many persons there was something."""
    async with database.transaction() as tx:
        gone = await erasing.take_away(tx)
        await _keep(desk, tx, gone)
    return len(gone)


async def _keep(desk: Desk, tx: Tx, gone: Mapping[UUID, Gone]) -> None:
    if gone:
        await erasing.keep(tx, gone, desk.clock.now())
        tx.after_commit(partial(_count, list(gone.values())))


def _count(gone: Sequence[Gone]) -> None:
    telemetry.ERASED.labels("accounts").inc(sum(one.accounts for one in gone))
    telemetry.ERASED.labels("details").inc(sum(one.details for one in gone))
