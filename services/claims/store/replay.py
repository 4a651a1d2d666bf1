"""Stored determinations read to be decided again: one snapshot, cut by key, and nothing can be written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
DatabaseError = (asyncpg.PostgresError, asyncpg.InterfaceError)

_SETTINGS: Final = {
    "application_name": "cradle-replay",
    "default_transaction_read_only": "on",
    # The one who holds the snapshot idles while the others work, and counting a long history takes its time.
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "0",
    "plan_cache_mode": "force_custom_plan",  # a range of keys is small, which a plan for any range cannot know
    "enable_seqscan": "off",  # a chunk is read by its key; the planner takes any range of two columns for a quarter
    "jit": "off",
    "timezone": "UTC",
}


class Key(NamedTuple):
    """Where a determination stands in the order of its table."""

    claim_id: UUID
    version: int


FIRST: Final = Key(UUID(int=0), -1)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which determinations. `hash_max` draws a sample: those whose key, hashed with the seed, is not above it."""

    since: date | None = None  # by the date of decision
    county: str = ""
    seed: int = 0
    hash_max: int | None = None


class Plan(NamedTuple):
    """The upper end of each chunk, in order, and how many rows there are in all."""

    bounds: tuple[Key, ...]
    rows: int


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """A connection of one's own on which every transaction is read-only."""
    connection = await asyncpg.connect(dsn, timeout=10, server_settings=_SETTINGS)
    try:
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncIterator[str]:
    """Hold what is committed now, and its name by which others see the same."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield await connection.fetchval("SELECT pg_export_snapshot()")


@asynccontextmanager
async def sharing(connection: Connection, name: str) -> AsyncIterator[None]:
    """See what the holder of the snapshot sees, however long it takes."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET TRANSACTION SNAPSHOT '{name}'")
        yield


async def plan(connection: Connection, chunk_rows: int) -> Plan:
    """Cut the whole table into chunks, in one pass over the index of its key."""
    rows = await connection.fetch(
        """SELECT claim_id, version, n FROM (
             SELECT claim_id, version, row_number() OVER (ORDER BY claim_id, version) AS n FROM determination
           ) AS numbered WHERE n % $1 = 0""",
        chunk_rows,
    )
    bounds, counted = [Key(row["claim_id"], row["version"]) for row in rows], len(rows) * chunk_rows
    rest = await connection.fetch(
        """SELECT claim_id, version FROM determination WHERE (claim_id, version) > ($1, $2)
           ORDER BY claim_id, version""",
        *(bounds[-1] if bounds else FIRST),
    )
    if rest:
        bounds.append(Key(*rest[-1]))
    return Plan(tuple(bounds), counted + len(rest))


# The first two say nothing new, but the planner can tell how few rows they leave.
_BETWEEN: Final = """d.claim_id >= $1 AND d.claim_id <= $3
            AND (d.claim_id, d.version) > ($1, $2) AND (d.claim_id, d.version) <= ($3, $4)"""
_HASH: Final = "hashtextextended(d.claim_id::text || '/' || d.version, {seed})"
_LATEST: Final = """ AND NOT EXISTS (SELECT FROM determination AS later
                     WHERE later.claim_id = d.claim_id AND later.version > d.version)"""


async def sampled(connection: Connection, wanted: Filter, rows: int, *, latest: bool) -> Filter:
    """The filter drawn tighter, to `rows` of what passes it: the least hashes. The same seed draws the same rows."""
    where, arguments = _where(wanted, latest=latest, first=2)
    hashes = await connection.fetch(
        f"SELECT {_HASH.format(seed='$1')} AS h FROM determination AS d{_joined(wanted)}"
        f" WHERE true{where} ORDER BY h LIMIT 1 OFFSET ${len(arguments) + 2}",
        wanted.seed,
        *arguments,
        rows - 1,
    )
    return Filter(wanted.since, wanted.county, wanted.seed, hashes[0]["h"]) if hashes else wanted


async def stored(connection: Connection, above: Key, up_to: Key, wanted: Filter) -> Sequence[asyncpg.Record]:
    """One chunk: claim, version, law, rules, facts and result of each determination, in no order."""
    where, arguments = _where(wanted, latest=False, first=5)
    rows: list[asyncpg.Record] = await connection.fetch(
        f"""SELECT d.claim_id, d.version, d.law_digest, d.rules_revision, d.facts, d.result
            FROM determination AS d{_joined(wanted)}
            WHERE {_BETWEEN}{where}""",
        *above,
        *up_to,
        *arguments,
    )
    return rows


async def latest(connection: Connection, above: Key, up_to: Key, wanted: Filter) -> Sequence[asyncpg.Record]:
    """One chunk of the latest determination of each claim, with its county and person, in the order of the keys."""
    where, arguments = _where(wanted, latest=True, first=5)
    rows: list[asyncpg.Record] = await connection.fetch(
        f"""SELECT d.claim_id, d.version, d.law_digest, d.rules_revision, d.facts, d.result, c.county, c.person
            FROM determination AS d JOIN claim AS c ON c.id = d.claim_id
            WHERE {_BETWEEN}{where}
            ORDER BY d.claim_id, d.version""",
        *above,
        *up_to,
        *arguments,
    )
    return rows


async def law_content(connection: Connection, digest: str) -> str | None:
    content: str | None = await connection.fetchval("SELECT content FROM law WHERE digest = $1", digest)
    return content


def _joined(wanted: Filter) -> str:
    return " JOIN claim AS c ON c.id = d.claim_id" if wanted.county else ""


def _where(wanted: Filter, *, latest: bool, first: int) -> tuple[str, list[object]]:
    """The conditions that were asked for and no others, with their arguments numbered from `first`."""
    text, arguments = _LATEST if latest else "", list[object]()

    def place(argument: object) -> str:
        arguments.append(argument)
        return f"${first + len(arguments) - 1}"

    if wanted.since:
        text += f" AND d.decision_date >= {place(wanted.since)}"
    if wanted.county:
        text += f" AND c.county = {place(wanted.county)}"
    if wanted.hash_max is not None:
        text += f" AND {_HASH.format(seed=place(wanted.seed) + '::bigint')} <= {place(wanted.hash_max)}"
    return text, arguments
