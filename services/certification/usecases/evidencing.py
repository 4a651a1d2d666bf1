"""Evidence: taken in whole or not at all, read, taken out, and swept from the store once it shows nothing.

An upload lies in a file without a name until it is whole and is what it says; so one that stops leaves nothing. Then
the intent is committed, the object is put, and what it shows is committed with the application's lock held.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO, Final
from uuid import UUID

from services.certification import content
from services.certification.model import Filed, State
from services.certification.model.evidence import Exhibit, Limits, Offered
from services.certification.objects import Objects
from services.certification.rules import evidence as rules
from services.certification.store import applications, evidence, file
from services.certification.usecases import reading
from services.certification.usecases.desk import Desk
from services.certification.usecases.moving import in_scope
from services.kit import auth
from services.kit.db import Database, Tx
from services.kit.errors import Invalid, NotFound, Refused, Unavailable
from services.kit.ids import new_id
from services.kit.messages import reason
from services.kit.naming import id_named

UNTOUCHED: Final = timedelta(hours=1)  # longer than any upload may take
_SWEPT_MAX: Final = 500
_AT_ONCE_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Room:
    """Where evidence is kept, and how much of it; `at_once`: uploads that lie on this machine at the same time."""

    desk: Desk
    objects: Objects
    limits: Limits
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE_MAX))


async def take_in(room: Room, name: str, offered: Offered, pieces: AsyncIterator[bytes]) -> None:
    """Its bytes, into the store; what they show is said by `add`. Raises Invalid, Refused, NotFound, or Unavailable
    while there are too many.
    """
    await _admit(room, room.desk.database, await reading.found(room.desk, name), offered)
    if room.at_once.locked():
        raise Unavailable("as many uploads as this machine takes")
    async with room.at_once:
        await _store(room, offered, pieces)


async def _store(room: Room, offered: Offered, pieces: AsyncIterator[bytes]) -> None:
    with TemporaryFile() as spool:
        async with asyncio.timeout(room.limits.upload_s):
            await _spool(offered, pieces, spool)
        if not await asyncio.to_thread(content.is_what_it_says, spool, offered.media_type):
            raise Invalid(reason("EVIDENCE_NOT_AS_SAID", "file.media_type"))
        if await evidence.intend(room.desk.database, offered, room.desk.clock.now()):
            await room.objects.put(offered.sha256, spool)


async def add(room: Room, tx: Tx, name: str, offered: Offered) -> Exhibit:
    """What was taken in shows a criterion from now on. Raises as `take_in`."""
    desk = room.desk
    filed = in_scope(await applications.lock(tx, id_named(name, "applications")), name)
    await _admit(room, tx, filed, offered)
    made = Exhibit(new_id(), filed.id, offered, auth.current().name, desk.clock.now())
    await evidence.add(tx, made, desk.sealer)
    return await evidence.same(tx, filed.id, offered, desk.sealer)


async def remove(room: Room, tx: Tx, evidence_id: UUID) -> None:
    """Out of a draft; the object goes when it is swept, if nothing else is shown by it."""
    found = await _found(room, tx, evidence_id)
    filed = await applications.lock(tx, found.application_id)
    if filed is None or filed.application.state is not State.DRAFT:
        raise Refused(reason("EVIDENCE_KEPT", state=filed and filed.application.state))
    await evidence.remove(tx, evidence_id)


async def found(room: Room, evidence_id: UUID) -> Exhibit:
    """Raises NotFound for one out of scope."""
    return await _found(room, room.desk.database, evidence_id)


async def name_of(room: Room, evidence_id: UUID) -> str:
    """The file's name; "" once it was taken out."""
    kept = await evidence.by_id(room.desk.database, evidence_id, room.desk.sealer)
    return kept.offered.file_name if kept else ""


async def of_application(room: Room, name: str) -> list[Exhibit]:
    filed = await reading.found(room.desk, name)
    return await evidence.of_application(room.desk.database, filed.id, room.desk.sealer)


async def sweep(room: Room) -> int:
    """Objects that show nothing: of uploads that ended half-way, and of drafts. Answers how many went."""
    database = room.desk.database
    swept = await evidence.leaving(database, room.desk.clock.now() - UNTOUCHED, _SWEPT_MAX)
    for sha256 in swept:
        await room.objects.delete(sha256)
    await evidence.gone(database, swept)
    return len(swept)


async def _admit(room: Room, source: Database | Tx, filed: Filed, offered: Offered) -> None:
    asked = await file.asked(source, filed.id)
    if why := rules.not_open(filed.application.state, asked.criteria if asked else (), offered.criterion):
        raise Refused(why)
    held = await evidence.held(source, filed.id, offered)
    if wrong := rules.problems(offered, room.desk.scheme_of(filed), held, room.limits):
        raise Invalid(*wrong)


async def _spool(offered: Offered, pieces: AsyncIterator[bytes], spool: IO[bytes]) -> None:
    """Raises Invalid for other bytes than were announced; no more of them is ever written."""
    digest, size = hashlib.sha256(), 0
    async for piece in pieces:
        size += len(piece)
        if size > offered.size_bytes:
            raise Invalid(reason("EVIDENCE_LONGER", "file.size_bytes"))
        digest.update(piece)
        spool.write(piece)
    if size < offered.size_bytes:
        raise Invalid(reason("EVIDENCE_CUT_SHORT", "file.size_bytes", got=size))
    if digest.digest() != offered.sha256:
        raise Invalid(reason("EVIDENCE_HASH", "file.sha256"))


async def _found(room: Room, source: Database | Tx, evidence_id: UUID) -> Exhibit:
    name = f"evidence/{evidence_id}"
    made = await evidence.by_id(source, evidence_id, room.desk.sealer)
    if made is None:
        raise NotFound(reason("NOT_FOUND", "name", name=name))
    in_scope(await applications.by_id(source, made.application_id), name)
    return made
