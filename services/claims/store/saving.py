"""Writing a batch: claims and what they were decided to be, what they hold and take, what came in. Sets, never rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.claims.model import (
    KEEPS,
    Account,
    Claim,
    Determination,
    Facts,
    Hold,
    Order,
    ReceiptStatus,
    Received,
    Taken,
)
from services.claims.model.submission import NOT_ACCEPTED, kept_field
from services.claims.store.again import queue
from services.claims.store.claims import COLUMNS
from services.claims.store.orders import save_orders
from services.kit.db import Tx
from services.kit.law import Law, canonical
from services.kit.messages import Reason, values_of

_DETERMINATION: Final = (
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
    "sequence",
)
_SUBMISSION: Final = (
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
    "sent",
    "submit_date",
    "claimed_fen",
    "county",
    "fields",
    "reason_values",
    "person",
    "husband",
    "is_apart",
)
_ACCEPTED: Final = (None, None, None)  # county, fields, and what fills the texts
_HOLD: Final = ("person", "claim_id", "benefit", "event_type", "event_date", "kind", "hospital", "paid_fen", "surgery")
_TAKEN: Final = ("person", "claim_id", "account", "key", "amount")
_Place = tuple[UUID | None, str, str]  # whose, and what is held or taken
_WAITING: Final = ("claim_id", "revision", "person", "due_on", "reasons", "facts", "known_at")


class Waiting(NamedTuple):
    """Why a claim waits before it is decided, and its facts without what the registry knows of her."""

    reasons: tuple[str, ...]
    facts: Facts
    due_on: date | None


class Change(NamedTuple):
    """A claim as it stands from now on, and what it was decided to be, holds, takes, or waits for."""

    claim: Claim
    facts: Facts | None = None
    determination: Determination | None = None
    sequence: int = 1  # of the determinations of a revision
    holds: tuple[Hold, ...] = ()
    taken: tuple[Taken, ...] = ()
    waiting: Waiting | None = None
    returned: tuple[str, ...] = ()  # why, if it was sent back after it had waited
    orders: tuple[Order, ...] | None = None  # None: what it orders was not reckoned
    without_payee: tuple[str, ...] = ()  # lines that owe something of which nobody knows whom to pay
    known_at: datetime | None = None  # if it rests on what was known then, not on what the batch looked up


class Settled(NamedTuple):
    """What became of one record of the intake, ready to be written."""

    received: Received
    status: ReceiptStatus
    receipt_id: UUID
    reasons: tuple[Reason, ...]
    claim: Claim | None = None
    change: Change | None = None


class Named(NamedTuple):
    """Whom a record of the intake names, as far as the registry knew. `is_apart`: no claim leads to them."""

    person: UUID | None
    husband: UUID | None
    is_apart: bool


NOBODY: Final = Named(None, None, is_apart=True)


class Ground(NamedTuple):
    """What decisions rest on beside their facts, and when they are written."""

    law: Law
    rules: str
    known_at: datetime
    now: datetime


async def save_changes(tx: Tx, changes: Sequence[Change], ground: Ground) -> None:
    """Write what became of claims. One that changed more than once is written once, as it stands at the end."""
    if any(change.orders is None for change in changes):
        raise ValueError("a claim is not written before it is reckoned what it orders")
    last = {change.claim.id: change for change in changes}
    before: dict[UUID, int] = {}
    for change in changes:
        before.setdefault(change.claim.id, change.claim.version - 1)
    on_file = {claim_id for claim_id, version in before.items() if version}
    await _insert_claims(tx, [change.claim for change in last.values() if change.claim.id not in on_file])
    if on_file:
        await _update_claims(tx, [last[claim_id].claim for claim_id in sorted(on_file)])
    standing = {c.claim.id: c for c in changes if c.claim.state not in KEEPS}
    given_back = await _save_standing(tx, standing, [claim_id for claim_id in standing if claim_id in on_file])
    if len(changes) > len(last):
        given_back.update(_places(c for c in changes if standing.get(c.claim.id, c) is not c))
    if given_back and (freed := _freed(given_back, _places(standing.values()))):
        await queue(tx, freed)
    await save_orders(tx, [(c.claim.id, order) for c in changes for order in c.orders or ()], on_file)
    await _save_waiting(tx, last, on_file, ground.known_at)
    await tx.copy("determination", _DETERMINATION, [row for c in changes if (row := _determination(c, ground))])


async def save_submissions(
    tx: Tx, settled: Sequence[Settled], named: Sequence[Named], sealed: Sequence[bytes | None]
) -> None:
    """Write what came in, sealed, or not at all, whom it names, and what was answered."""
    await tx.copy(
        "submission",
        _SUBMISSION,
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
                s.received.sent,
                s.received.submit_date,
                s.received.claimed_fen,
                *(_of_what_was_not_accepted(s) if s.status in NOT_ACCEPTED else _ACCEPTED),
                *who,
            )
            for s, who, bytes_sealed in zip(settled, named, sealed, strict=True)
        ],
    )


def _of_what_was_not_accepted(settled: Settled) -> tuple[str | None, list[str], str | None]:
    return _county(settled), [kept_field(reason.field) for reason in settled.reasons], values_of(settled.reasons)


def _county(settled: Settled) -> str | None:
    """Whose clerks are to see it: of the claim on file, else as it was stated."""
    received = settled.received
    if settled.claim:
        return settled.claim.county
    return received.submission.county if received.submission else received.county or None


def _determination(change: Change, ground: Ground) -> tuple[object, ...] | None:
    if change.facts is None or change.determination is None:
        return None
    return (
        change.claim.id,
        change.claim.version,
        change.claim.revision,
        change.determination.outcome,
        change.facts.decision_date,
        change.known_at or ground.known_at,
        ground.law.digest,
        ground.rules,
        canonical(change.facts.as_data()),
        canonical(change.determination.as_data()),
        ground.now,
        change.sequence,
    )


async def _insert_claims(tx: Tx, claims: Sequence[Claim]) -> None:
    await tx.copy(
        "claim",
        COLUMNS.split(", "),
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
                c.kind,
                c.employer,
                c.void_hash,
                c.husband,
                c.payment or "",
                " ".join(c.providers),
            )
            for c in claims
        ],
    )


async def _update_claims(tx: Tx, claims: Sequence[Claim]) -> None:
    # The digests go by row and are gathered again: an array of arrays does not unnest by row.
    digests = [(c.id, n, digest) for c in claims for n, digest in enumerate(c.content_hashes)]
    await tx.execute(
        """WITH digest AS (
               SELECT id, array_agg(hash ORDER BY n) AS hashes
               FROM unnest($14::uuid[], $15::int[], $16::bytea[]) AS one (id, n, hash) GROUP BY id)
           UPDATE claim SET version = mine.version, state = mine.state, county = mine.county,
                            event_date = mine.event_date, person = mine.person, updated_at = mine.updated_at,
                            kind = mine.kind, employer = mine.employer, void_hash = mine.void_hash,
                            husband = mine.husband, payment = mine.payment, providers = mine.providers,
                            content_hashes = digest.hashes
           FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::date[], $6::uuid[], $7::timestamptz[],
                       $8::text[], $9::text[], $10::bytea[], $11::uuid[], $12::text[], $13::text[])
                AS mine (id, version, state, county, event_date, person, updated_at, kind, employer, void_hash, husband,
                         payment, providers)
                JOIN digest USING (id)
           WHERE claim.id = mine.id""",
        [c.id for c in claims],
        [c.version for c in claims],
        [c.state for c in claims],
        [c.county for c in claims],
        [c.event_date for c in claims],
        [c.person for c in claims],
        [c.updated_at for c in claims],
        [c.kind for c in claims],
        [c.employer for c in claims],
        [c.void_hash for c in claims],
        [c.husband for c in claims],
        [c.payment or "" for c in claims],
        [" ".join(c.providers) for c in claims],
        *map(list, zip(*digests, strict=True)),
    )


# --- what claims hold and take ---------------------------------------------------------------------------------------


async def _save_standing(tx: Tx, standing: Mapping[UUID, Change], on_file: Sequence[UUID]) -> Counter[_Place]:
    """What a claim held and took before is given back as exactly that, and what it holds and takes now is written.

    Answers what was given back for her other claims, which may have been refused for it. What a reviewer has denied
    frees nothing by itself: a person decides what the finding means for them.
    """
    given_back: list[tuple[UUID, str, str, int]] = []
    free: Counter[_Place] = Counter()
    if on_file:
        denied = {c.claim.id for c in standing.values() if c.facts and c.facts.reviewed.denied}
        held = await tx.fetch(
            """DELETE FROM benefit_hold WHERE claim_id = ANY($1)
               RETURNING claim_id, person, benefit AS account,
                         event_type || '/' || event_date || '/' || surgery AS key, 1 AS amount""",
            on_file,
        )
        rows = await tx.fetch(
            "DELETE FROM taken WHERE claim_id = ANY($1) RETURNING claim_id, person, account, key, amount", on_file
        )
        given_back = [
            (row["person"], row["account"], row["key"], row["amount"]) for row in rows if row["account"] != Account.COST
        ]
        for row in (*held, *rows):
            if row["claim_id"] not in denied:
                free[row["person"], row["account"], row["key"]] += row["amount"]
    await tx.copy(
        "benefit_hold", _HOLD, [(c.claim.person, c.claim.id, *hold) for c in standing.values() for hold in c.holds]
    )
    taken = [(c.claim.person, c.claim.id, one) for c in standing.values() for one in c.taken]
    if taken:
        await tx.copy(
            "taken", _TAKEN, [(person, claim_id, one.account, one.key, one.amount) for person, claim_id, one in taken]
        )
    counted = [(person, one) for person, _, one in taken if one.account is not Account.COST]
    if counted or given_back:
        await _count(tx, counted, given_back)
    return free


def _places(changes: Iterable[Change]) -> Counter[_Place]:
    """What these hold, as one each, and what they take."""
    found: Counter[_Place] = Counter()
    for change in changes:
        for hold in change.holds:
            found[change.claim.person, hold.benefit, f"{hold.event_type}/{hold.event_date}/{hold.surgery}"] += 1
        for one in change.taken:
            found[change.claim.person, one.account, one.key] += one.amount
    return found


def _freed(given_back: Counter[_Place], again: Counter[_Place]) -> set[UUID]:
    """Of whom less is held or taken than before."""
    return {place[0] for place, amount in given_back.items() if place[0] and amount > again[place]}


async def _count(
    tx: Tx, taken: Sequence[tuple[UUID | None, Taken]], given_back: Sequence[tuple[UUID, str, str, int]]
) -> None:
    """Move the sums by what changed. What would pass a cap, or fall below nothing, is refused by the table."""
    moved: Counter[tuple[UUID | None, str, str]] = Counter()
    caps: dict[tuple[UUID | None, str, str], int] = {}
    for owner, account, key, amount in given_back:
        moved[owner, account, key] -= amount
    for person, one in taken:
        moved[person, one.account, one.key] += one.amount
        if one.cap is not None:
            caps[person, one.account, one.key] = max(one.cap, caps.get((person, one.account, one.key), 0))
    places = sorted(moved, key=str)  # in one order, so that nobody waits in a circle
    columns: list[list[object]] = [list(column) for column in zip(*places, strict=True)]
    await tx.execute(
        """INSERT INTO accumulator (person, account, key, amount)
           SELECT *, 0 FROM unnest($1::uuid[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING""",
        *columns,
    )
    await tx.execute(
        """UPDATE accumulator AS a SET amount = a.amount + mine.amount, cap = GREATEST(a.cap, mine.cap)
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
                AS mine (person, account, key, amount, cap)
           WHERE a.person = mine.person AND a.account = mine.account AND a.key = mine.key""",
        *columns,
        [moved[place] for place in places],
        [caps.get(place) for place in places],
    )


async def _save_waiting(tx: Tx, last: Mapping[UUID, Change], on_file: Collection[UUID], known_at: datetime) -> None:
    if on_file:
        await tx.execute("DELETE FROM waiting WHERE claim_id = ANY($1)", list(on_file))
    await tx.copy(
        "waiting",
        _WAITING,
        [
            (
                c.claim.id,
                c.claim.revision,
                c.claim.person,
                c.waiting.due_on,
                list(c.waiting.reasons),
                canonical(c.waiting.facts.as_data()),
                known_at,
            )
            for c in last.values()
            if c.waiting
        ],
    )
