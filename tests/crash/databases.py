"""A service's database, asked from beside the system, and a lock in it that holds somebody up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Final

import asyncpg

from deploy.local.stack import Stack
from services.kit import db

# How many records of the intake have an effect that stands.
TAKEN: Final = "SELECT COALESCE(sum(next_offset), 0)::bigint FROM consumed WHERE consumer = 'claims'"
AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


def dsn_of(stack: Stack, service: str) -> str:
    return db.service_dsn(stack.environment["DATABASE_URL"], service)


def fetch(dsn: str, sql: str, *arguments: object) -> list[asyncpg.Record]:
    async def answer() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn, command_timeout=60)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
            return rows
        finally:
            await connection.close()

    return asyncio.run(answer())


@contextmanager
def locked(dsn: str, lock: str, at_most_s: float) -> Iterator[None]:
    """Hold this lock meanwhile; `lock` is its statement, which is rolled back at the end."""
    begun, end = Event(), Event()

    async def hold() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(f"BEGIN; {lock}")
            begun.set()
            await asyncio.to_thread(end.wait, at_most_s)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(asyncio.run, hold())
        try:
            assert begun.wait(10)
            yield
        finally:
            end.set()
        held.result()
