"""An application in hand: locked, in scope, as it was read; and moved, with a line of its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from services.certification.model import Filed, Move
from services.certification.rules.applications import Done, moved
from services.certification.store import applications
from services.certification.store.applications import Event
from services.certification.usecases import renewing
from services.certification.usecases.desk import Desk
from services.kit import auth
from services.kit.db import Tx
from services.kit.errors import Refused, Stale, unseen
from services.kit.messages import Reason, reason
from services.kit.naming import id_named

SYSTEM = "service/certification"


class Asked(NamedTuple):
    """Which application, as it was read, and who acts."""

    application_id: UUID
    etag: str
    actor: str


def asked(request: Any) -> Asked:
    return Asked(id_named(request.name, "applications"), request.etag, auth.current().name)


def in_scope(filed: Filed | None, name: str) -> Filed:
    """Raises NotFound, in the same words for one that is not there and for one that is another's."""
    if filed is None or not auth.current().sees_employer(filed.uscc, filed.county):
        raise unseen(reason("NOT_FOUND", "name", name=name), is_there=filed is not None)
    return filed


async def in_hand(tx: Tx, asked: Asked) -> Filed:
    """Raises NotFound, or Stale if it has changed since it was read."""
    found = in_scope(await applications.lock(tx, asked.application_id), f"applications/{asked.application_id}")
    if asked.etag != str(found.number):
        raise Stale(reason("APPLICATION_CHANGED", "etag", state=found.application.state, etag=found.number))
    return found


def after(desk: Desk, filed: Filed, done: Done, **changes: Any) -> Filed:
    """The application after a move. Raises Refused."""
    found = moved(filed.application, done, desk.under(filed))
    if isinstance(found, Reason):
        raise Refused(found)
    return filed._replace(application=found, number=filed.number + 1, **changes)


async def move(
    desk: Desk, tx: Tx, filed: Filed, done: Done, said: Mapping[str, Any] | None = None, **changes: Any
) -> Filed:
    """Moved, and written with what was said. Raises Refused."""
    found = after(desk, filed, done, **changes)
    await applications.save(tx, found, Event(done.move, done.by, done.on, said or {}), desk.clock.now())
    await renewing.follow(desk, tx, found, done.move)
    return found


def done(desk: Desk, move: Move, actor: str, **details: Any) -> Done:
    return Done(move, desk.clock.today(), actor, **details)
