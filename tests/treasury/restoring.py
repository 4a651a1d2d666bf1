"""A backup of a treasury's database, and the loss of everything since."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit, urlunsplit

import asyncpg


def back_up(dsn: str) -> str:
    """A copy of the database as it is; nobody may be connected. Answers its name."""
    return asyncio.run(_as_template(dsn))


def restore(dsn: str, copy: str) -> None:
    """The database is as it was when it was copied."""
    asyncio.run(_anew(dsn, copy))


async def _as_template(dsn: str) -> str:
    name = urlsplit(dsn).path[1:]
    copy = f"{name}_backup"
    await _run(dsn, f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    return copy


async def _anew(dsn: str, copy: str) -> None:
    name = urlsplit(dsn).path[1:]
    await _run(dsn, f'ALTER DATABASE "{name}" RENAME TO "{name}_lost"', f'ALTER DATABASE "{copy}" RENAME TO "{name}"')


async def _run(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(urlunsplit(urlsplit(dsn)._replace(path="/postgres")))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
