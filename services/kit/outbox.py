"""Events that leave: rows written in the transaction of their effect, sent afterwards by the relay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

CHANNEL = "outbox"
_COLUMNS = (
    "event_id",
    "aggregatetype",
    "aggregateid",
    "version",
    "type",
    "topic",
    "key",
    "occurred_at",
    "causationid",
    "payload",
)


class Event(NamedTuple):
    """One CloudEvent to be sent, in the order of the table's columns. `causation` is the place of what caused it."""

    id: UUID
    aggregate_type: str
    aggregate_id: str
    version: int
    type: str
    topic: str
    key: bytes
    occurred_at: datetime
    causation: str
    payload: bytes


async def write(connection: asyncpg.Connection[asyncpg.Record], events: Sequence[Event]) -> None:
    """Store the events and wake the relay when the transaction commits."""
    # The transaction's number is taken before the first id is: the relay's floor rests on it.
    await connection.execute(f"SELECT pg_current_xact_id(), pg_notify('{CHANNEL}', '')")
    await connection.copy_records_to_table("outbox", records=events, columns=_COLUMNS)
