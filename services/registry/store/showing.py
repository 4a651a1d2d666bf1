"""One person, household, employer or institution as it was known at an instant; read, and never locked."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.kit.db import Database
from services.registry.model import Born, Contract, Contributions, Level
from services.registry.model.shown import (
    Identity,
    ShownEmployer,
    ShownHousehold,
    ShownPerson,
    ShownProvider,
    ShownSpan,
)
from services.registry.store.persons import known_of

_PERSON: Final = """
SELECT person.id, person.version, person.erased_at, person.sealed IS NOT NULL AS is_named, household.id AS household,
       known.recorded_at, known.first_days, known.last_days,
       COALESCE(known.categories, ARRAY[known.category]) AS categories, known.students, by.ids AS employer_ids,
       by.usccs, by.county, known.first_months, known.last_months, known.late_months, known.late_paid_on,
       known.reported_to_month, known.taken_back_months, known.taken_back_on
FROM person
LEFT JOIN household ON household.mother_id = person.id
LEFT JOIN LATERAL (
    SELECT * FROM coverage WHERE coverage.person_id = person.id AND coverage.recorded_at <= $3
    ORDER BY coverage.recorded_at DESC LIMIT 1
) AS known ON true
CROSS JOIN LATERAL (
    SELECT array_agg(given.id ORDER BY given.place) AS ids,
           array_agg(COALESCE(employer.uscc, '') ORDER BY given.place) AS usccs,
           (array_agg(employer.county ORDER BY given.place DESC))[1] AS county
    FROM unnest(COALESCE(known.employer_ids, ARRAY[known.employer_id])) WITH ORDINALITY AS given (id, place)
    LEFT JOIN employer ON employer.id = given.id
) AS by
WHERE person.id = $1 OR person.blind_index = $2
"""

_HOUSEHOLD: Final = """
SELECT household.id, household.mother_id, known.recorded_at, known.father_id, known.child_ids, known.birth_orders,
       known.birth_months, by.county
FROM household
LEFT JOIN LATERAL (
    SELECT * FROM household_members
    WHERE household_members.household_id = household.id AND household_members.recorded_at <= $2
    ORDER BY household_members.recorded_at DESC LIMIT 1
) AS known ON true
LEFT JOIN LATERAL (
    SELECT employer_id FROM coverage WHERE coverage.person_id = household.mother_id AND coverage.recorded_at <= $2
    ORDER BY coverage.recorded_at DESC LIMIT 1
) AS hers ON true
LEFT JOIN employer AS by ON by.id = hers.employer_id
WHERE household.id = $1 OR household.mother_id = $1
"""

_EMPLOYER: Final = """
SELECT employer.id, employer.uscc, employer.name, employer.county, employer.version, closing.closed_on,
       known.recorded_at, known.years, known.monthly_fen, known.base_years, known.base_fen,
       account.sealed IS NOT NULL AS has_account
FROM employer
LEFT JOIN LATERAL (
    SELECT * FROM employer_wage
    WHERE employer_wage.employer_id = employer.id AND employer_wage.recorded_at <= $3
    ORDER BY employer_wage.recorded_at DESC LIMIT 1
) AS known ON true
LEFT JOIN LATERAL (
    SELECT * FROM employer_closing
    WHERE employer_closing.employer_id = employer.id AND employer_closing.recorded_at <= $3
    ORDER BY employer_closing.recorded_at DESC LIMIT 1
) AS closing ON true
LEFT JOIN payee_account AS account ON account.kind = 'EMPLOYER' AND account.reference = employer.id
WHERE employer.id = $1 OR employer.uscc = $2
"""

_PROVIDER: Final = """
SELECT provider.id, provider.code, provider.name, provider.county, known.recorded_at, known.first_days,
       known.last_days, known.levels, provider.sealed_account IS NOT NULL OR account.sealed IS NOT NULL AS has_account
FROM provider
LEFT JOIN LATERAL (
    SELECT * FROM provider_level
    WHERE provider_level.provider_id = provider.id AND provider_level.recorded_at <= $3
    ORDER BY provider_level.recorded_at DESC LIMIT 1
) AS known ON true
LEFT JOIN payee_account AS account ON account.kind = 'PROVIDER' AND account.reference = provider.id
WHERE provider.id = $1 OR provider.code = $2
"""


async def person(
    database: Database, reference: UUID | None, blind_index: bytes | None, known_at: datetime
) -> ShownPerson | None:
    for row in await database.fetch(_PERSON, reference, blind_index, known_at):
        known = known_of(row) if row["recorded_at"] else None
        spans = zip(known.coverage, row["usccs"], strict=True) if known else ()
        return ShownPerson(
            row["id"],
            _identity(row),
            row["erased_at"],
            row["version"],
            row["recorded_at"],
            tuple(ShownSpan(*one) for one in spans),
            known.contributions if known else Contributions(),
            row["household"],
            row["county"] or "",
        )
    return None


def _identity(row: asyncpg.Record) -> Identity:
    if row["erased_at"]:
        return Identity.ERASED
    return Identity.ON_FILE if row["is_named"] else Identity.NEVER_REPORTED


async def household(database: Database, reference: UUID, known_at: datetime) -> ShownHousehold | None:
    for row in await database.fetch(_HOUSEHOLD, reference, known_at):
        columns = (row[name] or () for name in ("child_ids", "birth_orders", "birth_months"))
        return ShownHousehold(
            row["id"],
            row["mother_id"],
            row["father_id"],
            tuple(Born(*one) for one in zip(*columns, strict=True)),
            row["recorded_at"],
            row["county"] or "",
        )
    return None


async def employer(database: Database, reference: UUID | None, uscc: str, known_at: datetime) -> ShownEmployer | None:
    for row in await database.fetch(_EMPLOYER, reference, uscc, known_at):
        return ShownEmployer(
            row["id"],
            row["uscc"],
            row["name"],
            row["county"],
            row["version"],
            tuple(zip(row["years"] or (), row["monthly_fen"] or (), strict=True)),
            tuple(zip(row["base_years"] or (), row["base_fen"] or (), strict=True)),
            row["closed_on"],
            row["has_account"],
            row["recorded_at"],
        )
    return None


async def provider(database: Database, reference: UUID | None, code: str, known_at: datetime) -> ShownProvider | None:
    for row in await database.fetch(_PROVIDER, reference, code, known_at):
        columns = (row[name] or () for name in ("first_days", "last_days", "levels"))
        return ShownProvider(
            row["id"],
            row["code"],
            row["name"],
            row["county"],
            tuple(Contract(first, last, Level(level)) for first, last, level in zip(*columns, strict=True)),
            row["has_account"],
            row["recorded_at"],
        )
    return None
