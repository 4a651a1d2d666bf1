"""What was handed in over gRPC: the intent to send, committed before it leaves, and the place it came to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.kit.db import Database

_FORGET_MAX = 5_000
_STANDING = """SELECT number, body_digest, partition, record_offset, appended_at FROM handed_in
               WHERE source = $1 AND stream = $2 AND number = ANY($3)"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the broker has a submission, and since when."""

    partition: int
    offset: int
    appended_at: datetime


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What is on file under an id; without a place it is being sent by somebody else, or was when that one died."""

    body_digest: bytes
    place: Place | None


@dataclass(frozen=True, slots=True)
class Lease:
    """By when it is sent or given up, and until when its id is known."""

    now: datetime
    sending_until: datetime
    expires_at: datetime


async def intend(
    database: Database, source: str, stream: UUID, digests: Mapping[int, bytes], lease: Lease
) -> tuple[set[int], dict[int, HandedIn]]:
    """Take what is ours to send, by number; and answer what stands under the other numbers.

    Ours is what is new, what was to be sent and was not by its time, and what has expired.
    """
    numbers = sorted(digests)
    async with database.transaction() as tx:
        taken = await tx.fetch(
            """INSERT INTO handed_in (source, stream, number, body_digest, sending_until, expires_at)
               SELECT $1, $2, mine.number, mine.body_digest, $5, $6
               FROM unnest($3::bigint[], $4::bytea[]) AS mine (number, body_digest)
               ON CONFLICT (source, stream, number) DO UPDATE
               SET body_digest = excluded.body_digest, sending_until = excluded.sending_until,
                   expires_at = excluded.expires_at, partition = NULL, record_offset = NULL, appended_at = NULL
               WHERE handed_in.expires_at <= $7
                  OR (handed_in.partition IS NULL AND handed_in.sending_until <= $7
                      AND handed_in.body_digest = excluded.body_digest)
               RETURNING number""",
            source,
            stream,
            numbers,
            [digests[number] for number in numbers],
            lease.sending_until,
            lease.expires_at,
            lease.now,
        )
        ours = {row["number"] for row in taken}
        others = [number for number in numbers if number not in ours]
        rows = await tx.fetch(_STANDING, source, stream, others) if others else []
    return ours, {
        row["number"]: HandedIn(
            row["body_digest"],
            None if row["partition"] is None else Place(row["partition"], row["record_offset"], row["appended_at"]),
        )
        for row in rows
    }


async def placed(database: Database, source: str, stream: UUID, places: Sequence[tuple[int, Place]]) -> None:
    """Note where the broker has them."""
    async with database.transaction() as tx:
        await tx.execute(
            """UPDATE handed_in SET partition = had.partition, record_offset = had.record_offset,
                                    appended_at = had.appended_at
               FROM unnest($3::bigint[], $4::integer[], $5::bigint[], $6::timestamptz[])
                    AS had (number, partition, record_offset, appended_at)
               WHERE source = $1 AND stream = $2 AND handed_in.number = had.number""",
            source,
            stream,
            [number for number, _ in places],
            [place.partition for _, place in places],
            [place.offset for _, place in places],
            [place.appended_at for _, place in places],
        )


async def give_up(database: Database, source: str, stream: UUID, numbers: Collection[int], now: datetime) -> None:
    """What could not be sent may be sent by whoever comes next, at once."""
    async with database.transaction() as tx:
        await tx.execute(
            """UPDATE handed_in SET sending_until = $4
               WHERE source = $1 AND stream = $2 AND number = ANY($3) AND partition IS NULL""",
            source,
            stream,
            list(numbers),
            now,
        )


async def forget(database: Database, now: datetime) -> int:
    """Delete what has expired, some thousands at a time; answers how many."""
    async with database.transaction() as tx:
        gone = await tx.fetch(
            """DELETE FROM handed_in WHERE (source, stream, number) IN (
                   SELECT source, stream, number FROM handed_in WHERE expires_at <= $1 LIMIT $2
               ) RETURNING number""",
            now,
            _FORGET_MAX,
        )
    return len(gone)
