"""Accounts of payees: recorded as they stand, and read by reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.db import Database, Tx
from services.registry.model import PayeeKind

_PAYEES: Final = """
SELECT COALESCE(person.id, employer.id, provider.id) IS NOT NULL AS is_known, person.erased_at IS NOT NULL AS is_erased,
       person_key.wrapped, account.version, account.sealed, account.content_hash, person.sealed AS identity,
       COALESCE(employer.name, provider.name, '') AS name
FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY AS asked (kind, reference, position)
LEFT JOIN payee_account AS account ON account.kind = asked.kind AND account.reference = asked.reference
LEFT JOIN person ON asked.kind = 'PERSON' AND person.id = asked.reference
LEFT JOIN person_key ON person_key.person_id = person.id
LEFT JOIN employer ON asked.kind = 'EMPLOYER' AND employer.id = asked.reference
LEFT JOIN provider ON asked.kind = 'PROVIDER' AND provider.id = asked.reference
ORDER BY asked.position
"""


class AccountRow(NamedTuple):
    """An account, sealed; in order of kind and reference two writers wait, and not in a circle."""

    kind: PayeeKind
    reference: UUID
    sealed: bytes
    content_hash: bytes
    confirmed_version: int  # becomes another, though the account is the same; 0: none


class PayeeOnFile(NamedTuple):
    is_known: bool
    is_erased: bool
    wrapped: bytes | None  # a person's key
    version: int | None
    sealed: bytes | None
    content_hash: bytes | None
    identity: bytes | None  # who a person is, sealed
    name: str  # of an employer or an institution


class Named(NamedTuple):
    id: UUID
    name: str


async def named_employers(tx: Tx, usccs: Sequence[str]) -> dict[str, Named]:
    rows = await tx.fetch("SELECT uscc, id, name FROM employer WHERE uscc = ANY($1)", usccs)
    return {row["uscc"]: Named(row["id"], row["name"]) for row in rows}


async def named_providers(tx: Tx, codes: Sequence[str]) -> dict[str, Named]:
    rows = await tx.fetch("SELECT code, id, name FROM provider WHERE code = ANY($1)", codes)
    return {row["code"]: Named(row["id"], row["name"]) for row in rows}


async def keep_keys(tx: Tx, keys: Sequence[tuple[UUID, bytes]]) -> None:
    """Keys of persons who had none, and whose rows are locked."""
    await tx.copy("person_key", ("person_id", "wrapped"), keys)


async def save_accounts(tx: Tx, rows: Sequence[AccountRow], at: datetime) -> int:
    """Write accounts; the same account again changes nothing, unless it is confirmed as it stands. Answers how many
    have another version than before.
    """
    columns: list[list[object]] = [list(column) for column in zip(*sorted(rows), strict=True)]
    written = await tx.fetch(
        """INSERT INTO payee_account (kind, reference, version, sealed, content_hash, recorded_at)
           SELECT kind, reference, 1 + confirmed, sealed, content_hash, $6
           FROM unnest($1::text[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bigint[])
                AS given (kind, reference, sealed, content_hash, confirmed)
           ON CONFLICT (kind, reference) DO UPDATE SET version = payee_account.version + 1, sealed = excluded.sealed,
               content_hash = excluded.content_hash, recorded_at = excluded.recorded_at
           WHERE payee_account.content_hash IS DISTINCT FROM excluded.content_hash
              OR payee_account.version + 1 = excluded.version RETURNING 1""",
        *columns,
        at,
    )
    return len(written)


async def payees(database: Database, asked: Sequence[tuple[PayeeKind, UUID]]) -> list[PayeeOnFile]:
    """One for each, in their order."""
    rows = await database.fetch(_PAYEES, [kind for kind, _ in asked], [reference for _, reference in asked])
    return [PayeeOnFile(*row) for row in rows]
