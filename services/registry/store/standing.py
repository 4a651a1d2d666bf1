"""How employers stand: violations, arrears and closings on file, and the one statement that answers for many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.kit.db import Database, Tx
from services.registry.model import Arrear, OfEmployer, StandingAsked, Violation, ViolationDates, ViolationKind


class EmployerHeld(NamedTuple):
    """An employer whose row is locked; `recorded_at` is the last instant of what is written here."""

    id: UUID
    version: int
    recorded_at: datetime | None
    arrears: tuple[Arrear, ...]


class ViolationOnFile(NamedTuple):
    """A violation as it stands; none is known of one that was made just now."""

    id: UUID
    employer: UUID
    violation: Violation | None


class ViolationRow(NamedTuple):
    id: UUID
    at: datetime
    violation: Violation


# Whoever was ever insured through the employer, then each by her last row that was known then: her spans say when.
STANDING: Final = """
SELECT asked.position, employer.id, employer.uscc, employer.name, employer.county,
       closing.closed_on, staff.insured, staff.since, owed.months, owed.due_on, owed.amount_fen, owed.deferred_until,
       owed.paid_on, broken.violations
FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS asked (reference, uscc, position)
JOIN employer ON employer.id = asked.reference OR employer.uscc = asked.uscc
LEFT JOIN LATERAL (
    SELECT closed_on FROM employer_closing
    WHERE employer_closing.employer_id = employer.id AND employer_closing.recorded_at <= $3
    ORDER BY employer_closing.recorded_at DESC LIMIT 1
) AS closing ON true
LEFT JOIN LATERAL (
    SELECT * FROM employer_arrears
    WHERE employer_arrears.employer_id = employer.id AND employer_arrears.recorded_at <= $3
    ORDER BY employer_arrears.recorded_at DESC LIMIT 1
) AS owed ON true
CROSS JOIN LATERAL (
    SELECT count(DISTINCT ever.person_id) FILTER (WHERE span.first_day <= $5 AND span.last_day >= $4) AS insured,
           min(span.first_day) FILTER (WHERE span.first_day <= $4) AS since
    FROM (SELECT DISTINCT person_id FROM coverage
          WHERE COALESCE(coverage.employer_ids, ARRAY[coverage.employer_id]) @> ARRAY[employer.id]) AS ever
    CROSS JOIN LATERAL (
        SELECT * FROM coverage WHERE coverage.person_id = ever.person_id AND coverage.recorded_at <= $3
        ORDER BY coverage.recorded_at DESC LIMIT 1
    ) AS known
    CROSS JOIN LATERAL unnest(
        known.first_days, known.last_days, COALESCE(known.categories, ARRAY[known.category]),
        COALESCE(known.employer_ids, ARRAY[known.employer_id])
    ) AS span (first_day, last_day, category, employer_id)
    WHERE span.employer_id = employer.id AND span.category = 'EMPLOYEE'
) AS staff
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(violation.authority, violation.number, known.kind, known.opened_on,
               known.talked_on, known.due_on, known.upheld_on, known.closed_on, known.decision)
               ORDER BY known.opened_on, violation.id)::text AS violations
    FROM violation
    CROSS JOIN LATERAL (
        SELECT * FROM violation_known
        WHERE violation_known.violation_id = violation.id AND violation_known.recorded_at <= $3
        ORDER BY violation_known.recorded_at DESC LIMIT 1
    ) AS known
    WHERE violation.employer_id = employer.id AND known.opened_on <= $4
) AS broken
"""

_HELD: Final = """
SELECT employer.id, employer.uscc, employer.version,
       GREATEST(owed.recorded_at, (
           SELECT max(violation_known.recorded_at) FROM violation
           JOIN violation_known ON violation_known.violation_id = violation.id
           WHERE violation.employer_id = employer.id)) AS recorded_at,
       owed.months, owed.due_on, owed.amount_fen, owed.deferred_until, owed.paid_on
FROM employer
LEFT JOIN LATERAL (
    SELECT * FROM employer_arrears WHERE employer_arrears.employer_id = employer.id
    ORDER BY employer_arrears.recorded_at DESC LIMIT 1
) AS owed ON true
WHERE employer.uscc = ANY($1)
"""

_VIOLATIONS: Final = """
SELECT violation.id, violation.authority, violation.number, violation.employer_id, known.kind, known.opened_on,
       known.talked_on, known.due_on, known.upheld_on, known.closed_on, known.decision
