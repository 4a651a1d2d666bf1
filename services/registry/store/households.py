"""Households on file, and what the offices' records became."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.db import Tx
from services.registry.model import Born, Level, Members


class HouseholdOnFile(NamedTuple):
    id: UUID
    recorded_at: datetime | None
    members: Members


class MembersRow(NamedTuple):
    id: UUID
    at: datetime
    members: Members


_HOUSEHOLDS: Final = """
SELECT household.id, household.mother_id, known.recorded_at, known.father_id, known.child_ids, known.birth_orders,
       known.birth_months
FROM household
LEFT JOIN LATERAL (
    SELECT * FROM household_members WHERE household_members.household_id = household.id
    ORDER BY household_members.recorded_at DESC LIMIT 1
) AS known ON true
WHERE household.mother_id = ANY($1)
"""

_LEVELS: Final = """
SELECT asked.code, asked.day, provider.id IS NOT NULL AS is_known, held.level
FROM unnest($1::text[], $2::date[]) AS asked (code, day)
LEFT JOIN provider USING (code)
LEFT JOIN LATERAL (
    SELECT * FROM provider_level WHERE provider_level.provider_id = provider.id
    ORDER BY provider_level.recorded_at DESC LIMIT 1
) AS known ON true
LEFT JOIN LATERAL (
    SELECT span.level FROM unnest(known.first_days, known.last_days, known.levels) AS span (first_day, last_day, level)
    WHERE asked.day BETWEEN span.first_day AND span.last_day LIMIT 1
) AS held ON true
"""


async def households(tx: Tx, given: Sequence[tuple[UUID, UUID]]) -> dict[UUID, HouseholdOnFile]:
    """The households of mothers, given as (new id, mother) whose rows are locked, making those that are not there."""
    mothers = [mother for _, mother in given]
    await tx.execute(
        """INSERT INTO household (id, mother_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])
           ON CONFLICT (mother_id) DO NOTHING""",
        [household for household, _ in given],
        mothers,
    )
    return {
        row["mother_id"]: HouseholdOnFile(
            row["id"],
            row["recorded_at"],
            Members(
                row["father_id"],
                tuple(
                    Born(child, order, month)
                    for child, order, month in zip(
                        row["child_ids"] or (), row["birth_orders"] or (), row["birth_months"] or (), strict=True
                    )
                ),
            ),
        )
        for row in await tx.fetch(_HOUSEHOLDS, mothers)
    }


async def save_households(tx: Tx, rows: Sequence[MembersRow]) -> None:
    await tx.copy(
        "household_members",
        ("household_id", "recorded_at", "father_id", "child_ids", "birth_orders", "birth_months"),
        [
            (
                row.id,
                row.at,
                row.members.father,
                [child.child for child in row.members.children],
                [child.birth_order for child in row.members.children],
                [child.birth_month for child in row.members.children],
            )
            for row in rows
        ],
    )


async def raise_versions(tx: Tx, given: Sequence[tuple[UUID, int]]) -> dict[UUID, int]:
    """Take so many more versions of each person, whose row is locked; answers the one that was held before."""
    rows = await tx.fetch(
        """UPDATE person SET version = person.version + given.more
           FROM unnest($1::uuid[], $2::int[]) AS given (id, more) WHERE person.id = given.id
           RETURNING person.id, person.version - given.more AS version""",
        [person for person, _ in given],
        [more for _, more in given],
    )
    return {row["id"]: row["version"] for row in rows}


async def levels_on(tx: Tx, asked: Sequence[tuple[str, date]]) -> dict[tuple[str, date], Level | None]:
    """The level of each institution on a day, None outside its contracts; one that is not known is not in it."""
    rows = await tx.fetch(_LEVELS, [code for code, _ in asked], [day for _, day in asked])
    return {(row["code"], row["day"]): Level(row["level"]) if row["level"] else None for row in rows if row["is_known"]}
