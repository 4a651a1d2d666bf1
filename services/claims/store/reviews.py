"""Reviews: the queue, one review with its history, the moves, and the sample. History is only ever appended to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.claims.model import Claim, ClaimKind
from services.claims.model.review import (
    APPEAL,
    QUALITY_SAMPLE,
    Entry,
    Move,
    PendReason,
    Review,
    ReviewOutcome,
    ReviewState,
)
from services.kit.db import Database, Tx

_REVIEW = """r.id, r.claim_id, r.version, c.kind, r.reason, r.due_on, r.risk, r.opened_at, r.updated_at, r.state,
    r.outcome, r.pend_reason, r.assignee, r.number, r.proposer, r.proposal"""
# A day that cannot be told yet is later than all that can. The planner finds the index by these very words.
_DUE = "coalesce(r.due_on, 'infinity'::date)"


class Place(NamedTuple):
    """Where a review stands in the queue: by due date, risk, age."""

    due_on: date
    risk: int
    id: UUID


class Listed(NamedTuple):
    review: Review
    source: str
    number: str
    county: str
    person: UUID | None
    husband: UUID | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty filters do not filter; `assignee` None is anybody, empty is nobody. `sources` and `counties` are the scope
    of who asks, where None bounds nothing.
    """

    county: str = ""
    kind: ClaimKind | None = None
    reason: str = ""
    state: ReviewState | None = None
    assignee: str | None = None
    claim_id: UUID | None = None
    sources: Collection[str] | None = None
    counties: Collection[str] | None = None


class Count(NamedTuple):
    kind: str
    open: int
    overdue: int


class Sampled(NamedTuple):
    claim_id: UUID
    version: int
    kind: ClaimKind


# --- opening and closing, as the intake goes on ----------------------------------------------------------------------


async def open_reviews(tx: Tx, reviews: Sequence[Review]) -> int:
    """Ask these questions; what is asked already is not asked again. Answers how many are new."""
    if not reviews:
        return 0
    rows = await tx.fetch(
        """WITH given AS (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::date[], $6::int[], $8::bytea[])
                      AS given (id, claim_id, version, reason, due_on, risk, note_sealed)
           ), opened AS (
             INSERT INTO review_task (id, claim_id, version, kind, reason, due_on, risk, opened_at, updated_at)
             SELECT id, claim_id, version, reason, reason, due_on, risk, $7, $7 FROM given
             ON CONFLICT DO NOTHING RETURNING id
           )
           INSERT INTO review_entry (review_id, number, at, actor, move, reason, note_sealed)
           SELECT id, 1, $7, 'system', 'OPENED', reason, note_sealed FROM given JOIN opened USING (id)
           RETURNING review_id""",
        [r.id for r in reviews],
        [r.claim_id for r in reviews],
        [r.version for r in reviews],
        [r.reason for r in reviews],
        [r.due_on for r in reviews],
        [r.risk for r in reviews],
        reviews[0].opened_at,
        [r.note_sealed for r in reviews],
    )
    return len(rows)


async def supersede(tx: Tx, claims: Collection[UUID], now: datetime, *, but: UUID | None = None) -> None:
    """Close what is still asked about claims that were settled in the meantime. An appeal goes on."""
    await _supersede(
        tx, "claim_id = ANY($1) AND id IS DISTINCT FROM $3 AND reason <> $4", sorted(claims), now, but, APPEAL
    )


async def close(tx: Tx, reviews: Collection[UUID], now: datetime) -> None:
    """Close these, for there is nothing left to ask."""
    await _supersede(tx, "id = ANY($1)", sorted(reviews), now)


async def _supersede(tx: Tx, which: str, *arguments: object) -> None:
    await tx.execute(
        f"""WITH closed AS (
             UPDATE review_task SET state = 'CLOSED', outcome = 'SUPERSEDED', pend_reason = NULL, proposer = '',
                    proposal = '', number = number + 1, updated_at = $2
             WHERE {which} AND state <> 'CLOSED' RETURNING id, number
           )
           INSERT INTO review_entry (review_id, number, at, actor, move) SELECT id, number, $2, 'system', 'SUPERSEDED'
           FROM closed""",
        *arguments,
    )


# --- one review ------------------------------------------------------------------------------------------------------


async def review_by_id(database: Database, review_id: UUID) -> Listed | None:
    rows = await database.fetch(
        f"""SELECT {_REVIEW}, c.source, c.number AS claim_number, c.county, c.person, c.husband
            FROM review_task AS r JOIN claim AS c ON c.id = r.claim_id WHERE r.id = $1""",
        review_id,
    )
    return _listed(rows[0]) if rows else None


async def locked(tx: Tx, review_id: UUID) -> Review:
    """The review as it stands, and nobody moves it until we have. Persons and claims are locked before."""
    rows = await tx.fetch(
        f"SELECT {_REVIEW} FROM review_task AS r JOIN claim AS c ON c.id = r.claim_id WHERE r.id = $1 FOR UPDATE OF r",
        review_id,
    )
    return _review(rows[0])


