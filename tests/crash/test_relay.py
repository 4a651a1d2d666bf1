"""The relay and transactions that commit late: two workers write to one outbox, and ids commit in any order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from cradle.claims.v1 import event_pb2

from deploy.local.stack import Stack
from services.kit import db, outbox
from services.kit.db import Database
from services.kit.ids import new_id
from services.kit.outbox import Event
from tests.crash.balance import EVENTS, consuming, ends, read, wait_settled
from tests.crash.conftest import Size, Tell


def test_an_event_that_commits_late_leaves_before_what_was_decided_after_it(
    city: Stack, size: Size, tell: Tell
) -> None:
    since = ends(city)

    late = [asyncio.run(commit_late(city)) for _ in range(size.rounds)]
    wait_settled(city, size.timeout_s)

    async def order() -> list[tuple[UUID, int]]:
        async with consuming(city) as consumer:
            events = [event_pb2.ClaimEvent.FromString(record.value) for record in await read(consumer, [EVENTS], since)]
        return [(UUID(event.claim_id), event.version) for event in events]

    sent = asyncio.run(order())
    overtaken = [claim for claim in late if sent.index((claim, 2)) < sent.index((claim, 1))]
    tell(f"{len(overtaken)} of {size.rounds} events overtaken by the next version of their claim")
    assert overtaken == []


async def commit_late(city: Stack) -> UUID:
    """One claim's first event commits after another claim's later one has left; its second follows at once."""
    claim = new_id()
    async with db.connect(db.service_dsn(city.environment["DATABASE_URL"], "claims")) as database:
        async with database.pool.acquire() as connection, connection.transaction():
            await write(connection, claim, 1)
            async with database.pool.acquire() as faster, faster.transaction():
                await write(faster, new_id(), 1)
            await wait_sent(database)
        async with database.pool.acquire() as connection, connection.transaction():
            await write(connection, claim, 2)
    return claim


async def write(connection: asyncpg.Connection[asyncpg.Record], claim: UUID, version: int) -> None:
    payload = event_pb2.ClaimEvent(claim_id=str(claim), version=version).SerializeToString()
    key = str(claim).encode()
    event = Event(
        new_id(), "claim", str(claim), version, "cradle.test", EVENTS, key, datetime.now(UTC), "test", payload
    )
    await outbox.write(connection, [event])


async def wait_sent(database: Database) -> None:
    """Return when the relay has sent what is committed; a relay that waits for open transactions is not waited for."""
    for _ in range(40):
        if not await database.fetch("SELECT 1 FROM outbox"):
            return
        await asyncio.sleep(0.05)
