"""Applications: locked and written one at a time, for a person acts on one; listed by employer, county, or due date."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.certification.model import Application, Filed, Kind, Place, Scheme, State, Stated
from services.kit.db import Database, Tx
from services.kit.errors import Refused
from services.kit.messages import reason

_OF_FILED: Final = (
    "number", "employer", "uscc", "employer_name", "county", "kind", "applicant", "scheme", "scheme_digest",
    "submitted_on", "round", "proposed_by", "certificate", "risk",
)  # fmt: skip
_OF_APPLICATION: Final = (
    "state", "assessors", "asked", "objections", "notice_ends_on", "declined_on", "earlier_assessors", "reviewed",
    "due_on", "days_left",
)  # fmt: skip
_COLUMNS: Final = ("id", *_OF_FILED, *_OF_APPLICATION, "stated", "gates", "updated_at")
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)}, ordinal FROM application"
_VALUES: Final = ", ".join(f"${place}" for place in range(1, len(_COLUMNS) + 1))
_SETS: Final = ", ".join(f"{name} = ${place}" for place, name in enumerate(_COLUMNS, 1) if place > 1)

WITH_AUTHORITY: Final = (
    State.SUBMITTED, State.SCREENING, State.ASSESSMENT, State.VERIFICATION, State.REVIEW, State.PUBLIC_NOTICE,
    State.DECISION_REVIEW,
)  # fmt: skip


class Event(NamedTuple):
    """One line of an application's history."""

    move: str
    actor: str
    on: date
    said: Mapping[str, Any]


class Wanted(NamedTuple):
    """What a list is of. None bounds nothing."""

    uscc: str = ""
    state: str = ""
    usccs: frozenset[str] | None = None
    counties: frozenset[str] | None = None


async def create(tx: Tx, filed: Filed, event: Event, now: datetime) -> None:
    """Raises Refused if the employer has another open application."""
    try:
        async with tx.connection.transaction():
            await tx.execute(
                f"INSERT INTO application ({', '.join(_COLUMNS)}) VALUES ({_VALUES})", *_values(filed, now)
            )
    except asyncpg.UniqueViolationError:
        raise Refused(reason("APPLICATION_ALREADY_OPEN", "parent")) from None
    await _append(tx, filed, event, now)


async def save(tx: Tx, filed: Filed, event: Event, now: datetime) -> None:
    """One that is locked, as it is now, with a line of history. Raises Refused for one that would be open beside
    another of its employer: a review of a decision opens it again.
    """
    try:
        async with tx.connection.transaction():
            await tx.execute(f"UPDATE application SET {_SETS} WHERE id = $1", *_values(filed, now))
    except asyncpg.UniqueViolationError:
        raise Refused(reason("APPLICATION_ALREADY_OPEN", "name")) from None
    await _append(tx, filed, event, now)


async def set_due(tx: Tx, application_id: UUID, due_on: date | None) -> None:
    await tx.execute("UPDATE application SET due_on = $2 WHERE id = $1", application_id, due_on)


async def lock(tx: Tx, application_id: UUID) -> Filed | None:
    rows = await tx.fetch(f"{_SELECT} WHERE id = $1 FOR UPDATE", application_id)
    return filed_of(rows[0]) if rows else None


async def by_id(source: Database | Tx, application_id: UUID) -> Filed | None:
    rows = await source.fetch(f"{_SELECT} WHERE id = $1", application_id)
    return filed_of(rows[0]) if rows else None


async def has_open(source: Database | Tx, employer: UUID, other_than: UUID) -> bool:
    rows = await source.fetch(
        """SELECT FROM application WHERE employer = $1 AND id <> $2
           AND state NOT IN ('AWARDED', 'DECLINED', 'WITHDRAWN', 'LAPSED')""",
        employer,
        other_than,
    )
    return bool(rows)


async def list_applications(database: Database, wanted: Wanted, before: int | None, limit: int) -> list[Filed]:
    """Newest first."""
    rows = await database.fetch(
        f"""{_SELECT} WHERE ($1 = '' OR uscc = $1) AND ($2 = '' OR state = $2)
            AND ($3::text[] IS NULL OR uscc = ANY($3))
            AND ($4::text[] IS NULL OR county = ANY($4)) AND ($5::bigint IS NULL OR ordinal < $5)
            ORDER BY ordinal DESC LIMIT $6""",
        wanted.uscc,
        wanted.state,
        _list(wanted.usccs),
        _list(wanted.counties),
        before,
        limit,
    )
    return [filed_of(row) for row in rows]


async def tasks(database: Database, wanted: Wanted, county: str, after: Place | None, limit: int) -> list[Filed]:
    """What waits for the authority: by due date, then risk, then age."""
    due, risk, ordinal = after or (date.min, 0, 0)
    rows = await database.fetch(
        f"""{_SELECT} WHERE state = ANY($1) AND ($2 = '' OR county = $2) AND ($3::text[] IS NULL OR county = ANY($3))
            AND (coalesce(due_on, '9999-12-31'), -risk, ordinal) > ($4, -$5::integer, $6::bigint)
            ORDER BY coalesce(due_on, '9999-12-31'), -risk, ordinal LIMIT $7""",
        [wanted.state] if wanted.state else list(WITH_AUTHORITY),
        county,
        _list(wanted.counties),
        due,
        risk,
        ordinal,
        limit,
    )
    return [filed_of(row) for row in rows]


