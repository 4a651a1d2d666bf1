"""Parked records: what our own bugs stopped. Kept sealed, in order, and taken up again the normal way.

A parked record holds back the later records of its key, so that a claim's correction never overtakes the claim. The
rows of a key are read under a share lock by whoever parks behind them and under an update lock by whoever replays
them, so a record is either held behind its head or taken after it, never lost between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from services.kit.db import Database, Tx
from services.kit.errors import places
from services.kit.seal import Sealer


class Message(NamedTuple):
    """A record of a stream, as it came."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    timestamp_ms: int

    @property
    def position(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class HeldKey(NamedTuple):
    topic: str
    key: bytes  # its digest


def _pack(message: Message) -> bytes:
    """Key and value in one, to be sealed together."""
    if message.key is None:
        return b"\x00" + message.value
    return b"\x01" + len(message.key).to_bytes(4, "big") + message.key + message.value


def _unpack(bare: Message, packed: bytes) -> Message:
    if packed[:1] == b"\x00":
        return bare._replace(value=packed[1:])
    end = 5 + int.from_bytes(packed[1:5], "big")
    return bare._replace(key=packed[5:end], value=packed[end:])


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked record as operators see it: the key by its digest, the bytes sealed."""

    id: int
    topic: str
    partition: int
    offset: int
    key: bytes | None
    state: str
    error: str
    traceback: str
    attempts: int
    parked_at: datetime
    size_bytes: int


_SEEN = "id, topic, partition, record_offset, key, state, error, traceback, attempts, parked_at, size_bytes"


@dataclass(frozen=True, slots=True)
class Parking:
    """The parked records of one consumer."""

    consumer: str
    sealer: Sealer

    def key_of(self, message: Message) -> bytes | None:
        """By what a key is known where it is stored and shown: a sender may put anything into it, an ID number too."""
        return None if message.key is None else self.sealer.digest(message.key)[:16]

    async def held(self, tx: Tx, messages: Sequence[Message]) -> frozenset[HeldKey]:
        """Which keys of these messages wait behind a parked record. Mostly nothing is parked, and that is quick."""
        if not await tx.fetch("SELECT FROM parked WHERE consumer = $1 AND state <> 'REPLAYED' LIMIT 1", self.consumer):
            return frozenset()
        keys = list({digest for message in messages if (digest := self.key_of(message)) is not None})
        rows = await tx.fetch(
            """SELECT topic, key FROM parked WHERE consumer = $1 AND key = ANY($2) AND state <> 'REPLAYED'
               ORDER BY id FOR SHARE""",
            self.consumer,
            keys,
        )
        return frozenset(HeldKey(row["topic"], row["key"]) for row in rows)

    async def hold(self, tx: Tx, messages: Sequence[Message]) -> None:
        """Park messages behind the head of their key."""
        for message in messages:
            await self._insert(tx, message, "HELD", error="held behind a parked record of its key", trace="")

    async def park(self, tx: Tx, message: Message, error: BaseException) -> None:
        """Park the record that raised. The traceback names places, never values."""
        await self._insert(tx, message, "FAILED", error=type(error).__name__, trace=places(error))

    async def _insert(self, tx: Tx, message: Message, state: str, *, error: str, trace: str) -> None:
        sealed = self.sealer.seal(_pack(message), message.position.encode())
        await tx.execute(
            """INSERT INTO parked (consumer, topic, partition, record_offset, key, timestamp_ms, sealed, size_bytes,
                                   state, error, traceback, attempts)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
            self.consumer,
            message.topic,
            message.partition,
            message.offset,
            self.key_of(message),
            message.timestamp_ms,
            sealed,
            len(message.value),
            state,
            error,
            trace,
            int(state == "FAILED"),
        )

    async def waiting(self, database: Database) -> int:
        """How many records are parked and not taken up again."""
        sql = "SELECT count(*) FROM parked WHERE consumer = $1 AND state <> 'REPLAYED'"
        return int((await database.fetch(sql, self.consumer))[0][0])

    async def requested(self, database: Database) -> list[int]:
        """The heads of the keys that somebody asked to have taken up again."""
        rows = await database.fetch(
            """SELECT DISTINCT ON (topic, key) id FROM parked
               WHERE consumer = $1 AND state = 'REQUESTED' ORDER BY topic, key, id""",
            self.consumer,
        )
        return [row["id"] for row in rows]

    async def take(self, tx: Tx, parked_id: int) -> Message | None:
        """Lock a requested record for replay and open it; None if it is no longer waiting."""
        rows = await tx.fetch(
            """SELECT topic, partition, record_offset, timestamp_ms, sealed FROM parked
               WHERE id = $1 AND state = 'REQUESTED' FOR UPDATE""",
            parked_id,
        )
        if not rows:
            return None
        row = rows[0]
        bare = Message(row["topic"], row["partition"], row["record_offset"], None, b"", row["timestamp_ms"])
        return _unpack(bare, self.sealer.open(row["sealed"], bare.position.encode()))

    async def replayed(self, tx: Tx, parked_id: int) -> None:
        """Close a record, whose bytes are needed no more, and ask for the next of its key, under the lock of `take`."""
        await tx.execute(
            """WITH done AS (UPDATE parked SET state = 'REPLAYED', sealed = NULL, attempts = attempts + 1
                             WHERE id = $1 RETURNING consumer, topic, key)
               UPDATE parked SET state = 'REQUESTED' FROM done
               WHERE parked.consumer = done.consumer AND parked.topic = done.topic AND parked.key = done.key
                 AND parked.id <> $1 AND parked.state = 'HELD'""",
            parked_id,
        )

    async def failed_again(self, tx: Tx, parked_id: int, error: BaseException) -> None:
        """Keep the record as the head of its key; those behind it wait on."""
        await tx.execute(
            """WITH head AS (UPDATE parked SET state = 'FAILED', attempts = attempts + 1, error = $2, traceback = $3
                             WHERE id = $1 AND state = 'REQUESTED' RETURNING consumer, topic, key)
               UPDATE parked SET state = 'HELD' FROM head
               WHERE parked.consumer = head.consumer AND parked.topic = head.topic AND parked.key = head.key
                 AND parked.id <> $1 AND parked.state = 'REQUESTED'""",
            parked_id,
            type(error).__name__,
            places(error),
        )


async def listed(database: Database, *, after: int, limit: int) -> list[Parked]:
    rows = await database.fetch(
        f"SELECT {_SEEN} FROM parked WHERE id > $1 AND state <> 'REPLAYED' ORDER BY id LIMIT $2", after, limit
    )
    return [Parked(*row) for row in rows]


async def count(database: Database) -> int:
    return int((await database.fetch("SELECT count(*) FROM parked WHERE state <> 'REPLAYED'"))[0][0])


async def of_key(database: Database, parked_id: int) -> list[Parked]:
    """The record and the open ones of its key, in the order they would be taken."""
    rows = await database.fetch(
        f"""SELECT {_SEEN} FROM parked WHERE state <> 'REPLAYED' AND (id = $1 OR (consumer, topic, key) IN
                (SELECT consumer, topic, key FROM parked WHERE id = $1)) ORDER BY id""",
        parked_id,
    )
    return [Parked(*row) for row in rows]


async def request(tx: Tx, ids: Sequence[int]) -> None:
    """Ask the worker to take these records up again."""
    await tx.execute("UPDATE parked SET state = 'REQUESTED' WHERE id = ANY($1) AND state <> 'REPLAYED'", list(ids))
