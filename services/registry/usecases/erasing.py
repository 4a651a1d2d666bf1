"""Erasing a person: her key is destroyed, so that nothing of her can be read; her reference and what it holds stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.kit.errors import NotFound
from services.kit.messages import reason
from services.registry import store
from services.registry.usecases.office import Asker, Office
from services.registry.wire import events
from services.registry.wire.events import Told

METHOD = "ErasePerson"


@dataclass(frozen=True, slots=True)
class Erased:
    person: UUID
    at: datetime | None  # None: not yet
    before: bool


async def find(office: Office, id_number: str, person: UUID | None, asker: Asker) -> Erased:
    """Who would be erased; the question is audited. Raises NotFound for one whom the registry does not know."""
    found = await _find(office, id_number, person)
    await office.audit(METHOD, asker, [found.person])
    return found


async def _find(office: Office, id_number: str, person: UUID | None) -> Erased:
    found = await store.erasable(office.database, office.index(id_number) if id_number else None, person)
    if found is None:
        raise NotFound(reason("PERSON_NOT_FOUND", "person" if person else "person_id_number"))
    return Erased(found.id, found.erased_at, found.erased_at is not None)


async def erase(office: Office, id_number: str, person: UUID | None, why: str, asker: Asker) -> Erased:
    """Destroy her key, what it sealed, and the name of nobody else; audited, and told to everyone."""
    found = await _find(office, id_number, person)
    async with office.database.transaction() as tx:
        now = office.clock.now()
        version = await store.erase(tx, found.person, now)
        if version is None:  # another call was faster, or this one is made again
            return await _find(office, "", found.person)
        await store.keep_erasure(tx, found.person, now, asker.principal, why)
        tx.emit(events.person_erased(Told(found.person, version, now, METHOD)))
    return Erased(found.person, now, before=False)
