"""Events that can never be sent as they are: moved from the outbox to the parked records, and back when asked for.

An event that was set aside holds back the later events of its aggregate, so that none overtakes it. Operators see both
among the parked records, under the consumer `relay` and the partition -1; the offset is the event's id in the outbox.
The row is kept as it lay there: what was sealed stays sealed, with the key that sealed it, for a wrong key may be why
it lies here. It goes back under its old id, and so before all that its aggregate has told since.

Only the relay that leads moves rows, on the session that holds the lock; operators only ask.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import asyncpg

from services.kit import telemetry
from services.kit.errors import places

CONSUMER: Final = "relay"
_LOOK_EVERY_S: Final = 1.0
_BEHIND: Final = "held behind an event of its aggregate"
_log = telemetry.log(__name__)


class Why(NamedTuple):
    """Why a row of the outbox is not sent, in the columns of a parked record."""

    id: int
    key: bytes
    state: str
    error: str
    traceback: str


@dataclass(slots=True)
class SetAside:
    """Whose events wait, by the digest of their aggregate; mostly nobody's."""

    connection: asyncpg.Connection[asyncpg.Record]
    keys: set[bytes] = field(default_factory=set)
    found: list[Why] = field(default_factory=list)  # not yet moved
    looked_at: float = 0.0

    async def load(self) -> None:
        rows = await self.connection.fetch(
            "SELECT key, count(*) AS events FROM parked WHERE consumer = $1 GROUP BY key", CONSUMER
        )
        self.keys = {row["key"] for row in rows}
        telemetry.OUTBOX_SET_ASIDE.set(sum(row["events"] for row in rows))

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether an earlier event of its aggregate is set aside; then this one is too."""
        if not self.keys or (key := _key_of(row)) not in self.keys:
            return False
        self.found.append(Why(row["id"], key, "HELD", _BEHIND, ""))
        return True

    def refuse(self, row: Mapping[str, Any], error: Exception) -> None:
        """Set this one aside, and with it all that its aggregate tells later."""
        key, name = _key_of(row), type(error).__name__
        _log.error("event set aside", event_id=str(row["event_id"]), topic=row["topic"], error=name)
        self.keys.add(key)
        self.found.append(Why(row["id"], key, "FAILED", name, places(error)))

    async def save(self) -> None:
        """Move what was found, if anything, in one statement: an event is in the one table or in the other."""
        if not self.found:
            return
        found, self.found = self.found, []
        await self.connection.execute(
            """WITH gone AS (DELETE FROM outbox WHERE id = ANY($2) RETURNING *)
               INSERT INTO parked (consumer, topic, partition, record_offset, key, timestamp_ms, sealed, size_bytes,
                                   state, error, traceback, attempts)
               SELECT $1, topic, -1, id, why.key, extract(epoch FROM occurred_at) * 1000,
                      convert_to(to_json(gone)::text, 'UTF8'), octet_length(payload),
                      why.state, why.error, why.traceback, (why.state = 'FAILED')::integer
               FROM gone JOIN unnest($2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::text[])
                    AS why (id, key, state, error, traceback) USING (id) ORDER BY id""",
            CONSUMER,
            *_columns(found),
        )
        await self.load()

    async def taken_back(self) -> bool:
        """Put the events that operators asked for back into the outbox, each with all of its aggregate."""
        if not self.keys or time.monotonic() < self.looked_at + _LOOK_EVERY_S:
            return False
        self.looked_at = time.monotonic()
        back = await self.connection.fetch(
            """WITH asked AS (SELECT DISTINCT key FROM parked WHERE consumer = $1 AND state = 'REQUESTED'),
                    gone AS (DELETE FROM parked USING asked
                             WHERE parked.consumer = $1 AND parked.key = asked.key RETURNING parked.sealed)
               INSERT INTO outbox OVERRIDING SYSTEM VALUE
               SELECT event.* FROM gone, json_populate_record(NULL::outbox, convert_from(sealed, 'UTF8')::json) AS event
               RETURNING event_id""",
            CONSUMER,
        )
        if back:
            _log.info("events put back", events=len(back))
            await self.load()
        return bool(back)


def _columns(found: Sequence[Why]) -> list[list[Any]]:
    return [list(column) for column in zip(*found, strict=True)]


def _key_of(row: Mapping[str, Any]) -> bytes:
    """Aggregates are named by opaque ids, which lie open in the outbox: their digest needs no key, and outlives it."""
    return hashlib.sha256(f"{row['aggregatetype']}/{row['aggregateid']}".encode()).digest()[:16]