async def history(database: Database | Tx, review_id: UUID, above: int = 0) -> list[Entry]:
    rows = await database.fetch(
        """SELECT number, at, actor, move, reason, note_sealed, content FROM review_entry
           WHERE review_id = $1 AND number > $2 ORDER BY number""",
        review_id,
        above,
    )
    return [
        Entry(
            row["number"], row["at"], row["actor"], Move(row["move"]), row["reason"], row["note_sealed"], row["content"]
        )
        for row in rows
    ]


async def waiting_facts(database: Database, claim_id: UUID) -> str:
    """Canonical JSON of the facts a claim waits with, as far as they were stated; empty if it does not wait so."""
    rows = await database.fetch("SELECT facts FROM waiting WHERE claim_id = $1", claim_id)
    return str(rows[0]["facts"]) if rows else ""


async def move(tx: Tx, review: Review, entry: Entry) -> None:
    """The review as it stands after a move, and the move."""
    await tx.execute(
        """UPDATE review_task SET state = $2, outcome = $3, pend_reason = $4, assignee = $5, number = $6,
                  proposer = $7, proposal = $8, updated_at = $9 WHERE id = $1""",
        review.id,
        review.state,
        review.outcome,
        review.pend_reason,
        review.assignee,
        review.number,
        review.proposer,
        review.proposal,
        review.updated_at,
    )
    await tx.execute(
        """INSERT INTO review_entry (review_id, number, at, actor, move, reason, note_sealed, content)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        review.id,
        entry.number,
        entry.at,
        entry.actor,
        entry.move,
        entry.reason,
        entry.note_sealed,
        entry.content,
    )


async def decided_by(  # who decided what
    tx: Tx, review: Review, claim: Claim, first: str, second: str | None, *, needed: bool, denied: bool
) -> None:
    """Who decided, and whose event was denied. The database refuses one person in both places."""
    await tx.execute(
        """INSERT INTO review_decision
               (review_id, claim_id, version, first_person, second_person, second_needed, decided_at,
                denied_to, denied_on)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        review.id,
        claim.id,
        claim.version,
        first,
        second,
        needed,
        review.updated_at,
        claim.person if denied else None,
        claim.event_date if denied else None,
    )


async def deciders(tx: Tx, claim_id: UUID, *, but: UUID | None = None) -> set[str]:
    """Everybody who ever decided about the claim: in other reviews than this, or by a plan for all claims."""
    rows = await tx.fetch(
        """SELECT first_person, second_person FROM review_decision
           WHERE claim_id = $1 AND review_id IS DISTINCT FROM $2
           UNION ALL SELECT planned_by, approved_by FROM redetermination
           WHERE EXISTS (SELECT FROM redetermination_done AS done WHERE done.redetermination_id = redetermination.id
                         AND done.claim_id = $1 AND done.result = 'DECIDED')""",
        claim_id,
        but,
    )
    return {person for row in rows for person in row if person}


async def denied_events(tx: Tx, persons: Collection[UUID]) -> set[tuple[UUID, date]]:
    """The events of these persons of which a reviewer has denied a claim, and no reviewer decided it otherwise since.

    What became of that claim by its sender, a correction or a void, undoes no finding.
    """
    rows = await tx.fetch(
        """SELECT DISTINCT denied_to, denied_on FROM review_decision AS one
           WHERE denied_to = ANY($1) AND NOT EXISTS (
               SELECT FROM review_decision AS later
               WHERE later.claim_id = one.claim_id AND later.version > one.version)""",
        list(persons),
    )
    return {(row["denied_to"], row["denied_on"]) for row in rows}


async def answered(tx: Tx, actor: str, request_id: str) -> tuple[bytes, bytes] | None:
    """The digest of an earlier request of this id, and what it was answered with."""
    rows = await tx.fetch(
        "SELECT digest, answer FROM review_request WHERE actor = $1 AND request_id = $2", actor, request_id
    )
    return (rows[0]["digest"], rows[0]["answer"]) if rows else None


async def keep_answer(tx: Tx, actor: str, request_id: str, digest: bytes, *, answer: bytes, now: datetime) -> None:
    await tx.execute("INSERT INTO review_request VALUES ($1, $2, $3, $4, $5)", actor, request_id, digest, answer, now)


async def was_determined(tx: Tx, claim_id: UUID) -> bool:
    """Whether any revision of the claim was ever decided."""
    rows = await tx.fetch(
        "SELECT EXISTS (SELECT FROM determination WHERE claim_id = $1 AND outcome <> 'PENDED') AS it", claim_id
    )
    return bool(rows[0]["it"])


# --- the queue -------------------------------------------------------------------------------------------------------


