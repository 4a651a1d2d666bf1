"""One process at a time talks to banks: an advisory lock, held as long as the session that took it lives."""

from __future__ import annotations

from typing import Final

import asyncpg

from services.kit.errors import Unavailable

_LOCK: Final = 0x0CADBA


async def lead(connection: asyncpg.Connection[asyncpg.Record]) -> bool:
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK))


async def still_lead(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Raises Unavailable, or what asyncpg raises, if the session is gone."""
    if connection.is_closed():
        raise Unavailable("the session that led is gone")
    await connection.execute("SELECT 1")
