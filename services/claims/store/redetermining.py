"""Redeterminations: the plan, chunk by chunk, what a second person approved of it, and what became of each claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from services.claims.model import State
from services.claims.model.redetermination import (
    OPEN,
    Difference,
    Finding,
    Item,
    LineDiffers,
    Place,
    Progress,
    Redetermination,
    RedeterminationState,
    Result,
    Shown,
    Sum,
)
from services.claims.store.again import OPEN as DECIDABLE
from services.kit.db import Database, Tx
from services.kit.law import canonical

_ROW: Final = """id, law_digest, state, number, cursor_person, cursor_claim, plan_hash, planned_by, begun_at,
    approved_by, cancelled_by, planned_at, approved_at, ended_at"""
_ITEM: Final = (
    "redetermination_id",
    "person",
    "claim_id",
    "determined_version",
    "county",
    "finding",
    "before_outcome",
    "after_outcome",
    "before_fen",
    "after_fen",
    "lines",
    "digest",
)


# --- one redetermination ---------------------------------------------------------------------------------------------


async def begin(tx: Tx, new: Redetermination) -> None:
    await tx.execute(
        """INSERT INTO redetermination (id, law_digest, state, number, cursor_person, cursor_claim, plan_hash,
                                        planned_by, begun_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        new.id,
        new.law_digest,
        new.state,
        new.number,
        *new.cursor,
        new.plan_hash,
        new.planned_by,
        new.begun_at,
    )


async def open_one(database: Database | Tx) -> Redetermination | None:
    """The one that is not over yet; there is one at most."""
    rows = await database.fetch(f"SELECT {_ROW} FROM redetermination WHERE state = ANY($1)", sorted(OPEN))
    return _one(rows[0]) if rows else None


async def by_id(database: Database | Tx, redetermination_id: UUID, *, lock: bool = False) -> Redetermination | None:
    rows = await database.fetch(
        f"SELECT {_ROW} FROM redetermination WHERE id = $1{' FOR UPDATE' if lock else ''}", redetermination_id
    )
    return _one(rows[0]) if rows else None


async def newest(database: Database, before: UUID | None, limit: int) -> list[Redetermination]:
    rows = await database.fetch(
        f"SELECT {_ROW} FROM redetermination WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2", before, limit
    )
    return [_one(row) for row in rows]


async def move(tx: Tx, before: Redetermination, after: Redetermination) -> bool:
    """Move it from exactly what was read; False: somebody else was faster, and what is in hand must be dropped."""
    rows = await tx.fetch(
        """UPDATE redetermination SET state = $5, number = $6, cursor_person = $7, cursor_claim = $8, plan_hash = $9,
                  approved_by = $10, cancelled_by = $11, planned_at = $12, approved_at = $13, ended_at = $14
           WHERE id = $1 AND number = $2 AND (cursor_person, cursor_claim) = ($3, $4) RETURNING 1""",
        before.id,
        before.number,
        *before.cursor,
        after.state,
        after.number,
        *after.cursor,
        after.plan_hash,
        after.approved_by,
        after.cancelled_by,
        after.planned_at,
        after.approved_at,
        after.ended_at,
    )
    return bool(rows)


async def other_laws(database: Database | Tx, digest: str) -> bool:
    """Whether anything was ever decided under another law."""
    rows = await database.fetch("SELECT EXISTS (SELECT FROM law WHERE digest <> $1) AS it", digest)
    return bool(rows[0]["it"])


# --- planning --------------------------------------------------------------------------------------------------------


async def persons_after(database: Database, person: UUID, limit: int) -> list[UUID]:
    """The next persons with claims that may be decided again, in order."""
    rows = await database.fetch(
        "SELECT DISTINCT person FROM claim WHERE person > $1 AND state = ANY($2) ORDER BY person LIMIT $3",
        person,
        DECIDABLE,
        limit,
    )
    return [row["person"] for row in rows]


async def add(tx: Tx, redetermination_id: UUID, items: Sequence[Item], sums: Sequence[Sum]) -> None:
    """Add what a chunk of the plan found."""
    await tx.copy("redetermination_item", _ITEM, [(redetermination_id, *_columns(one)) for one in items])
    if not sums:
        return
    await tx.execute(
        """INSERT INTO redetermination_sum AS s (redetermination_id, county, finding, claims, up_fen, down_fen)
           SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
           ON CONFLICT (redetermination_id, county, finding) DO UPDATE SET claims = s.claims + excluded.claims,
               up_fen = s.up_fen + excluded.up_fen, down_fen = s.down_fen + excluded.down_fen""",
        redetermination_id,
        *map(list, zip(*sums, strict=True)),
    )


# --- carrying out ----------------------------------------------------------------------------------------------------


