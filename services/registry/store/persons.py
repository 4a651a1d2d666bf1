"""Persons on file: locked, read, and written with what is known of them now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from services.kit.db import Tx
from services.registry.model import NOTHING, Category, Known, Span
from services.registry.store.lookup import contributions_on_file

_ON_FILE: Final = """
SELECT person.id, person.blind_index, person.sealed, person.version, person.erased_at, person_key.wrapped,
       known.recorded_at, known.first_days, known.last_days,
       COALESCE(known.categories, ARRAY[known.category]) AS categories,
       COALESCE(known.employer_ids, ARRAY[known.employer_id]) AS employer_ids, known.students,
       known.first_months, known.last_months, known.late_months, known.late_paid_on, known.reported_to_month,
       known.taken_back_months, known.taken_back_on
FROM person
LEFT JOIN person_key ON person_key.person_id = person.id
LEFT JOIN LATERAL (
    SELECT * FROM coverage WHERE coverage.person_id = person.id ORDER BY coverage.recorded_at DESC LIMIT 1
) AS known ON true
WHERE person.blind_index = ANY($1)
"""


class OnFile(NamedTuple):
    """A person as she stands; `sealed` is None for one never reported, and for one erased."""

    id: UUID
    sealed: bytes | None
    wrapped: bytes | None
    is_erased: bool
    version: int
    recorded_at: datetime | None
    known: Known


class Identity(NamedTuple):
    """Who a person is, sealed anew; the key is None if she has one."""

    id: UUID
    sealed: bytes
    wrapped: bytes | None


class Version(NamedTuple):
    id: UUID
    version: int


class Recorded(NamedTuple):
    """What is known of a person from an instant on."""

    id: UUID
    at: datetime
    known: Known


async def lock(tx: Tx, given: Sequence[tuple[UUID, bytes]]) -> dict[bytes, OnFile]:
    """Lock persons, given as (new id, blind index) in order of the index, making those who are not there."""
    ids, indexes = [person for person, _ in given], [index for _, index in given]
    await tx.fetch(
        """INSERT INTO person (id, blind_index) SELECT * FROM unnest($1::uuid[], $2::bytea[])
           ON CONFLICT (blind_index) DO NOTHING""",
        ids,
        indexes,
    )
    await tx.fetch(
        "SELECT 1 FROM person WHERE blind_index = ANY($1) ORDER BY blind_index FOR NO KEY UPDATE",
        indexes,
    )
    # Read only now: what whoever held the locks before has written is seen by a new statement, not by the one above.
    return {row["blind_index"]: _on_file(row) for row in await tx.fetch(_ON_FILE, indexes)}


async def save(
    tx: Tx, identities: Sequence[Identity], versions: Sequence[Version], recorded: Sequence[Recorded]
) -> None:
    await tx.execute(
        """UPDATE person SET sealed = given.sealed
           FROM unnest($1::uuid[], $2::bytea[]) AS given (id, sealed) WHERE person.id = given.id""",
        [identity.id for identity in identities],
        [identity.sealed for identity in identities],
    )
    await tx.copy(
        "person_key",
        ("person_id", "wrapped"),
        [(identity.id, identity.wrapped) for identity in identities if identity.wrapped is not None],
    )
    await tx.execute(
        """UPDATE person SET version = given.version
           FROM unnest($1::uuid[], $2::bigint[]) AS given (id, version) WHERE person.id = given.id""",
        [one.id for one in versions],
        [one.version for one in versions],
    )
    await tx.copy("coverage", _COLUMNS, [_row(one) for one in recorded])


_COLUMNS: Final = (
    "person_id",
    "recorded_at",
    "category",
    "employer_id",
    "first_days",
    "last_days",
    "categories",
    "employer_ids",
    "students",
    "first_months",
    "last_months",
    "late_months",
    "late_paid_on",
    "reported_to_month",
    "taken_back_months",
    "taken_back_on",
)


def _row(recorded: Recorded) -> tuple[object, ...]:
    spans, paid = recorded.known.coverage, recorded.known.contributions
    latest = max(spans, key=lambda span: span.first_day, default=None)
    return (
        recorded.id,
        recorded.at,
        latest.category if latest else None,
        latest.employer if latest else None,
        [span.first_day for span in spans],
        [span.last_day for span in spans],
        [span.category for span in spans],
        [span.employer for span in spans],
        [span.is_student for span in spans],
        [first for first, _ in paid.paid_months],
        [last for _, last in paid.paid_months],
        [month for month, _ in paid.back_paid],
        [day for _, day in paid.back_paid],
        paid.reported_to_month,
        [month for month, _ in paid.taken_back],
        [day for _, day in paid.taken_back],
    )


def _on_file(row: asyncpg.Record) -> OnFile:
    return OnFile(
        row["id"],
        row["sealed"],
        row["wrapped"],
        row["erased_at"] is not None,
        row["version"],
        row["recorded_at"],
        known_of(row) if row["recorded_at"] else NOTHING,
    )


def known_of(row: asyncpg.Record) -> Known:
    spans = zip(
        row["first_days"], row["last_days"], row["categories"], row["employer_ids"], row["students"], strict=True
    )
    return Known(
        tuple([Span(first, last, Category(category), by, student) for first, last, category, by, student in spans]),
        contributions_on_file(row),
    )