async def standing_in(database: Database, state: State, limit: int) -> list[UUID]:
    """Those in one state: first those of which no gate was looked up, for the others wait for a person and would stand
    in their way; then the longest untouched.
    """
    rows = await database.fetch(
        "SELECT id FROM application WHERE state = $1 ORDER BY gates <> '{}', updated_at, id LIMIT $2", state, limit
    )
    return [row["id"] for row in rows]


async def expired(database: Database, today: date, limit: int) -> list[UUID]:
    """Those whose applicant has let the last day pass."""
    rows = await database.fetch(
        """SELECT id FROM application WHERE state IN ('RETURNED', 'INFORMATION_REQUESTED') AND due_on < $1
           ORDER BY due_on, id LIMIT $2""",
        today,
        limit,
    )
    return [row["id"] for row in rows]


async def undated(database: Database, limit: int) -> list[tuple[UUID, date]]:
    """Those whose clock could not be reckoned when it began to run, with the day on which it did."""
    rows = await database.fetch(
        """SELECT a.id, e.on_day FROM application AS a JOIN LATERAL (
             SELECT on_day FROM application_event AS e WHERE e.application_id = a.id AND e.state = a.state
               AND NOT EXISTS (SELECT FROM application_event AS later WHERE later.application_id = a.id
                               AND later.number > e.number AND later.state <> a.state)
             ORDER BY e.number LIMIT 1
           ) AS e ON true
           WHERE a.due_on IS NULL AND a.state NOT IN ('DRAFT', 'AWARDED', 'DECLINED', 'WITHDRAWN', 'LAPSED')
           ORDER BY a.id LIMIT $1""",
        limit,
    )
    return [(row["id"], row["on_day"]) for row in rows]


async def waiting(database: Database, today: date) -> list[tuple[str, int, int]]:
    """How many stand in each state that is not an end, and how many of them are overdue."""
    rows = await database.fetch(
        """SELECT state, count(*) AS all, count(*) FILTER (WHERE due_on < $1) AS overdue FROM application
           WHERE state NOT IN ('AWARDED', 'DECLINED', 'WITHDRAWN', 'LAPSED') GROUP BY state""",
        today,
    )
    return [(row["state"], row["all"], row["overdue"]) for row in rows]


async def versions(database: Database, ids: Collection[UUID]) -> dict[UUID, int]:
    rows = await database.fetch("SELECT id, number FROM application WHERE id = ANY($1::uuid[])", list(ids))
    return {row["id"]: row["number"] for row in rows}


async def last_said(source: Database | Tx, application_id: UUID, move: str) -> Mapping[str, Any]:
    """What was said with the last move of a kind; nothing where there was none."""
    rows = await source.fetch(
        """SELECT said FROM application_event WHERE application_id = $1 AND move = $2 ORDER BY number DESC LIMIT 1""",
        application_id,
        move,
    )
    return dict(orjson.loads(rows[0]["said"])) if rows else {}


async def keep_scheme(tx: Tx, scheme: Scheme, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO scheme_version VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        scheme.digest,
        scheme.version,
        scheme.content,
        now,
    )


async def scheme_content(source: Database | Tx, digest: str) -> str | None:
    rows = await source.fetch("SELECT content FROM scheme_version WHERE digest = $1", digest)
    return rows[0]["content"] if rows else None


def filed_of(row: Mapping[str, Any]) -> Filed:
    application = Application(
        **{name: row[name] for name in _OF_APPLICATION}
        | {
            "state": State(row["state"]),
            "gates": tuple(sorted(orjson.loads(row["gates"]).items())),
            "assessors": tuple(row["assessors"]),
            "earlier_assessors": tuple(row["earlier_assessors"]),
        }
    )
    rest = {name: row[name] for name in _OF_FILED} | {"kind": Kind(row["kind"])}
    stated = Stated.from_data(orjson.loads(row["stated"]))
    rest |= {name: row[name] for name in ("id", "updated_at", "ordinal")}
    return Filed(application=application, stated=stated, **rest)


def _values(filed: Filed, now: datetime) -> list[Any]:
    """In the order of the columns."""
    of_application = [getattr(filed.application, name) for name in _OF_APPLICATION]
    stated = orjson.dumps(filed.stated.as_data()).decode()
    gates = orjson.dumps(dict(filed.application.gates)).decode()
    return [filed.id, *(getattr(filed, name) for name in _OF_FILED), *of_application, stated, gates, now]


async def _append(tx: Tx, filed: Filed, event: Event, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO application_event VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        filed.id,
        filed.number,
        event.move,
        filed.application.state,
        event.actor,
        event.on,
        orjson.dumps(event.said).decode(),
        now,
    )


def _list(names: frozenset[str] | None) -> Sequence[str] | None:
    return None if names is None else sorted(names)