async def next_items(database: Database | Tx, redetermination_id: UUID, after: Place, limit: int) -> list[Item]:
    rows = await database.fetch(
        f"""SELECT {", ".join(_ITEM)} FROM redetermination_item
            WHERE redetermination_id = $1 AND (person, claim_id) > ($2, $3) ORDER BY person, claim_id LIMIT $4""",
        redetermination_id,
        *after,
        limit,
    )
    return [_item(row) for row in rows]


async def done(tx: Tx, redetermination_id: UUID, results: Mapping[UUID, Result], now: datetime) -> None:
    """Write what became of these; the table takes each claim once."""
    await tx.copy(
        "redetermination_done",
        ("redetermination_id", "claim_id", "result", "done_at"),
        [(redetermination_id, claim_id, result, now) for claim_id, result in results.items()],
    )


# --- looking ---------------------------------------------------------------------------------------------------------


async def sums(database: Database | Tx, redetermination_id: UUID) -> list[Sum]:
    rows = await database.fetch(
        """SELECT county, finding, claims, up_fen, down_fen FROM redetermination_sum
           WHERE redetermination_id = $1 ORDER BY county, finding""",
        redetermination_id,
    )
    return [Sum(row["county"], Finding(row["finding"]), row["claims"], row["up_fen"], row["down_fen"]) for row in rows]


async def progress(database: Database | Tx, redetermination_id: UUID) -> Progress:
    rows = await database.fetch(
        "SELECT result, count(*) AS n FROM redetermination_done WHERE redetermination_id = $1 GROUP BY result",
        redetermination_id,
    )
    planned = sum(one.claims for one in await sums(database, redetermination_id) if one.finding is not Finding.SAME)
    return Progress(planned, {Result(row["result"]): row["n"] for row in rows})


async def list_items(  # noqa: PLR0917  # what is asked for
    database: Database,
    redetermination_id: UUID,
    county: str,
    finding: Finding | None,
    after: Place,
    limit: int,
) -> list[Shown]:
    """The claims of a plan in its order, with what became of each."""
    rows = await database.fetch(
        f"""SELECT {", ".join("i." + name for name in _ITEM)}, c.source, c.number, d.result
            FROM redetermination_item AS i JOIN claim AS c ON c.id = i.claim_id
                 LEFT JOIN redetermination_done AS d USING (redetermination_id, claim_id)
            WHERE i.redetermination_id = $1 AND (i.person, i.claim_id) > ($2, $3)
              AND ($4 = '' OR i.county = $4) AND ($5::text IS NULL OR i.finding = $5)
            ORDER BY i.person, i.claim_id LIMIT $6""",
        redetermination_id,
        *after,
        county,
        finding,
        limit,
    )
    return [_shown(row) for row in rows]


async def last_of_claim(database: Database, claim_id: UUID) -> Item | None:
    """The claim as the last plan found it."""
    rows = await database.fetch(
        f"""SELECT {", ".join(_ITEM)} FROM redetermination_item WHERE claim_id = $1
            ORDER BY redetermination_id DESC LIMIT 1""",
        claim_id,
    )
    return _item(rows[0]) if rows else None


def _one(row: asyncpg.Record) -> Redetermination:
    return Redetermination(
        row["id"],
        row["law_digest"],
        RedeterminationState(row["state"]),
        row["number"],
        Place(row["cursor_person"], row["cursor_claim"]),
        row["plan_hash"],
        row["planned_by"],
        row["begun_at"],
        row["approved_by"],
        row["cancelled_by"],
        row["planned_at"],
        row["approved_at"],
        row["ended_at"],
    )


def _columns(one: Item) -> tuple[object, ...]:
    found = one.difference
    return (
        *one.place,
        one.determined_version,
        one.county,
        found.finding,
        found.before,
        found.after,
        found.before_fen,
        found.after_fen,
        canonical([list(line) for line in found.lines]),
        one.digest,
    )


def _item(row: asyncpg.Record) -> Item:
    lines = tuple([LineDiffers.from_data(line) for line in orjson.loads(row["lines"])])
    gained = [line.after_fen - line.before_fen for line in lines]
    difference = Difference(
        Finding(row["finding"]),
        State(row["before_outcome"]),
        State(row["after_outcome"]),
        row["before_fen"],
        row["after_fen"],
        sum(fen for fen in gained if fen > 0),
        -sum(fen for fen in gained if fen < 0),
        lines,
    )
    place = Place(row["person"], row["claim_id"])
    return Item(place, row["determined_version"], row["county"], difference, row["digest"])


def _shown(row: asyncpg.Record) -> Shown:
    return Shown(_item(row), row["source"], row["number"], Result(row["result"]) if row["result"] else None)
