"""Claims and their determinations. Everything is a set: many loaded, many saved, never a statement per row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg
import orjson

from services.claims.model import Claim, Determination, Facts, ReceiptStatus, Received, State
from services.claims.rules.history import REVISIONS
from services.kit.db import Database, Tx
from services.kit.law import Law, canonical
from services.kit.law import from_content as law_from_content
from services.kit.messages import Reason

Number = tuple[str, str]  # source, claim number
Deliveries = dict[UUID, dict[date, UUID]]  # person -> date of delivery -> the claim it was approved under

_CLAIM = "id, source, number, version, state, county, event_date, person, content_hashes, received_at, updated_at"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one record of the intake, ready to be written."""

    received: Received
    status: ReceiptStatus
    receipt_id: UUID
    reasons: tuple[Reason, ...]
    claim: Claim | None = None
    accepted: bool = False
    facts: Facts | None = None
    determination: Determination | None = None


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


async def lock_persons(tx: Tx, persons: Collection[UUID]) -> None:
    """Make whatever is decided about these persons wait for us, in one order so that nobody waits in a circle."""
    await tx.execute(
        # An update that never happens: a row that is there is locked, one that is not is made.
        "INSERT INTO person (id) SELECT unnest($1::uuid[]) ON CONFLICT (id) DO UPDATE SET id = excluded.id WHERE false",
        sorted(persons),
    )


async def load_claims(tx: Tx, numbers: Collection[Number]) -> dict[Number, Claim]:
    """The claims on file under these numbers, locked."""
    ordered = sorted(numbers)
    rows = await tx.fetch(
        f"""SELECT {_CLAIM} FROM claim JOIN unnest($1::text[], $2::text[]) AS mine (source, number)
            USING (source, number) ORDER BY id FOR UPDATE OF claim""",
        [source for source, _ in ordered],
        [number for _, number in ordered],
    )
    return {(row["source"], row["number"]): _claim(row) for row in rows}


async def load_deliveries(tx: Tx, persons: Collection[UUID]) -> Deliveries:
    rows = await tx.fetch("SELECT person, event_date, claim_id FROM delivery WHERE person = ANY($1)", list(persons))
    found: Deliveries = {}
    for row in rows:
        found.setdefault(row["person"], {})[row["event_date"]] = row["claim_id"]
    return found


# --- writing ---------------------------------------------------------------------------------------------------------


async def save(
    tx: Tx,
    settled: Sequence[Settled],
    sealed: Sequence[bytes],
    *,
    law: Law,
    rules: str,
    known_at: datetime,
    now: datetime,
) -> None:
    """Write a batch: claims, deliveries, determinations, submissions."""
    await _save_claims(tx, settled)
    await _save_deliveries(tx, settled)
    await tx.copy(
        "determination",
        (
            "claim_id",
            "version",
            "revision",
            "outcome",
            "decision_date",
            "known_at",
            "law_digest",
            "rules_revision",
            "facts",
            "result",
            "decided_at",
        ),
        [
            (
                s.claim.id,
                s.claim.version,
                s.claim.revision,
                s.determination.outcome,
                s.facts.decision_date,
                known_at,
                law.digest,
                rules,
                canonical(s.facts.as_data()),
                canonical(s.determination.as_data()),
                now,
            )
            for s in settled
            if s.accepted and s.claim and s.facts and s.determination
        ],
    )
    await tx.copy(
        "submission",
        (
            "receipt_id",
            "source",
            "claim_number",
            "revision",
            "status",
            "reasons",
            "claim_id",
            "position",
            "content_hash",
            "sealed",
            "received_at",
        ),
        [
            (
                s.receipt_id,
                s.received.source,
                s.received.claim_number,
                s.received.revision,
                s.status,
                [r.code for r in s.reasons],
                s.claim.id if s.claim else None,
                s.received.position,
                s.received.content_hash,
                bytes_sealed,
                s.received.received_at,
            )
            for s, bytes_sealed in zip(settled, sealed, strict=True)
        ],
    )


