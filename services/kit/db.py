"""PostgreSQL: a pool, and the one kind of transaction. What leaves goes through `Tx.emit`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.kit import outbox
from services.kit.outbox import Event

_APPLICATION = "cradle"
STALLED_S = 15
_SERVER_SETTINGS = {
    "application_name": _APPLICATION,
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    # A worker that stalls inside a transaction must not hold its rows against the one that took over.
    "idle_in_transaction_session_timeout": f"{STALLED_S}s",
    # A host that vanishes must not keep its session, and with it the relay's lock, for hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    "jit": "off",
}


@dataclass(slots=True)
class Tx:
    """An open transaction. Events emitted here are stored with it and leave after it."""

    connection: asyncpg.Connection[asyncpg.Record]
    events: list[Event] = field(default_factory=list)
    committed: list[Callable[[], object]] = field(default_factory=list)
    on_write: Callable[[], object] | None = None  # called once, when what was decided begins to be written

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def after_commit(self, count: Callable[[], object]) -> None:
        """Call `count` once the transaction stands; for metrics, which cannot be rolled back."""
        self.committed.append(count)

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        """A part of it: what fails in here is rolled back by itself, and the rest may still be committed."""
        events, committed = len(self.events), len(self.committed)
        stands = False
        try:
            async with self.connection.transaction():
                yield
            stands = True
        finally:
            if not stands:
                del self.events[events:], self.committed[committed:]

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.connection.fetch(sql, *arguments)
        return rows

    async def execute(self, sql: str, *arguments: object) -> None:
        await self.connection.execute(sql, *arguments)

    async def copy(self, table: str, columns: Sequence[str], records: Sequence[tuple[Any, ...]]) -> None:
        """Insert many rows by COPY, the fastest way in."""
        if self.on_write is not None:
            begin, self.on_write = self.on_write, None
            begin()
        if records:
            await self.connection.copy_records_to_table(table, columns=list(columns), records=records)


@dataclass(frozen=True, slots=True)
class Database:
    pool: asyncpg.Pool[asyncpg.Record]
    dsn: str

    @asynccontextmanager
    async def transaction(self, on_write: Callable[[], object] | None = None) -> AsyncIterator[Tx]:
        """Commit everything, its events among it, or nothing."""
        async with self.pool.acquire() as connection, connection.transaction():
            tx = Tx(connection, on_write=on_write)
            yield tx
            if tx.events:
                await outbox.write(tx.connection, tx.events)
        for count in tx.committed:
            count()

    @asynccontextmanager
    async def own_connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection outside the pool, for what must stay on one: a session's lock, a subscription."""
        connection = await asyncpg.connect(self.dsn, timeout=5, command_timeout=60, server_settings=_SERVER_SETTINGS)
        try:
            yield connection
        finally:
            connection.terminate()

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Read outside a transaction."""
        rows: list[asyncpg.Record] = await self.pool.fetch(sql, *arguments)
        return rows

    async def end_stalled(self) -> int:
        """End sessions of ours whose client hangs in the middle of a statement; answers how many.

        While PostgreSQL waits for a client's COPY, or for a client to read, none of its timeouts is looked at: such a
        session would keep its locks until its process wakes or dies.
        """
        ended = await self.fetch(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND usename = current_user AND application_name = $1
                 AND state = 'active' AND wait_event_type = 'Client'
                 AND query_start < now() - make_interval(secs => $2)""",
            _APPLICATION,
            STALLED_S,
        )
        return len(ended)


def service_dsn(server: str, service: str) -> str:
    """The address of a service's own database on the server that `DATABASE_URL` names."""
    parts = urlsplit(server)
    return urlunsplit(parts._replace(path=f"/cradle_{service}"))


@asynccontextmanager
async def connect(dsn: str, *, connections_max: int = 8) -> AsyncIterator[Database]:
    """Open a pool; connections are made when first needed, so a database that is away costs waiting."""
    pool = asyncpg.create_pool(
        dsn, min_size=0, max_size=connections_max, timeout=5, command_timeout=60, server_settings=_SERVER_SETTINGS
    )
    await pool
    try:
        yield Database(pool, dsn)
    finally:
        try:
            await pool.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()
