"""A bank's file that a person brings: in pieces, on record whole or not at all, or only foreseen.

It lies in a file without a name until it is what was announced, so memory does not grow with it, and an upload that
stops leaves nothing, whoever is killed. Then it is taken in as if the bank had brought it (`hearing`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO, Final, NamedTuple

from services.kit.db import Tx
from services.kit.errors import Invalid, Unavailable
from services.kit.messages import Reason, reason
from services.treasury.store import heard
from services.treasury.usecases import hearing, reconciling
from services.treasury.usecases.asking import foreseen, undone
from services.treasury.usecases.hearing import Brought, Taken
from services.treasury.usecases.paydesk import PayDesk

_AT_ONCE_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class Importing:
    """How large a file may be, and how long its upload may take; `at_once`: files that are taken at the same time."""

    pay: PayDesk
    bytes_max: int
    upload_s: float
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE_MAX))


class Offered(NamedTuple):
    """What comes; `where` is its place in the request. `is_dry`: it is only foreseen what would come of it."""

    name: str
    sha256: bytes
    size_bytes: int
    principal: str
    where: str = "file."
    is_dry: bool = False


class Imported(NamedTuple):
    kind: str
    is_known: bool  # it was taken in before
    records: int
    unmatched: int  # of them, that fit no payment


async def bring(importing: Importing, offered: Offered, pieces: AsyncIterator[bytes]) -> Imported:
    """Raises Invalid for what cannot be taken, which is an item of the queue; Unavailable while there are too many."""
    if importing.at_once.locked():
        raise Unavailable("as many files as are taken at the same time")
    async with importing.at_once:
        with TemporaryFile() as spool:
            try:
                async with asyncio.timeout(importing.upload_s):
                    await _spool(importing, offered, pieces, spool)
            except _Refused as refused:
                if not offered.is_dry:
                    await hearing.refuse(importing.pay, offered.name, refused.sha256, [refused.why])
                raise Invalid(refused.why) from None
            spool.seek(0)
            brought = Brought(spool, offered.sha256, offered.name, offered.principal)
            return await (_foresee if offered.is_dry else _take_in)(importing, brought)


class _Refused(Exception):
    """It is not what was announced; by its content it is known in the queue."""

    def __init__(self, sha256: bytes, why: Reason) -> None:
        super().__init__(why.code)
        self.sha256, self.why = sha256, why


async def _spool(importing: Importing, offered: Offered, pieces: AsyncIterator[bytes], spool: BinaryIO) -> None:
    """No more is ever written than was announced."""
    size_at = f"{offered.where}size_bytes"
    if offered.size_bytes > importing.bytes_max:
        raise _Refused(offered.sha256, reason("BANK_FILE_TOO_LARGE", size_at, limit=importing.bytes_max))
    digest, size = hashlib.sha256(), 0
    async for piece in pieces:
        size += len(piece)
        digest.update(piece)
        if size > offered.size_bytes:
            raise _Refused(digest.digest(), reason("BANK_FILE_LONGER", size_at))
        spool.write(piece)
    if not size:
        raise _Refused(digest.digest(), reason("BANK_FILE_EMPTY", size_at))
    if size < offered.size_bytes:
        raise _Refused(digest.digest(), reason("BANK_FILE_CUT_SHORT", size_at, got=size))
    if digest.digest() != offered.sha256:
        hashes = {"expected": offered.sha256.hex(), "found": digest.hexdigest()}
        raise _Refused(digest.digest(), reason("BANK_FILE_HASH", f"{offered.where}sha256", **hashes))


async def _take_in(importing: Importing, brought: Brought) -> Imported:
    pay = importing.pay
    taken = await hearing.take_in_opened(pay, brought, importing.bytes_max)
    if not isinstance(taken, Taken):
        raise Invalid(*taken)
    await reconciling.reconcile(pay)
    message = taken.message
    unmatched = await heard.count_unmatched(pay.database, message.name)
    return Imported(message.kind, taken.is_known, message.records, unmatched)


async def _foresee(importing: Importing, brought: Brought) -> Imported:
    """The same work, rolled back: the message as a whole at the end, what it does to payments chunk by chunk, so that
    nobody waits longer for what it locks than for a chunk.
    """
    pay = importing.pay
    if before := await heard.known(pay.database, brought.sha256):
        unmatched = await heard.count_unmatched(pay.database, before.name)
        return Imported(before.kind, True, before.records, unmatched)

    async def act(tx: Tx) -> Imported:
        message = await heard.lock(tx, await hearing.keep(pay, tx, brought, importing.bytes_max))
        unmatched = 0
        for applied in range(0, message.records, hearing.CHUNK):
            said = await hearing.said_of(tx, message, applied)
            unmatched += await undone(tx, partial(hearing.work, pay, tx, said, message.name, f"{message.id}"))
        return Imported(message.kind, False, message.records, unmatched)

    return await foreseen(pay.database, act)
