"""Who was shown which claims: a row of the audit, with the persons they are about."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from services.kit.db import Database

_KEEP: Final = """
INSERT INTO audit (at, method, principal, purpose, records, subjects)
SELECT now(), $1, $2, $3, $4::uuid[], ARRAY(
    SELECT DISTINCT whose.person
    FROM claim CROSS JOIN LATERAL (VALUES (claim.person), (claim.husband)) AS whose (person)
    WHERE claim.id = ANY($4) AND whose.person IS NOT NULL ORDER BY whose.person
)
"""


async def keep_read(database: Database, method: str, principal: str, purpose: str, claims: Collection[UUID]) -> None:
    await database.fetch(_KEEP, method, principal, purpose, sorted(set(claims)))
