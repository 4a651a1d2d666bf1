"""What claims can open of a person, taken away: what was sent, reviewers' own words, keys of settlements.

References, figures and what was decided stay. Whoever keeps anything that can be opened does it under her lock, and
looks here whether she was erased: so it is either kept before and taken away, or not kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.claims.store.claims import Number
from services.kit.db import Database, Tx

_ROWS_MAX: Final = 10_000  # of one look at what names nobody

# Claims that name one of these as the woman or as her husband, now or before a correction.
_CLAIMS: Final = """SELECT person AS who, id AS claim_id FROM claim WHERE person = ANY($1)
    UNION SELECT husband, id FROM claim WHERE husband = ANY($1)
    UNION SELECT person, claim_id FROM claim_named_before WHERE person = ANY($1)"""
# Their records that do so, and those to which no claim leads.
_RECORDS: Final = f"""SELECT who, id, source, claim_number FROM ({_CLAIMS}) AS claimed
    JOIN submission USING (claim_id) WHERE who IN (submission.person, submission.husband)
    UNION SELECT person, id, source, claim_number FROM submission WHERE is_apart AND person = ANY($1)
    UNION SELECT husband, id, source, claim_number FROM submission
          WHERE is_apart AND husband IS NOT NULL AND husband = ANY($1)"""


class Erasure(NamedTuple):
    """A person whom the registry has erased."""

    person: UUID
    at: datetime


class Gone(NamedTuple):
    """How much of what was taken away with one person. What names two goes with either."""

    submissions: int = 0
    notes: int = 0
    keys: int = 0


async def erased(tx: Tx, persons: Collection[UUID]) -> frozenset[UUID]:
    """Those of these persons, who are locked, of whom nothing may be kept that can be opened. Mostly nobody."""
    rows = await tx.fetch("SELECT id FROM person WHERE erased_at IS NOT NULL AND id = ANY($1)", list(persons))
    return frozenset(row["id"] for row in rows)


async def erased_at(database: Database, persons: Collection[UUID]) -> datetime | None:
    """Since when nothing of what was sent about these can be read; None while it can."""
    rows = await database.fetch("SELECT min(erased_at) AS at FROM person WHERE id = ANY($1)", list(persons))
    at: datetime | None = rows[0]["at"]
    return at


async def mark(tx: Tx, heard: Collection[Erasure]) -> set[UUID]:
    """Lock these persons and note that they are erased; answers of whom that is news."""
    told = dict(sorted(heard))
    rows = await tx.fetch(
        """INSERT INTO person (id, erased_at) SELECT * FROM unnest($1::uuid[], $2::timestamptz[])
           ON CONFLICT (id) DO UPDATE SET erased_at = excluded.erased_at WHERE person.erased_at IS NULL RETURNING id""",
        list(told),
        list(told.values()),
    )
    return {row["id"] for row in rows}


async def take_away(tx: Tx, persons: Collection[UUID]) -> dict[UUID, Gone]:
    """Take away what can be opened of these, who are locked; how much, by person."""
    hers = list(persons)
    submissions = await tx.fetch(
        f"""WITH record AS ({_RECORDS}), gone AS (
              UPDATE submission SET sealed = NULL FROM (SELECT DISTINCT id FROM record) AS mine
              WHERE submission.id = mine.id AND sealed IS NOT NULL RETURNING submission.id)
            SELECT who, count(*) FROM record JOIN gone USING (id) GROUP BY who""",
        hers,
    )
    notes = await tx.fetch(
        f"""WITH mine AS ({_CLAIMS}), gone AS (
              UPDATE review_entry AS entry SET note_sealed = NULL FROM review_task AS task
              WHERE task.claim_id IN (SELECT claim_id FROM mine) AND entry.review_id = task.id
                AND note_sealed IS NOT NULL RETURNING task.claim_id)
            SELECT who, count(*) FROM mine JOIN gone USING (claim_id) GROUP BY who""",
        hers,
    )
    keys = await tx.fetch(
        f"""WITH mine AS (SELECT DISTINCT who, source, claim_number AS number FROM ({_RECORDS}) AS record), gone AS (
              UPDATE platform_settlement AS known SET sealed_key = NULL
              WHERE (source, number) IN (SELECT source, number FROM mine) AND sealed_key IS NOT NULL
              RETURNING source, number)
            SELECT who, count(*) FROM mine JOIN gone USING (source, number) GROUP BY who""",
        hers,
    )
    counted: list[dict[UUID, int]] = [dict(map(tuple, found)) for found in (submissions, notes, keys)]
    return {person: Gone(*[count.get(person, 0) for count in counted]) for person in hers}


async def keep(tx: Tx, heard: Collection[Erasure], gone: Mapping[UUID, Gone], now: datetime) -> None:
    """The record of it."""
    rows = [(one.person, one.at, now, *gone[one.person]) for one in heard if one.person in gone]
    await tx.copy("erasure", ("person", "erased_at", "heard_at", "submissions", "notes", "keys"), rows)


async def take_keys(tx: Tx, numbers: Sequence[Number]) -> None:
    """Take away the keys of these settlements of the platform."""
    await tx.execute(
        """UPDATE platform_settlement AS known SET sealed_key = NULL FROM unnest($1::text[], $2::text[])
           AS mine (source, number) WHERE known.source = mine.source AND known.number = mine.number
             AND sealed_key IS NOT NULL""",
        [source for source, _ in numbers],
        [number for _, number in numbers],
    )


async def take_unnamed(tx: Tx, before: datetime) -> int:
    """Take away what came before then and names nobody we know of; answers of how many records, at most so many."""
    rows = await tx.fetch(
        """UPDATE submission SET sealed = NULL WHERE id IN (
             SELECT id FROM submission WHERE person IS NULL AND sealed IS NOT NULL AND kept_at < $1
             ORDER BY kept_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING source, claim_number""",
        before,
        _ROWS_MAX,
    )
    await take_keys(tx, [(row["source"], row["claim_number"]) for row in rows])
    return len(rows)
