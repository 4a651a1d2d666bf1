"""SQL of the registry: one statement answers a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.kit.db import Database, Tx
from services.registry.model import Category, Coverage

_COVERAGE = """
SELECT person.id AS person, known.category, known.employer_id AS insured_by, employer.id AS employer,
       known.first_months, known.last_months, known.late_months, known.late_paid_on, wage.years, wage.monthly_fen
FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY AS asked (blind_index, uscc, position)
LEFT JOIN person USING (blind_index)
LEFT JOIN employer USING (uscc)
LEFT JOIN LATERAL (
    SELECT * FROM coverage WHERE coverage.person_id = person.id AND coverage.recorded_at <= $3
    ORDER BY coverage.recorded_at DESC LIMIT 1
) AS known ON true
LEFT JOIN LATERAL (
    SELECT * FROM employer_wage WHERE employer_wage.employer_id = known.employer_id AND employer_wage.recorded_at <= $3
    ORDER BY employer_wage.recorded_at DESC LIMIT 1
) AS wage ON true
ORDER BY asked.position
"""


async def coverage(
    database: Database, blind_indexes: Sequence[bytes], usccs: Sequence[str], known_at: datetime
) -> list[Coverage]:
    """One answer for each question, in their order, as it was known at that instant."""
    return [_coverage(row) for row in await database.fetch(_COVERAGE, blind_indexes, usccs, known_at)]


async def audit(database: Database, at: datetime, method: str, subjects: Sequence[UUID]) -> None:
    await database.fetch("INSERT INTO audit (at, method, subjects) VALUES ($1, $2, $3)", at, method, subjects)


async def record_employers(tx: Tx, rows: Sequence[tuple[UUID, str, str, str]]) -> dict[str, UUID]:
    """Insert or rename employers given as (new id, code, name, county); answers the id of each code."""
    ids, usccs, names, counties = map(list, zip(*rows, strict=True)) if rows else ([], [], [], [])
    found = await tx.fetch(
        """INSERT INTO employer (id, uscc, name, county)
           SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
           ON CONFLICT (uscc) DO UPDATE SET name = excluded.name, county = excluded.county RETURNING uscc, id""",
        ids,
        usccs,
        names,
        counties,
    )
    return {row["uscc"]: row["id"] for row in found}


async def employers_of(tx: Tx, usccs: Sequence[str]) -> dict[str, UUID]:
    rows = await tx.fetch("SELECT uscc, id FROM employer WHERE uscc = ANY($1)", usccs)
    return {row["uscc"]: row["id"] for row in rows}


async def record_persons(tx: Tx, rows: Sequence[tuple[UUID, bytes, bytes]]) -> dict[bytes, UUID]:
    """Insert or reseal persons given as (new id, blind index, sealed); answers the id of each index."""
    ids, indexes, sealed = map(list, zip(*rows, strict=True)) if rows else ([], [], [])
    found = await tx.fetch(
        """INSERT INTO person (id, blind_index, sealed) SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bytea[])
           ON CONFLICT (blind_index) DO UPDATE SET sealed = excluded.sealed RETURNING blind_index, id""",
        ids,
        indexes,
        sealed,
    )
    return {row["blind_index"]: row["id"] for row in found}


def _coverage(row: asyncpg.Record) -> Coverage:
    return Coverage(
        row["person"],
        Category(row["category"]) if row["category"] else None,
        row["insured_by"],
        row["employer"],
        tuple(zip(row["years"] or (), row["monthly_fen"] or (), strict=True)),
        tuple(zip(row["first_months"] or (), row["last_months"] or (), strict=True)),
        tuple(zip(row["late_months"] or (), row["late_paid_on"] or (), strict=True)),
    )
