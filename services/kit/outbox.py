"""Events that leave: rows written in the transaction of their effect, sent afterwards by the relay.

What goes to an intake topic carries personal data, and a table is no place for that: such an event is sealed here and
opened by the relay, just before it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.kit.seal import Sealer

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
    "sealed",
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
    sealed: bool = False


def sealed(event: Event, sealer: Sealer) -> Event:
    """The event as it may lie in a table: key and payload sealed, each bound to this event and its topic.

    The key too, for that of an intake record can be computed by whoever holds the person's number.
    """
    return event._replace(
        key=sealer.seal(event.key, _context(event.id, event.topic, "key")),
        payload=sealer.seal(event.payload, _context(event.id, event.topic, "payload")),
        sealed=True,
    )


def opened(row: Mapping[str, Any], sealer: Sealer) -> Mapping[str, Any]:
    """A row of the outbox as it is to be sent. Raises InvalidTag for one that another key sealed."""
    if not row["sealed"]:
        return row
    parts = {part: sealer.open(row[part], _context(row["event_id"], row["topic"], part)) for part in ("key", "payload")}
    return {**row, **parts}


def _context(event_id: UUID, topic: str, part: str) -> bytes:
    return f"outbox/{event_id}/{topic}/{part}".encode()


async def write(connection: asyncpg.Connection[asyncpg.Record], events: Sequence[Event]) -> None:
    """Store the events and wake the relay when the transaction commits."""
    # The transaction's number is taken before the first id is: the relay's floor rests on it.
    await connection.execute(f"SELECT pg_current_xact_id(), pg_notify('{CHANNEL}', '')")
    await connection.copy_records_to_table("outbox", records=events, columns=_COLUMNS)
