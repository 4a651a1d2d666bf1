"""What is on file about persons: what their claims hold and take, and the last change of coverage heard of."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

import asyncpg

from services.claims.model import Account, Benefit, EventType, Hold, PriorKind, Standing, Taken
from services.kit.db import Tx

OfPersons = dict[UUID, dict[UUID, Standing]]  # person -> claim -> what it holds and takes


async def lock_persons(tx: Tx, persons: Collection[UUID]) -> None:
    """Make whatever is decided about these persons wait for us, in one order so that nobody waits in a circle."""
    await tx.execute(
        # An update that never happens: a row that is there is locked, one that is not is made.
        "INSERT INTO person (id) SELECT unnest($1::uuid[]) ON CONFLICT (id) DO UPDATE SET id = excluded.id WHERE false",
        sorted(persons),
    )


async def changed_since(tx: Tx, persons: Collection[UUID], employers: Collection[str], known_at: datetime) -> bool:
    """Whether a change of one of these was heard of that a look-up as of then cannot have seen."""
    # Few employers change between a look-up and its batch: they come here, rather than all of the batch go there.
    rows = await tx.fetch(
        """SELECT NULL AS employer FROM person WHERE coverage_recorded_at > $1 AND id = ANY($2)
           UNION ALL SELECT id FROM employer WHERE wages_recorded_at > $1""",
        known_at,
        list(persons),
    )
    return any(row["employer"] is None or row["employer"] in employers for row in rows)


async def load_standing(tx: Tx, persons: Collection[UUID], *, with_taken: bool) -> OfPersons:
    """What the claims of these persons hold, and what they take if a claim of the batch could need it."""
    found: OfPersons = {}
    rows = await tx.fetch(
        """SELECT person, claim_id, benefit, event_type, event_date, kind, hospital, paid_fen, surgery
           FROM benefit_hold WHERE person = ANY($1)""",
        list(persons),
    )
    for row in rows:
        _add(found, row, holds=(_hold(row),))
    if with_taken:
        rows = await tx.fetch(
            "SELECT person, claim_id, account, key, amount FROM taken WHERE person = ANY($1)", list(persons)
        )
        for row in rows:
            _add(found, row, taken=(Taken(Account(row["account"]), row["key"], row["amount"]),))
    return found


def _add(found: OfPersons, row: asyncpg.Record, holds: tuple[Hold, ...] = (), taken: tuple[Taken, ...] = ()) -> None:
    claims = found.setdefault(row["person"], {})
    known = claims.get(row["claim_id"], Standing(row["claim_id"]))
    claims[known.claim_id] = known._replace(holds=known.holds + holds, taken=known.taken + taken)


def _hold(row: asyncpg.Record) -> Hold:
    day: date = row["event_date"]
    return Hold(
        Benefit(row["benefit"]),
        EventType(row["event_type"]),
        day,
        PriorKind(row["kind"]),
        row["hospital"],
        row["paid_fen"],
        row["surgery"],
    )