async def list_reviews(database: Database, wanted: Wanted, after: Place | None, limit: int) -> list[Listed]:
    """By due date, then risk, then age. A closed review is listed only where that state is asked for."""
    rows = await database.fetch(
        f"""SELECT {_REVIEW}, c.source, c.number AS claim_number, c.county, c.person, c.husband
            FROM review_task AS r JOIN claim AS c ON c.id = r.claim_id
            WHERE {"r.state = $1" if wanted.state else "r.state <> 'CLOSED' AND $1::text IS NULL"}
              AND ($2 = '' OR c.county = $2) AND ($3::text IS NULL OR c.kind = $3) AND ($4 = '' OR r.reason = $4)
              AND ($5::text IS NULL OR r.assignee = $5) AND ($6::uuid IS NULL OR r.claim_id = $6)
              AND ($7::text[] IS NULL OR c.source = ANY($7)) AND ($8::text[] IS NULL OR c.county = ANY($8))
              {f"AND ({_DUE}, -r.risk, r.id) > ($10::date, -$11::int, $12::uuid)" if after else ""}
            ORDER BY {_DUE}, -r.risk, r.id LIMIT $9""",
        wanted.state,
        wanted.county,
        wanted.kind,
        wanted.reason,
        wanted.assignee,
        wanted.claim_id,
        wanted.sources,
        wanted.counties,
        limit,
        *(after or ()),
    )
    return [_listed(row) for row in rows]


async def counts(database: Database, today: date) -> list[Count]:
    """How many are open and how many of these are overdue, by kind."""
    rows = await database.fetch(
        """SELECT c.kind, count(*) AS open, count(*) FILTER (WHERE r.due_on < $1) AS overdue
           FROM review_task AS r JOIN claim AS c ON c.id = r.claim_id WHERE r.state <> 'CLOSED' GROUP BY c.kind""",
        today,
    )
    return [Count(row["kind"], row["open"], row["overdue"]) for row in rows]


async def undated(database: Database, limit: int) -> list[tuple[UUID, ClaimKind, datetime]]:
    """Open reviews without a due date, with the kind and the receipt of their claim."""
    rows = await database.fetch(
        """SELECT r.id, c.kind, c.received_at FROM review_task AS r JOIN claim AS c ON c.id = r.claim_id
           WHERE r.state <> 'CLOSED' AND r.due_on IS NULL AND r.reason <> ALL ($1) ORDER BY r.id LIMIT $2""",
        [QUALITY_SAMPLE, APPEAL],
        limit,
    )
    return [(row["id"], ClaimKind(row["kind"]), row["received_at"]) for row in rows]


async def date_reviews(database: Database, dated: Sequence[tuple[UUID, date]]) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            """UPDATE review_task SET due_on = given.due_on FROM unnest($1::uuid[], $2::date[]) AS given (id, due_on)
               WHERE review_task.id = given.id AND review_task.due_on IS NULL""",
            [one for one, _ in dated],
            [day for _, day in dated],
        )


# --- the sample ------------------------------------------------------------------------------------------------------


async def draw(tx: Tx, *, seed: int, share_ppm: int, since: date, county: str) -> tuple[int, list[Sampled]]:
    """How many approved claims there are, and those drawn of them: whoever has the ids can check it.

    A claim is drawn if the first 32 bits of the MD5 of `seed/id` are below the share of 2^32.
    """
    (row,) = await tx.fetch(
        """WITH approved AS (
             SELECT c.id, c.version, c.kind,
                    ('x' || left(md5($1::text || '/' || c.id::text), 8))::bit(32)::bigint * 1000000 < ($2::bigint << 32)
                        AS drawn
             FROM claim AS c
             WHERE c.state IN ('APPROVED', 'PARTIALLY_APPROVED') AND ($3 = '' OR c.county = $3)
               AND EXISTS (SELECT FROM determination AS d
                           WHERE d.claim_id = c.id AND d.outcome = c.state AND d.decision_date >= $4)
           )
           SELECT count(*) AS population, coalesce(array_agg(id ORDER BY id) FILTER (WHERE drawn), '{}') AS ids,
                  coalesce(array_agg(version ORDER BY id) FILTER (WHERE drawn), '{}') AS versions,
                  coalesce(array_agg(kind ORDER BY id) FILTER (WHERE drawn), '{}') AS kinds
           FROM approved""",
        str(seed),
        share_ppm,
        county,
        since,
    )
    drawn = zip(row["ids"], row["versions"], row["kinds"], strict=True)
    return row["population"], [Sampled(one, version, ClaimKind(kind)) for one, version, kind in drawn]


def _review(row: asyncpg.Record) -> Review:
    return Review(
        row["id"],
        row["claim_id"],
        row["version"],
        ClaimKind(row["kind"]),
        row["reason"],
        row["due_on"],
        row["risk"],
        row["opened_at"],
        row["updated_at"],
        ReviewState(row["state"]),
        ReviewOutcome(row["outcome"]) if row["outcome"] else None,
        PendReason(row["pend_reason"]) if row["pend_reason"] else None,
        row["assignee"],
        row["number"],
        row["proposer"],
        row["proposal"],
    )


def _listed(row: asyncpg.Record) -> Listed:
    return Listed(_review(row), row["source"], row["claim_number"], row["county"], row["person"], row["husband"])


def place(review: Review) -> Place:
    return Place(review.due_on or date.max, review.risk, review.id)
