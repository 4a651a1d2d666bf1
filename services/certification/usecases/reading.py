"""An application as both sides read it, with all that hangs on it."""

from __future__ import annotations

import orjson

from services.certification.model import Decision, Filed, Scheme, State
from services.certification.rules import schemes
from services.certification.store import applications, file
from services.certification.usecases.desk import Desk
from services.certification.usecases.moving import in_scope
from services.certification.wire.filed import Today, Whole
from services.kit.db import Database, Tx
from services.kit.naming import id_named


def today(desk: Desk) -> Today:
    return Today(desk.clock.today(), desk.calendar)


async def found(desk: Desk, name: str) -> Filed:
    """Raises Invalid for a malformed name, NotFound for one out of scope."""
    return in_scope(await applications.by_id(desk.database, id_named(name, "applications")), name)


async def whole(desk: Desk, source: Database | Tx, filed: Filed) -> Whole:
    said = await applications.last_said(source, filed.id, "RETURN") if filed.scheme else {}
    missing = [(one["criterion"], one["said"]) for one in said.get("missing", ())]
    last = await file.last_decision(source, filed.id)
    return Whole(
        filed,
        desk.scheme_of(filed),
        await file.gates(source, filed.id),
        await file.asked(source, filed.id),
        await file.visit(source, filed.id),
        await file.objections(source, filed.id),
        missing if filed.application.state is State.RETURNED else (),
        Decision.from_data(orjson.loads(last.decision)) if last else None,
    )


async def scheme_of_decision(desk: Desk, digest: str) -> Scheme:
    """As it was stored with the decision."""
    content = await applications.scheme_content(desk.database, digest)
    if content is None:
        raise ValueError("a decision names a scheme that is not stored")
    return schemes.from_content(content)
