"""Claims and their determinations, read: those that are decided upon, locked, and those that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg
import orjson

from services.claims.model import Claim, ClaimKind, Determination, Facts, Payment, State
from services.claims.rules.history import REVISIONS
from services.claims.store.overdue import OVERDUE, over
from services.kit.db import Database, Tx
from services.kit.law import Law
from services.kit.law import from_content as law_from_content

Number = tuple[str, str]  # source, claim number

COLUMNS = (
    "id, source, number, version, state, county, event_date, person, content_hashes, received_at, updated_at, kind, "
    "employer, void_hash, husband, payment, providers"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A determination as it is kept."""

    revision: int
    decision_date: date
    law_digest: str
    rules_revision: str
    facts: str
    result: str

    def facts_again(self) -> Facts:
        """The facts in today's shape, whatever the revision of the rules that decided on them."""
        return REVISIONS[self.rules_revision].lift_facts(orjson.loads(self.facts))

    def determination(self) -> Determination:
        return REVISIONS[self.rules_revision].lift_result(orjson.loads(self.result))


# --- reading what is decided upon ------------------------------------------------------------------------------------


async def persons_of(tx: Tx, numbers: Collection[Number]) -> set[UUID]:
    """Whose claims these numbers are now, and for whom they hold and take, by a look without a lock: these persons are
    to be locked before their claims.

    A correction that waits may name another person than the one for whom the revision before was approved.
    """
    ordered = sorted(numbers)
    rows = await tx.fetch(
        """WITH mine AS (SELECT id, person FROM claim JOIN unnest($1::text[], $2::text[]) AS sent (source, number)
                         USING (source, number))
           SELECT person FROM mine WHERE person IS NOT NULL
           UNION SELECT benefit_hold.person FROM mine JOIN benefit_hold ON benefit_hold.claim_id = mine.id
           UNION SELECT taken.person FROM mine JOIN taken ON taken.claim_id = mine.id""",
        [source for source, _ in ordered],
        [number for _, number in ordered],
    )
    return {row["person"] for row in rows}


async def load_claims(tx: Tx, numbers: Collection[Number]) -> dict[Number, Claim]:
    """The claims on file under these numbers, locked."""
    ordered = sorted(numbers)
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM claim JOIN unnest($1::text[], $2::text[]) AS mine (source, number)
            USING (source, number) ORDER BY id FOR UPDATE OF claim""",
        [source for source, _ in ordered],
        [number for _, number in ordered],
    )
    return {(row["source"], row["number"]): claim_of(row) for row in rows}


async def keep_law(database: Database, law: Law) -> None:
    """Store the effective law under its digest, before anything is decided by it."""
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO law (digest, content) VALUES ($1, $2) ON CONFLICT DO NOTHING", law.digest, law.content
        )


# --- questions -------------------------------------------------------------------------------------------------------


async def claim_by_id(database: Database, claim_id: UUID) -> Claim | None:
    rows = await database.fetch(f"SELECT {COLUMNS} FROM claim WHERE id = $1", claim_id)
    return claim_of(rows[0]) if rows else None


async def claim_by_number(database: Database, source: str, number: str) -> Claim | None:
    rows = await database.fetch(f"SELECT {COLUMNS} FROM claim WHERE source = $1 AND number = $2", source, number)
    return claim_of(rows[0]) if rows else None


async def versions(database: Database, claim_ids: Collection[UUID]) -> dict[UUID, int]:
    """How far these claims have come."""
    rows = await database.fetch("SELECT id, version FROM claim WHERE id = ANY($1)", list(claim_ids))
    return {row["id"]: row["version"] for row in rows}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which claims; what is empty does not filter."""

    source: str = ""
    county: str = ""
    state: State | None = None
    payment: Payment | None = None
    person: UUID | None = None
    updated_from: datetime | None = None
    updated_before: datetime | None = None
    overdue: Mapping[ClaimKind, datetime] | None = None  # only what should be decided by now, by kind


async def list_claims(
    database: Database,
    wanted: Wanted,
    *,
    before: UUID | None,
    limit: int,
    sources: Collection[str] | None = None,
    counties: Collection[str] | None = None,
) -> list[Claim]:
    """Newest first; ids are uuid7, so their order is that of time. `sources` and `counties` are the scope of who asks,
    where None bounds nothing.
    """
    # Only what filters stands in the statement, so that its plan is that of the question and takes the index there is.
    filters = [
        (sql, value)
        for sql, value in (
            ("id < {}", before),
            ("source = {}", wanted.source or None),
            ("county = {}", wanted.county or None),
            ("state = {}", wanted.state),
            ("payment = {}", wanted.payment),
            ("person = {}", wanted.person),
            ("updated_at >= {}", wanted.updated_from),
            ("updated_at < {}", wanted.updated_before),
            (OVERDUE, over(wanted.overdue) if wanted.overdue else None),
            ("source = ANY({})", sources),
            ("county = ANY({})", counties),
        )
        if value is not None
    ]
    where = " AND ".join(["true", *(sql.format(f"${place}") for place, (sql, _) in enumerate(filters, 2))])
    rows = await database.fetch(
        f"SELECT {COLUMNS} FROM claim WHERE {where} ORDER BY id DESC LIMIT $1", limit, *(value for _, value in filters)
    )
    return [claim_of(row) for row in rows]


async def recorded(database: Database, claim_id: UUID, revision: int) -> Recorded | None:
    """The latest determination of a revision, if it has one."""
    rows = await database.fetch(
        """SELECT revision, decision_date, law_digest, rules_revision, facts, result FROM determination
           WHERE claim_id = $1 AND revision = $2 ORDER BY version DESC LIMIT 1""",
        claim_id,
        revision,
    )
    return Recorded(*rows[0]) if rows else None


async def law_by_digest(database: Database, digest: str) -> Law:
    """The law a determination was made under, as it was stored."""
    rows = await database.fetch("SELECT content FROM law WHERE digest = $1", digest)
    return law_from_content(rows[0]["content"])


def claim_of(row: asyncpg.Record) -> Claim:
    """A claim from a row of COLUMNS."""
    return Claim(
        row["id"],
        row["source"],
        row["number"],
        row["version"],
        State(row["state"]),
        row["county"],
        row["event_date"],
        row["person"],
        tuple(row["content_hashes"]),
        row["received_at"],
        row["updated_at"],
        ClaimKind(row["kind"]),
        row["employer"],
        row["void_hash"],
        row["husband"],
        Payment(row["payment"]) if row["payment"] else None,
        tuple(row["providers"].split()),
    )
