"""How employers stand as certificate holders: one statement for all who are asked about, one index look-up each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from services.kit.db import Database

_LATEST: Final = """
SELECT number, state, valid_to, on_day FROM certificate_span
WHERE {key} = asked.key AND on_day <= $3 ORDER BY on_day DESC, serial DESC LIMIT 1
"""
STATUS: Final = f"""
SELECT place, number, state, valid_to, on_day
FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (key, place), LATERAL ({_LATEST.format(key="employer")}) AS found
UNION ALL
SELECT -place, number, state, valid_to, on_day
FROM unnest($2::text[]) WITH ORDINALITY AS asked (key, place), LATERAL ({_LATEST.format(key="uscc")}) AS found
"""
_ENDED: Final = "('SUPERSEDED', 'REVOKED', 'SURRENDERED')"


async def status(
    database: Database, references: Sequence[UUID], usccs: Sequence[str], as_of: date
) -> Sequence[Sequence[Any]]:
    """Place, number, state, valid_to, since. Places count from 1; those of codes are negative. None: no row."""
    return await database.fetch(STATUS, references, usccs, as_of)


async def bits(database: Database, serials: range) -> tuple[list[int], list[int]]:
    """The serials among these that are revoked, surrendered or superseded; and those that are suspended."""
    rows = await database.fetch(
        f"""SELECT serial, state IN {_ENDED} AS ended FROM certificate
            WHERE serial >= $1 AND serial < $2 AND state IN ('SUSPENDED', 'SUPERSEDED', 'REVOKED', 'SURRENDERED')""",
        serials.start,
        serials.stop,
    )
    return [row["serial"] for row in rows if row["ended"]], [row["serial"] for row in rows if not row["ended"]]


async def last_serial(database: Database) -> int:
    rows = await database.fetch("SELECT coalesce(max(serial), 0) AS last FROM certificate")
    return int(rows[0]["last"])
