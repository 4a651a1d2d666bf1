"""Events that leave: rows written in the transaction of their effect, sent afterwards by the relay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True)
class Event:
    """One CloudEvent to be sent. `causation` is the place of the record that caused it."""

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
    records = [
        (
            event.id,
            event.aggregate_type,
            event.aggregate_id,
            event.version,
            event.type,
            event.topic,
            event.key,
            event.occurred_at,
            event.causation,
            event.payload,
        )
        for event in events
    ]
    # The transaction's number is taken before the first id is: the relay's floor rests on it.
    await connection.execute(f"SELECT pg_current_xact_id(), pg_notify('{CHANNEL}', '')")
    await connection.copy_records_to_table("outbox", records=records, columns=_COLUMNS)
