"""Claims that may have to be decided again, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.claims.model import MOVES, Claim, Determination, Facts, Move
from services.claims.rules.history import REVISIONS
from services.claims.store.claims import COLUMNS, claim_of
from services.kit.db import Database, Tx

OPEN: Final = sorted(state for state, moves in MOVES.items() if state and Move.DECIDE_AGAIN in moves)


class Heard(NamedTuple):
    """A change of a person's coverage, as it was told."""

    person: UUID
    version: int
    recorded_at: datetime


class Look(NamedTuple):
    """What the registry must be asked to decide a claim again: the person, on the day of the event."""

    person: UUID
    on: date
    husband: str = ""  # opaque reference; empty where the claim names none


class Known(NamedTuple):
    """A claim with what it rests on: the facts it waits with, or its latest determination."""

    claim: Claim
    facts: Facts
    known_at: datetime
    waits: tuple[str, ...] = ()
    due_on: date | None = None
    determination: Determination | None = None
    sequence: int = 1
    law_digest: str = ""  # of the law it was decided under
    determined_version: int = 0  # of the claim, when it was decided


async def waits_of(database: Database, claim_id: UUID) -> tuple[Sequence[str], date | None]:
    """The codes of what a claim waits for, none if it does not, and the last day on which that may come."""
    rows = await database.fetch("SELECT reasons, due_on FROM waiting WHERE claim_id = $1", claim_id)
    return (rows[0]["reasons"], rows[0]["due_on"]) if rows else ((), None)


def look_of(claim: Claim) -> Look | None:
    """None: nobody knows her."""
    return _look(claim.person, claim.event_date, claim.husband)


def _look(person: UUID | None, on: date, husband: UUID | None) -> Look | None:
    return Look(person, on, str(husband) if husband else "") if person else None


async def looks_of(database: Database, persons: Collection[UUID]) -> list[Look]:
    """What there is to ask about the claims of these persons and of their wives; mostly nothing."""
    rows = await database.fetch(
        """SELECT DISTINCT person, event_date, husband FROM claim
           WHERE (person = ANY($1) OR husband = ANY($1)) AND state = ANY($2)""",
        list(persons),
        OPEN,
    )
    return [look for row in rows if (look := _look(*row))]


async def hear(tx: Tx, heard: Sequence[Heard]) -> set[UUID]:
    """Note changes under the persons' locks; answers whose are news. What is not above what was heard is none.

    The registry may commit after the instant it records, so who looked up between the two has not seen the change:
    whoever looked up before this hearing looks again.
    """
    ordered = sorted(heard)
    rows = await tx.fetch(
        """INSERT INTO person (id, coverage_version, coverage_recorded_at)
           SELECT id, version, GREATEST(recorded_at, clock_timestamp())
           FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS mine (id, version, recorded_at)
           ON CONFLICT (id) DO UPDATE SET coverage_version = excluded.coverage_version,
               coverage_recorded_at = GREATEST(person.coverage_recorded_at, excluded.coverage_recorded_at)
           WHERE person.coverage_version < excluded.coverage_version RETURNING id""",
        [one.person for one in ordered],
        [one.version for one in ordered],
        [one.recorded_at for one in ordered],
    )
    return {row["id"] for row in rows}


async def of_persons(tx: Tx, persons: Collection[UUID]) -> list[Known]:
    """The claims of these persons, and of their wives that name them, that may be decided again, locked."""
    return await _known(tx, "(claim.person = ANY($2) OR claim.husband = ANY($2))", list(persons))


async def of_claims(tx: Tx, claims: Collection[UUID]) -> list[Known]:
    """Those of these claims that may be decided again, locked."""
    return await _known(tx, "claim.id = ANY($2)", list(claims))


async def as_they_stand(tx: Tx, persons: Collection[UUID]) -> list[Known]:
    """The claims of these persons that may be decided again, read and not locked."""
    return await _known(tx, "claim.person = ANY($2)", list(persons), lock=False)


async def _known(tx: Tx, which: str, argument: list[UUID], *, lock: bool = True) -> list[Known]:
    columns = ", ".join(f"claim.{name}" for name in COLUMNS.split(", "))
    rows = await tx.fetch(
        f"""SELECT {columns}, waiting.reasons AS waits, waiting.due_on, waiting.facts AS open_facts,
                   waiting.known_at AS open_known_at, decided.*
            FROM claim LEFT JOIN waiting ON waiting.claim_id = claim.id
            LEFT JOIN LATERAL (
                SELECT facts, result, rules_revision, known_at, sequence, law_digest, version AS determined_version
                FROM determination
                WHERE determination.claim_id = claim.id AND revision = cardinality(claim.content_hashes)
                ORDER BY determination.version DESC LIMIT 1
            ) AS decided ON waiting.claim_id IS NULL
            WHERE {which} AND claim.state = ANY($1)
            ORDER BY claim.id{" FOR UPDATE OF claim" if lock else ""}""",
        OPEN,
        argument,
    )
    return [_one(row) for row in rows if row["waits"] or row["facts"]]


def _one(row: asyncpg.Record) -> Known:
    claim = claim_of(row)
    if row["waits"]:
        facts = Facts.from_data(orjson.loads(row["open_facts"]))
        return Known(claim, facts, row["open_known_at"], tuple(row["waits"]), row["due_on"])
    lift = REVISIONS[row["rules_revision"]]
    return Known(
        claim,
        lift.lift_facts(orjson.loads(row["facts"])),
        row["known_at"],
        determination=lift.lift_result(orjson.loads(row["result"])),
        sequence=row["sequence"],
        law_digest=row["law_digest"],
        determined_version=row["determined_version"],
    )


async def due(database: Database, today: date, limit: int) -> list[tuple[UUID, Look | None]]:
    """Claims whose last day of waiting is over, the oldest first, with what to ask about each."""
    rows = await database.fetch(
        """SELECT claim.id, claim.person, claim.event_date, claim.husband
           FROM waiting JOIN claim ON claim.id = waiting.claim_id
           WHERE waiting.due_on < $1 ORDER BY waiting.due_on, claim.id LIMIT $2""",
        today,
        limit,
    )
    return [(claim_id, _look(*asked)) for claim_id, *asked in rows]


async def queue(tx: Tx, persons: Collection[UUID]) -> None:
    """Queue the claims of these persons that may be decided again."""
    await tx.execute(
        """INSERT INTO look_again (claim_id) SELECT id FROM claim WHERE person = ANY($1) AND state = ANY($2)
           ORDER BY id ON CONFLICT DO NOTHING""",
        list(persons),
        OPEN,
    )


async def to_look_at(database: Database, limit: int) -> list[tuple[UUID, Look | None]]:
    """Claims that are queued to be looked at again, the longest queued first, with what to ask about each."""
    rows = await database.fetch(
        """SELECT id, person, event_date, husband FROM look_again JOIN claim ON id = claim_id
           ORDER BY queued_at, id LIMIT $1""",
        limit,
    )
    return [(claim_id, _look(*asked)) for claim_id, *asked in rows]


async def take_up(tx: Tx, claims: Collection[UUID]) -> list[UUID]:
    """Those of these claims that are still queued; they are not any more."""
    rows = await tx.fetch("DELETE FROM look_again WHERE claim_id = ANY($1) RETURNING claim_id", list(claims))
    return [row["claim_id"] for row in rows]
