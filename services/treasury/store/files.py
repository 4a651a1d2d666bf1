"""Files for banks: made when a run is sent, hashed, intended, handed over; each of these once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from services.kit.db import Database, Tx
from services.treasury.model import File, Format, Paying

_COLUMNS: Final = """f.id, f.run_id, f.paying_account, f.message_id, f.name, f.created_at, f.execute_on, f.debtor_name,
    f.debtor_account, f.debtor_bank_code, f.debtor_known_as, f.count, f.total_fen, f.sha256,
    f.size_bytes, f.signature, f.intent_at, f.handover"""
_FILE: Final = (
    "id",
    "run_id",
    "paying_account",
    "message_id",
    "name",
    "created_at",
    "execute_on",
    "debtor_name",
    "debtor_account",
    "debtor_bank_code",
    "debtor_known_as",
    "count",
    "total_fen",
)


class Share(NamedTuple):
    """What the bank is to pay of a run from one of our accounts to one class of payee."""

    paying_account: str
    payee_kind: str
    payments: int
    total_fen: int


async def shares(source: Database | Tx, run_id: UUID) -> list[Share]:
    """Counts and sums as they lie in the table, in the order in which a file has them."""
    rows = await source.fetch(
        """SELECT paying_account, payee_kind, count(*) AS count, sum(amount_fen - offset_fen)::bigint AS fen
           FROM payment
           WHERE run_id = $1 AND state <> 'CANCELLED' AND amount_fen > offset_fen
           GROUP BY paying_account, payee_kind ORDER BY paying_account, payee_kind""",
        run_id,
    )
    return [Share(*row) for row in rows]


async def add(tx: Tx, files: Sequence[File]) -> None:
    rows = [
        (
            one.id,
            one.run_id,
            one.paying.code,
            one.message_id,
            one.name,
            one.created_at,
            one.execute_on,
            one.paying.name,
            one.paying.account,
            one.paying.bank_code,
            one.paying.known_as,
            one.payments,
            one.total_fen,
        )
        for one in files
    ]
    await tx.copy("bank_file", _FILE, rows)


async def of_run(source: Database | Tx, run_id: UUID) -> list[File]:
    rows = await source.fetch(f"SELECT {_COLUMNS} FROM bank_file AS f WHERE f.run_id = $1 ORDER BY f.id", run_id)
    return [_file_of(row) for row in rows]


async def to_send(database: Database, accounts: Sequence[str]) -> list[File]:
    """Files from these accounts that were never intended, or of which it is known that not a byte left."""
    rows = await database.fetch(
        f"""SELECT {_COLUMNS} FROM bank_file AS f
            WHERE (f.handover IS NULL OR f.handover = 'NOT_SENT') AND (f.intent_at IS NULL OR f.handover = 'NOT_SENT')
              AND f.paying_account = ANY($1)
              AND NOT EXISTS (SELECT FROM payment_run AS r WHERE r.id = f.run_id AND r.state = 'CANCELLED')
            ORDER BY f.id""",
        list(accounts),
    )
    return [_file_of(row) for row in rows]


async def untouched(tx: Tx, run_id: UUID) -> bool:
    """Whether none of a run's files, locked, was begun: it was queued, and no payment of it is on its way."""
    rows = await tx.fetch("SELECT sha256 FROM bank_file WHERE run_id = $1 FOR UPDATE", run_id)
    return all(row["sha256"] is None for row in rows)


async def in_doubt(database: Database, before: datetime) -> list[UUID]:
    """Files that may have left before an instant, with payments of which the bank has said nothing."""
    rows = await database.fetch(
        """SELECT f.id FROM bank_file AS f
           WHERE f.intent_at < $1 AND f.handover IS DISTINCT FROM 'NOT_SENT'
             AND EXISTS (SELECT FROM payment AS p WHERE p.run_id = f.run_id AND p.paying_account = f.paying_account
                         AND p.phase = 'LIVE' AND p.state = 'SENT')
           ORDER BY f.id""",
        before,
    )
    return [row["id"] for row in rows]