async def _save_claims(tx: Tx, settled: Sequence[Settled]) -> None:
    """A claim that changed more than once in the batch is written once, as it stands at the end."""
    last = {s.claim.id: s.claim for s in settled if s.accepted and s.claim}
    first_version: dict[UUID, int] = {}
    for s in settled:
        if s.accepted and s.claim:
            first_version.setdefault(s.claim.id, s.claim.version)
    new = [claim for claim in last.values() if first_version[claim.id] == 1]
    changed = sorted((claim for claim in last.values() if first_version[claim.id] > 1), key=lambda claim: claim.id)
    await tx.copy(
        "claim",
        _CLAIM.split(", "),
        [
            (
                c.id,
                c.source,
                c.number,
                c.version,
                c.state,
                c.county,
                c.event_date,
                c.person,
                list(c.content_hashes),
                c.received_at,
                c.updated_at,
            )
            for c in new
        ],
    )
    for claim in changed:  # corrections are few; an array of arrays does not unnest by row
        await tx.execute(
            """UPDATE claim SET version = $2, state = $3, county = $4, event_date = $5, person = $6,
                                content_hashes = $7, updated_at = $8 WHERE id = $1""",
            claim.id,
            claim.version,
            claim.state,
            claim.county,
            claim.event_date,
            claim.person,
            list(claim.content_hashes),
            claim.updated_at,
        )


async def _save_deliveries(tx: Tx, settled: Sequence[Settled]) -> None:
    # While a correction waits, what was approved before still stands, and so does its hold on the delivery.
    last = {s.claim.id: s.claim for s in settled if s.accepted and s.claim and s.claim.state is not State.PENDED}
    corrected = [claim.id for claim in last.values() if claim.revision > 1]
    if corrected:
        await tx.execute("DELETE FROM delivery WHERE claim_id = ANY($1)", corrected)
    await tx.copy(
        "delivery",
        ("person", "event_date", "claim_id"),
        [
            (c.person, c.event_date, c.id)
            for c in last.values()
            if c.state in {State.APPROVED, State.PARTIALLY_APPROVED}
        ],
    )


async def keep_law(database: Database, law: Law) -> None:
    """Store the effective law under its digest, before anything is decided by it."""
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO law (digest, content) VALUES ($1, $2) ON CONFLICT DO NOTHING", law.digest, law.content
        )


# --- questions -------------------------------------------------------------------------------------------------------


async def claim_by_id(database: Database, claim_id: UUID) -> Claim | None:
    rows = await database.fetch(f"SELECT {_CLAIM} FROM claim WHERE id = $1", claim_id)
    return _claim(rows[0]) if rows else None


async def claim_by_number(database: Database, source: str, number: str) -> Claim | None:
    rows = await database.fetch(f"SELECT {_CLAIM} FROM claim WHERE source = $1 AND number = $2", source, number)
    return _claim(rows[0]) if rows else None


async def versions(database: Database, claim_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How far these claims have come."""
    rows = await database.fetch("SELECT id, version FROM claim WHERE id = ANY($1)", claim_ids)
    return {row["id"]: row["version"] for row in rows}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which claims; what is empty does not filter."""

    source: str = ""
    county: str = ""
    state: State | None = None
    person: UUID | None = None
    updated_from: datetime | None = None
    updated_before: datetime | None = None


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
    rows = await database.fetch(
        f"""SELECT {_CLAIM} FROM claim
            WHERE ($1::uuid IS NULL OR id < $1) AND ($2 = '' OR source = $2) AND ($3 = '' OR county = $3)
              AND ($4::text IS NULL OR state = $4) AND ($5::uuid IS NULL OR person = $5)
              AND ($6::timestamptz IS NULL OR updated_at >= $6) AND ($7::timestamptz IS NULL OR updated_at < $7)
              AND ($9::text[] IS NULL OR source = ANY($9)) AND ($10::text[] IS NULL OR county = ANY($10))
            ORDER BY id DESC LIMIT $8""",
        before,
        wanted.source,
        wanted.county,
        wanted.state,
        wanted.person,
        wanted.updated_from,
        wanted.updated_before,
        limit,
        sources,
        counties,
    )
    return [_claim(row) for row in rows]


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


def _claim(row: asyncpg.Record) -> Claim:
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
    )
