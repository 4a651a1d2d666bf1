"""What the treasury can open of persons who were erased, taken away: their accounts, and who paid back.

An account is needed until its payment has ended and its file is out of our hands: what is not yet taken away is looked
at again. Amounts, digests and references stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.db import Tx
from services.treasury.model.moves import DEAD, PAID

_ENDED: Final = sorted(DEAD | PAID)
# Those of whom we heard: all, or some.
_ERASED: Final = """SELECT person, person::text AS payee FROM erasure
    WHERE number = 0 AND ($1::uuid[] IS NULL OR person = ANY($1))"""


class Erasure(NamedTuple):
    """A person whom the registry has erased."""

    person: UUID
    at: datetime


class Gone(NamedTuple):
    """How much of what was taken away with one person."""

    accounts: int
    details: int


async def note(tx: Tx, heard: Collection[Erasure], now: datetime) -> set[UUID]:
    """Note whom we heard to be erased; answers of whom that is news."""
    rows = await tx.fetch(
        """INSERT INTO erasure (person, number, erased_at, at, accounts, details)
           SELECT person, 0, erased_at, $3, 0, 0 FROM unnest($1::uuid[], $2::timestamptz[]) AS told (person, erased_at)
           ORDER BY person ON CONFLICT DO NOTHING RETURNING person""",
        [one.person for one in heard],
        [one.at for one in heard],
        now,
    )
    return {row["person"] for row in rows}


async def take_away(tx: Tx, persons: Collection[UUID] | None = None) -> dict[UUID, Gone]:
    """Take away what is needed no more of these, or of all who were erased; how much, of whom there was something."""
    hers = None if persons is None else list(persons)
    accounts = await tx.fetch(
        f"""WITH ended AS (
              SELECT payment.id, person FROM ({_ERASED}) AS erased
              JOIN payment ON payment.payee = erased.payee AND payee_kind = 'PERSON'
              LEFT JOIN bank_file AS file ON file.id = file_id
              WHERE account_sealed IS NOT NULL AND payment.state = ANY($2)
                AND (file_id IS NULL OR (file.handover IS NOT NULL AND file.handover <> 'NOT_SENT'))
              FOR UPDATE OF payment SKIP LOCKED)
            UPDATE payment SET account_sealed = NULL FROM ended WHERE payment.id = ended.id RETURNING person""",
        hers,
        _ENDED,
    )
    details = await tx.fetch(
        f"""WITH erased AS ({_ERASED}), named AS (
              SELECT end_to_end_id, NULL::bigint AS entry_id, person
              FROM erased JOIN payment ON payment.payee = erased.payee AND payee_kind = 'PERSON'
              UNION ALL SELECT NULL, entry_id, person
              FROM erased JOIN recovery ON recovery.payee = erased.payee AND payee_kind = 'PERSON'
              JOIN recovery_repayment AS repaid ON repaid.recovery_id = recovery.id
            ), entry AS (
              SELECT id, person FROM statement_entry JOIN named USING (end_to_end_id)
              WHERE end_to_end_id <> '' AND detail_sealed IS NOT NULL
              UNION SELECT id, person FROM statement_entry JOIN named ON id = named.entry_id
              WHERE detail_sealed IS NOT NULL)
            UPDATE statement_entry SET detail_sealed = NULL FROM entry WHERE statement_entry.id = entry.id
            RETURNING person""",
        hers,
    )
    counts = [Counter(row["person"] for row in found) for found in (accounts, details)]
    return {person: Gone(*[count[person] for count in counts]) for person in counts[0] | counts[1]}


async def keep(tx: Tx, gone: Mapping[UUID, Gone], now: datetime) -> None:
    """The record of it."""
    await tx.execute(
        """INSERT INTO erasure (person, number, erased_at, at, accounts, details)
           SELECT person, max(erasure.number) + 1, min(erased_at), $4, min(mine.accounts), min(mine.details)
           FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS mine (person, accounts, details)
           JOIN erasure USING (person) GROUP BY person""",
        list(gone),
        [one.accounts for one in gone.values()],
        [one.details for one in gone.values()],
        now,
    )
