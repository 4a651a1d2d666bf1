"""Employers whose figures are known otherwise, and the claims that may rest on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.claims.store.again import OPEN
from services.kit.db import Database, Tx


class Changed(NamedTuple):
    """A figure of one year of an employer, as it was told."""

    employer: str
    version: int
    recorded_at: datetime
    year: int


class Touched(NamedTuple):
    """An employer whose claims are not queued yet, at the version that was heard of."""

    employer: str
    version: int


async def hear(tx: Tx, changed: Sequence[Changed]) -> None:
    """Note which years changed. An event again notes them again: then there is nothing new to be found.

    As with persons, whoever looked up before this hearing looks again.
    """
    await tx.execute(
        """INSERT INTO employer (id, version, wages_recorded_at, years)
           SELECT id, max(version), GREATEST(max(recorded_at), clock_timestamp()), array_agg(DISTINCT year)
           FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::int[]) AS mine (id, version, recorded_at, year)
           GROUP BY id ORDER BY id
           ON CONFLICT (id) DO UPDATE SET version = GREATEST(employer.version, excluded.version),
               wages_recorded_at = GREATEST(employer.wages_recorded_at, excluded.wages_recorded_at),
               years = ARRAY(SELECT DISTINCT unnest(employer.years || excluded.years))""",
        *map(list, zip(*changed, strict=True)),
    )


async def touched(database: Database, limit: int) -> list[Touched]:
    rows = await database.fetch("SELECT id, version FROM employer WHERE years <> '{}' ORDER BY id LIMIT $1", limit)
    return [Touched(*row) for row in rows]


async def begun(database: Database) -> int:
    """The number of a transaction that begins now: whoever writes already has a smaller one."""
    (row,) = await database.fetch("SELECT pg_current_xact_id()::text::bigint AS number")
    number: int = row["number"]
    return number


async def have_ended(database: Database, number: int) -> bool:
    """Whether every transaction up to that number is over."""
    (row,) = await database.fetch("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > $1 AS ended", number)
    ended: bool = row["ended"]
    return ended


async def queue(tx: Tx, employers: Sequence[Touched]) -> None:
    """Queue the claims whose allowance rests on a year that changed: the one before the event (特别规定 art. 8(1)).

    One of whom more was heard meanwhile waits for the next time.
    """
    await tx.execute(
        """WITH mine AS (
               SELECT id, years
               FROM employer JOIN unnest($1::text[], $2::bigint[]) AS given (id, version) USING (id, version)
               WHERE years <> '{}' ORDER BY id FOR UPDATE OF employer SKIP LOCKED),
           noted AS (UPDATE employer SET years = '{}' FROM mine WHERE employer.id = mine.id)
           INSERT INTO look_again (claim_id)
           SELECT claim.id FROM claim JOIN mine ON claim.employer = mine.id
           WHERE claim.kind = 'ALLOWANCE' AND claim.employer <> '' AND claim.state = ANY($3)
             AND EXTRACT(year FROM claim.event_date)::int - 1 = ANY(mine.years)
           ORDER BY claim.id ON CONFLICT DO NOTHING""",
        *map(list, zip(*employers, strict=True)),
        OPEN,
    )
