"""What a service says of what it has still to do, from the tables that every service has."""

from __future__ import annotations

import asyncio

import pytest
from cradle.ops.v1 import parked_pb2

from deploy.local.stack import Stack
from services.kit import db
from services.kit.ops import ParkedRecords
from tests.kit.live import new_database, rows

pytestmark = pytest.mark.integration
EVENT = """
INSERT INTO outbox (event_id, aggregatetype, aggregateid, version, type, topic, key, occurred_at, causationid, payload)
VALUES (gen_random_uuid(), 'claim', '1', 1, 'x', 'x', '', clock_timestamp() - $1 * interval '1 second', '', '')
"""


def test_a_service_says_who_reads_for_it_and_for_how_long_an_event_has_waited(stack: Stack) -> None:
    dsn = new_database(stack, "claims")

    async def backlog() -> parked_pb2.Backlog:
        async with db.connect(dsn) as database:
            answer = ParkedRecords(database).GetBacklog(parked_pb2.GetBacklogRequest(), None)  # type: ignore[arg-type]
            return await answer

    async def act() -> None:
        assert await backlog() == parked_pb2.Backlog()

        for seconds in (90, 10):  # the older one first, as ids are
            await rows(dsn, EVENT, seconds)
        for consumer, partition in (("claims.coverage", 0), ("claims", 0), ("claims", 1)):
            await rows(dsn, "INSERT INTO consumed VALUES ($1, 't', $2, 7)", consumer, partition)
        told = await backlog()
        assert (list(told.consumers), told.unsent_events, told.parked) == (["claims", "claims.coverage"], 2, 0)
        assert 90 <= told.oldest_unsent_s < 120

        await rows(dsn, "DELETE FROM outbox")
        await rows(dsn, EVENT, -30)  # by a clock that is ahead
        assert (await backlog()).oldest_unsent_s == 0

    asyncio.run(act())