async def lock(tx: Tx, file_id: UUID) -> File:
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM bank_file AS f WHERE f.id = $1 FOR UPDATE", file_id)
    return _file_of(rows[0])


async def hashed(tx: Tx, file_id: UUID, sha256: bytes, size_bytes: int, signature: bytes | None) -> None:
    await tx.execute(
        "UPDATE bank_file SET sha256 = $2, size_bytes = $3, signature = $4 WHERE id = $1",
        file_id,
        sha256,
        size_bytes,
        signature,
    )


async def intend(tx: Tx, file_id: UUID, now: datetime) -> None:
    """From here on it may have left. What is known of an attempt before, that it did not, is no more known."""
    await tx.execute("UPDATE bank_file SET intent_at = $2, handover = NULL WHERE id = $1", file_id, now)


async def handed(tx: Tx, file_id: UUID, handover: str, now: datetime) -> None:
    await tx.execute("UPDATE bank_file SET handover = $2, handed_at = $3 WHERE id = $1", file_id, handover, now)


async def debtors(source: Database | Tx, files: Sequence[UUID]) -> dict[UUID, str]:
    """The account each file pays from, as its bank calls it."""
    rows = await source.fetch("SELECT id, debtor_known_as FROM bank_file WHERE id = ANY($1)", list(files))
    return {row["id"]: row["debtor_known_as"] for row in rows}


class Proof(NamedTuple):
    """When a file may have left, when it was to be paid, and from which account."""

    intent_at: datetime
    execute_on: date
    account: str


async def proofs(source: Database | Tx, files: Sequence[UUID]) -> dict[UUID, Proof]:
    rows = await source.fetch(
        "SELECT id, intent_at, execute_on, debtor_known_as FROM bank_file WHERE id = ANY($1)", list(files)
    )
    return {row["id"]: Proof(row["intent_at"], row["execute_on"], row["debtor_known_as"]) for row in rows}


async def unanswered(database: Database) -> dict[UUID, Proof]:
    """Files that may have left, with payments of which nothing is known."""
    rows = await database.fetch(
        """SELECT id, intent_at, execute_on, debtor_known_as FROM bank_file AS f
           WHERE intent_at IS NOT NULL AND EXISTS (
               SELECT FROM payment AS p
               WHERE p.run_id = f.run_id AND p.paying_account = f.paying_account AND p.is_unknown)
           ORDER BY id"""
    )
    return {row["id"]: Proof(row["intent_at"], row["execute_on"], row["debtor_known_as"]) for row in rows}


def _file_of(row: Mapping[str, Any]) -> File:
    return File(
        row["id"],
        row["run_id"],
        Paying(
            row["paying_account"],
            row["debtor_name"],
            row["debtor_account"],
            row["debtor_bank_code"],
            row["debtor_known_as"],
            Format.of(row["name"]),
        ),
        row["message_id"],
        row["name"],
        row["created_at"],
        row["execute_on"],
        row["count"],
        row["total_fen"],
        row["sha256"],
        row["size_bytes"],
        row["signature"],
        row["intent_at"],
        row["handover"],
    )


async def oldest_without_statement(database: Database) -> dict[str, date | None]:
    """Of each account of ours that ever sent, the day of its oldest file with a payment that left and that no statement
    has, in runs that are not closed.
    """
    rows = await database.fetch(
        """SELECT f.paying_account,
                  min(GREATEST((f.intent_at AT TIME ZONE 'Asia/Shanghai')::date, f.execute_on))
                      FILTER (WHERE r.state IN ('SENT', 'SETTLED') AND EXISTS (
                          SELECT FROM payment AS p WHERE p.run_id = f.run_id AND p.file_id = f.id
                          AND p.debit_statement IS NULL
                          AND p.state IN ('SENT', 'ACCEPTED', 'UNKNOWN', 'SETTLED'))) AS day
           FROM bank_file AS f JOIN payment_run AS r ON r.id = f.run_id
           WHERE f.intent_at IS NOT NULL GROUP BY f.paying_account"""
    )
    return {row["paying_account"]: row["day"] for row in rows}
