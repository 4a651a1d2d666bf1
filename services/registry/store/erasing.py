"""Erasing a person, and the record that it was done."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.db import Database, Tx


class Erasable(NamedTuple):
    id: UUID
    erased_at: datetime | None


async def erasable(database: Database, blind_index: bytes | None, person: UUID | None) -> Erasable | None:
    rows = await database.fetch(
        "SELECT id, erased_at FROM person WHERE blind_index = $1 OR id = $2", blind_index, person
    )
    return Erasable(rows[0]["id"], rows[0]["erased_at"]) if rows else None


async def erase(tx: Tx, person: UUID, at: datetime) -> int | None:
    """Destroy her key and what it sealed; answers the version to tell it by, or None if she was erased before."""
    rows = await tx.fetch(
        """UPDATE person SET sealed = NULL, erased_at = $2, version = version + 1
           WHERE id = $1 AND erased_at IS NULL RETURNING version""",
        person,
        at,
    )
    if not rows:
        return None
    await tx.execute("DELETE FROM person_key WHERE person_id = $1", person)
    await tx.execute(
        """UPDATE payee_account SET sealed = NULL, content_hash = NULL, version = version + 1
           WHERE kind = 'PERSON' AND reference = $1""",
        person,
    )
    version: int = rows[0]["version"]
    return version


async def keep_erasure(tx: Tx, person: UUID, at: datetime, principal: str, why: str) -> None:
    await tx.execute(
        "INSERT INTO erasure (person_id, erased_at, principal, reason) VALUES ($1, $2, $3, $4)",
        person,
        at,
        principal,
        why,
    )
