"""Answering questions: one statement for all the persons of a call, one for all its institutions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from services.kit.db import Database
from services.registry.model import Category, Contributions, Coverage, Institution, Level

# Spans lie in order of their first days, so the span of a day is found by `width_bucket`, without unnesting; rows come
# in any order and are put in place outside. Wages are joined behind `OFFSET 0`, to one person at a time: joined to all
# of them they would be memoized by employer, which costs more than the few that two persons share.
COVERAGE: Final = """
SELECT asked.position,
       CASE WHEN asked.reference IS NULL THEN indexed.id
            ELSE (SELECT id FROM person WHERE id = asked.reference) END AS person,
       held.first_months IS NOT NULL AS is_known,
       held.category, held.employer_id AS insured_by, held.is_student,
       held.first_months, held.last_months, held.late_months, held.late_paid_on, held.reported_to_month,
       held.years, held.monthly_fen, held.base_years, held.base_fen
FROM unnest($1::bytea[], $2::uuid[], $3::date[]) WITH ORDINALITY AS asked (blind_index, reference, day, position)
LEFT JOIN person AS indexed ON indexed.blind_index = asked.blind_index
LEFT JOIN LATERAL (
    SELECT * FROM (
        SELECT span.is_in,
               CASE WHEN span.is_in THEN (COALESCE(known.categories, ARRAY[known.category]))[span.place] END
                   AS category,
               CASE WHEN span.is_in THEN (COALESCE(known.employer_ids, ARRAY[known.employer_id]))[span.place] END
                   AS employer_id,
               span.is_in AND known.students[span.place] AS is_student,
               known.first_months, known.last_months, known.late_months, known.late_paid_on, known.reported_to_month
        FROM coverage AS known,
             LATERAL (SELECT COALESCE(width_bucket(asked.day, known.first_days), cardinality(known.first_days)))
                 AS at (place),
             LATERAL (SELECT at.place, asked.day IS NULL OR asked.day <= known.last_days[at.place])
                 AS span (place, is_in)
        WHERE known.person_id = COALESCE(asked.reference, indexed.id) AND known.recorded_at <= $4
        ORDER BY known.recorded_at DESC LIMIT 1
    ) AS insured
    LEFT JOIN LATERAL (
        SELECT years, monthly_fen, base_years, base_fen FROM employer_wage
        WHERE employer_wage.employer_id = insured.employer_id AND employer_wage.recorded_at <= $4
        ORDER BY employer_wage.recorded_at DESC LIMIT 1
    ) AS wage ON true
    OFFSET 0
) AS held ON true
"""

_INSTITUTIONS: Final = """
SELECT provider.id, provider.county, held.level
FROM unnest($1::text[], $2::date[]) WITH ORDINALITY AS asked (code, day, position)
LEFT JOIN provider USING (code)
LEFT JOIN LATERAL (
    SELECT * FROM provider_level
    WHERE provider_level.provider_id = provider.id AND provider_level.recorded_at <= $3
    ORDER BY provider_level.recorded_at DESC LIMIT 1
) AS known ON true
LEFT JOIN LATERAL (
    SELECT span.level FROM unnest(known.first_days, known.last_days, known.levels) AS span (first_day, last_day, level)
    WHERE asked.day BETWEEN span.first_day AND span.last_day LIMIT 1
) AS held ON true
ORDER BY asked.position
"""

_CATEGORIES: Final[dict[str | None, Category | None]] = {None: None, **{str(one): one for one in Category}}


class Asked(NamedTuple):
    """One person to be found, by index or by reference, and the employer that the question names."""

    blind_index: bytes | None
    reference: UUID | None
    on: date | None
    employer: UUID | None = None


async def coverage(database: Database, asked: Sequence[Asked], known_at: datetime) -> list[Coverage]:
    """One answer for each, in their order, as it was known at that instant."""
    indexes, references, days = [a.blind_index for a in asked], [a.reference for a in asked], [a.on for a in asked]
    rows = await database.fetch(COVERAGE, indexes, references, days, known_at)
    found = sorted(rows, key=lambda row: row["position"])
    return [_coverage(row, one.employer) for row, one in zip(found, asked, strict=True)]


async def institutions(database: Database, asked: Sequence[tuple[str, date]], known_at: datetime) -> list[Institution]:
    """One answer for each code and day, in their order."""
    codes, days = [code for code, _ in asked], [day for _, day in asked]
    found = await database.fetch(_INSTITUTIONS, codes, days, known_at)
    return [Institution(r["id"], Level(r["level"]) if r["level"] else None, r["county"] or "") for r in found]


async def refer(database: Database, given: Sequence[tuple[UUID, bytes]]) -> dict[bytes, UUID]:
    """Give references to persons whom no office has reported, as (new id, blind index) in order of the index.

    Who was faster keeps the one that was given; everybody gets that.
    """
    found = await database.fetch(
        """INSERT INTO person (id, blind_index) SELECT * FROM unnest($1::uuid[], $2::bytea[])
           ON CONFLICT (blind_index) DO UPDATE SET blind_index = excluded.blind_index RETURNING blind_index, id""",
        [person for person, _ in given],
        [index for _, index in given],
    )
    return {row["blind_index"]: row["id"] for row in found}


def _coverage(row: asyncpg.Record, employer: UUID | None) -> Coverage:
    return Coverage(
        row["person"],
        row["is_known"],
        _CATEGORIES[row["category"]],
        row["insured_by"],
        bool(row["is_student"]),
        employer,
        tuple(zip(row["years"] or (), row["monthly_fen"] or (), strict=True)),
        tuple(zip(row["base_years"] or (), row["base_fen"] or (), strict=True)),
        contributions(row),
    )


def contributions(row: asyncpg.Record) -> Contributions:
    """The months of a row of coverage; of none, where the row is empty."""
    paid = tuple(zip(row["first_months"] or (), row["last_months"] or (), strict=True))
    late = tuple(zip(row["late_months"] or (), row["late_paid_on"] or (), strict=True))
    return Contributions(paid, late, _reported_to(row["reported_to_month"], row))


def contributions_on_file(row: asyncpg.Record) -> Contributions:
    """The same with what was taken back, which no answer tells."""
    back = tuple(zip(row["taken_back_months"], row["taken_back_on"], strict=True))
    return contributions(row)._replace(taken_back=back)


def _reported_to(stated: int | None, row: asyncpg.Record) -> int:
    """Rows from before it was stated: the last month they hold."""
    return stated if stated is not None else max((*(row["last_months"] or ()), *(row["late_months"] or ())), default=0)