FROM violation
LEFT JOIN LATERAL (
    SELECT * FROM violation_known WHERE violation_known.violation_id = violation.id
    ORDER BY violation_known.recorded_at DESC LIMIT 1
) AS known ON true
WHERE violation.authority = $1 AND violation.number = ANY($2)
"""


async def standing(database: Database, asked: StandingAsked, known_at: datetime) -> dict[int, OfEmployer]:
    """What is known of each, by its place; one that is not known is not in it."""
    references, usccs = [reference for reference, _ in asked.employers], [uscc for _, uscc in asked.employers]
    insured_by = asked.on - timedelta(days=asked.insured_for_days)
    rows = await database.fetch(STANDING, references, usccs, known_at, asked.on, insured_by)
    return {
        row["position"] - 1: OfEmployer(
            row["id"],
            row["uscc"],
            row["name"],
            row["county"],
            row["closed_on"],
            row["insured"],
            row["since"],
            _arrears(row),
            tuple(_violation(one) for one in orjson.loads(row["violations"] or "[]")),
        )
        for row in rows
    }


async def hold_employers(tx: Tx, usccs: Sequence[str]) -> dict[str, EmployerHeld]:
    """Lock those of these employers that are known, in order of the code."""
    await tx.fetch("SELECT 1 FROM employer WHERE uscc = ANY($1) ORDER BY uscc FOR NO KEY UPDATE", usccs)
    return {
        row["uscc"]: EmployerHeld(row["id"], row["version"], row["recorded_at"], _arrears(row))
        for row in await tx.fetch(_HELD, usccs)
    }


async def violations_of(tx: Tx, authority: str, given: Sequence[tuple[UUID, str, UUID]]) -> dict[str, ViolationOnFile]:
    """The violations of these numbers, given as (new id, number, employer), making those that are not there."""
    ids, numbers, employers = (list(column) for column in zip(*given, strict=True))
    await tx.execute(
        """INSERT INTO violation (id, authority, number, employer_id)
           SELECT id, $1, number, employer
           FROM unnest($2::uuid[], $3::text[], $4::uuid[]) AS given (id, number, employer)
           ORDER BY number ON CONFLICT (authority, number) DO NOTHING""",
        authority,
        ids,
        numbers,
        employers,
    )
    return {
        row["number"]: ViolationOnFile(row["id"], row["employer_id"], _on_file(row))
        for row in await tx.fetch(_VIOLATIONS, authority, numbers)
    }


async def save_violations(tx: Tx, rows: Sequence[ViolationRow]) -> None:
    await tx.copy(
        "violation_known",
        (
            "violation_id",
            "recorded_at",
            "kind",
            "opened_on",
            "talked_on",
            "due_on",
            "upheld_on",
            "closed_on",
            "decision",
        ),
        [(row.id, row.at, row.violation.kind, *row.violation.dates, row.violation.decision) for row in rows],
    )


async def save_arrears(tx: Tx, rows: Sequence[tuple[UUID, datetime, Sequence[Arrear]]]) -> None:
    await tx.copy(
        "employer_arrears",
        ("employer_id", "recorded_at", "months", "due_on", "amount_fen", "deferred_until", "paid_on"),
        [
            (employer, at, *map(list, zip(*arrears, strict=True) if arrears else ([],) * 5))
            for employer, at, arrears in rows
        ],
    )


async def save_closings(tx: Tx, rows: Sequence[tuple[UUID, datetime, date | None]]) -> None:
    await tx.copy("employer_closing", ("employer_id", "recorded_at", "closed_on"), rows)


async def raise_employers(tx: Tx, versions: Sequence[tuple[UUID, int]]) -> None:
    """Set the versions of employers whose rows are locked."""
    await tx.execute(
        """UPDATE employer SET version = given.version FROM unnest($1::uuid[], $2::bigint[]) AS given (id, version)
           WHERE employer.id = given.id""",
        [employer for employer, _ in versions],
        [version for _, version in versions],
    )


def _arrears(row: asyncpg.Record) -> tuple[Arrear, ...]:
    columns = [row[name] or () for name in ("months", "due_on", "amount_fen", "deferred_until", "paid_on")]
    return tuple(Arrear(*one) for one in zip(*columns, strict=True))


def _violation(one: Sequence[Any]) -> Violation:
    authority, number, kind, *dates, decision = one
    days = [date.fromisoformat(day) if day else None for day in dates]
    return Violation(authority, number, ViolationKind(kind), _dates(days), decision)


def _on_file(row: asyncpg.Record) -> Violation | None:
    if row["kind"] is None:
        return None
    days = [row[name] for name in ViolationDates._fields]
    return Violation(row["authority"], row["number"], ViolationKind(row["kind"]), _dates(days), row["decision"])


def _dates(days: Sequence[date | None]) -> ViolationDates:
    opened_on, *rest = days
    if opened_on is None:
        raise ValueError("a violation without the day it was opened")
    return ViolationDates(opened_on, *rest)
