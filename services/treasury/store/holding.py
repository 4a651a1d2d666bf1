"""HOLDs, and what begins and ends one. Who commits an intent shares a lock that whoever begins a HOLD takes alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.kit.db import Database, Tx
from services.treasury.model.holding import Cause, OnHold
from services.treasury.store import breaks

_LOCK: Final = 0x0CAD401D
_COLUMNS: Final = """id, cause, begun_by, begun_at, since_at, since_on, sent_to, mark, document, proposed_by, lifted_by,
    lifted_at"""


async def is_held(source: Database | Tx) -> bool:
    return bool(await source.fetch("SELECT 1 FROM treasury_hold WHERE lifted_at IS NULL"))


async def is_held_now(tx: Tx) -> bool:
    """As long as this transaction runs nobody begins a HOLD."""
    await tx.execute("SELECT pg_advisory_xact_lock_shared($1)", _LOCK)
    return await is_held(tx)


async def alone(tx: Tx) -> None:
    """Wait until whoever is committing an intent has done so."""
    await tx.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def latest(source: Database | Tx) -> OnHold | None:
    """The open one, or the last that was lifted."""
    rows = await source.fetch(
        f"SELECT {_COLUMNS} FROM treasury_hold ORDER BY lifted_at IS NULL DESC, begun_at DESC LIMIT 1"
    )
    if not rows:
        return None
    found = dict(rows[0])
    return OnHold(**{**found, "cause": Cause(found["cause"])})


async def add(tx: Tx, hold: OnHold) -> None:
    await tx.execute(
        """INSERT INTO treasury_hold (id, cause, begun_by, begun_at, since_at, since_on, sent_to, mark)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        *hold[:8],
    )


async def save(tx: Tx, hold: OnHold, now: datetime) -> None:
    """What was seen outside, who proposes to lift it, and who lifts it."""
    await tx.execute(
        """UPDATE treasury_hold SET sent_to = $2, mark = $3, document = $4, proposed_by = $5, lifted_by = $6,
               lifted_at = $7,
               proposed_at = COALESCE(proposed_at, CASE WHEN $5::text IS NOT NULL THEN $8::timestamptz END)
           WHERE id = $1""",
        hold.id,
        hold.sent_to,
        hold.mark,
        hold.document,
        hold.proposed_by,
        hold.lifted_by,
        hold.lifted_at,
        now,
    )


async def is_known(database: Database, file: str, hold: str) -> bool:
    """Whether the database knows that this file was sent and that this HOLD was lifted; '' is none."""
    rows = await database.fetch(
        """SELECT ($1 = '' OR EXISTS (SELECT FROM bank_file WHERE name = $1 AND intent_at IS NOT NULL))
              AND ($2 = '' OR EXISTS (SELECT FROM treasury_hold WHERE id::text = $2 AND lifted_at IS NOT NULL))
              AS known""",
        file,
        hold,
    )
    return bool(rows[0]["known"])


async def last_sent(database: Database) -> tuple[str, date | None]:
    """The last file that may have left ('' if none), and the last day on which any was to be paid."""
    rows = await database.fetch(
        """SELECT (SELECT name FROM bank_file WHERE intent_at IS NOT NULL ORDER BY intent_at DESC, id DESC LIMIT 1)
                  AS name,
                  (SELECT max(execute_on) FROM bank_file WHERE intent_at IS NOT NULL) AS sent_to"""
    )
    return rows[0]["name"] or "", rows[0]["sent_to"]


async def has_handed_over(database: Database, since: datetime | None) -> bool:
    """Whether it knows of a file that was handed over, and so left its mark outside; after an instant, if given."""
    return bool(
        await database.fetch(
            """SELECT 1 FROM bank_file WHERE handover IS NOT NULL AND handover <> 'NOT_SENT'
                 AND ($1::timestamptz IS NULL OR handed_at > $1) LIMIT 1""",
            since,
        )
    )


async def last_known(source: Database | Tx) -> tuple[datetime | None, date | None]:
    """The last that is known of runs and banks; and the first day of the ledger."""
    rows = await source.fetch(
        """SELECT GREATEST((SELECT max(received_at) FROM bank_message), (SELECT max(intent_at) FROM bank_file),
                           (SELECT max(handed_at) FROM bank_file),
                           (SELECT max(GREATEST(planned_at, approved_at, sent_at, closed_at)) FROM payment_run)) AS at,
                  (SELECT min(booked_on) FROM account_day) AS first"""
    )
    return rows[0]["at"], rows[0]["first"]


async def sending_accounts(source: Database | Tx) -> set[str]:
    """Our accounts, as statements call them, from which anything was ever to be paid."""
    return {row["debtor_known_as"] for row in await source.fetch("SELECT DISTINCT debtor_known_as FROM bank_file")}


async def unfit_items(source: Database | Tx) -> int:
    """Debits that fit no payment and wait for a person."""
    rows = await source.fetch(
        "SELECT count(*) AS count FROM unmatched WHERE is_open AND source = 'ENTRY' AND NOT is_credit"
    )
    return int(rows[0]["count"])


async def unapplied(source: Database | Tx) -> int:
    rows = await source.fetch("SELECT count(*) AS count FROM bank_message WHERE applied < records")
    return int(rows[0]["count"])


# --- what was lost ----------------------------------------------------------------------------------------------------


async def unknown_movements(source: Database | Tx, ids: Collection[int] | None, *, is_credit: bool) -> list[str]:
    """References of open items, of these or of all, of which the database knows no payment; debits or credits."""
    rows = await source.fetch(
        """SELECT end_to_end_id FROM unmatched
           WHERE is_open AND source IN ('ENTRY', 'RETURN') AND is_credit = $2 AND payment_id IS NULL
             AND end_to_end_id <> '' AND ($1::bigint[] IS NULL OR id = ANY($1))
           GROUP BY end_to_end_id ORDER BY bool_or(order_id IS NOT NULL), min(id)""",
        None if ids is None else list(ids),
        is_credit,
    )
    return [row["end_to_end_id"] for row in rows]


async def orders_of(source: Database | Tx, subjects: Collection[bytes]) -> dict[bytes, int]:
    """The orders whose payments' ids end so. Their keys are digested here and now: it is asked only after a restore."""
    rows = await source.fetch(
        """WITH made AS MATERIALIZED (
               SELECT id, substr(sha256(convert_to(concat_ws('/', programme, case_id::text, period, line), 'UTF8')),
                                 1, 8) AS digest FROM payment_order)
           SELECT id, set_byte(digest, 0, (get_byte(digest, 0) & 63) | 128) AS subject FROM made
           WHERE set_byte(digest, 0, (get_byte(digest, 0) & 63) | 128) = ANY($1::bytea[])""",
        list(subjects),
    )
    return {bytes(row["subject"]): row["id"] for row in rows}


async def left_runs(database: Database, marked: str) -> list[UUID]:
    """Runs with a file that left although the database does not know it: the bank spoke of one of its payments,
    or it is the file of the mark. Also those of which all lines were taken for sent, and not yet worked; and queued
    ones of whose orders the bank has paid one by another payment, which is not here.
    """
    rows = await database.fetch(
        """SELECT p.run_id FROM unmatched AS u JOIN payment AS p ON p.id = u.payment_id
           WHERE u.is_open
             AND (p.state IN ('CREATED', 'RESERVED', 'QUEUED')
                  OR (p.state IN ('SENT', 'UNKNOWN')
                      AND u.reasons::jsonb -> 0 ->> 0 IN ('ENTRY_NOT_SENT', 'ANSWER_NOT_SENT')))
           UNION SELECT f.run_id FROM bank_file AS f
           WHERE f.intent_at IS NULL
             AND (f.name = $1 OR EXISTS (SELECT FROM payment AS p WHERE p.file_id = f.id
                                         AND p.state NOT IN ('CREATED', 'RESERVED', 'QUEUED', 'SENT', 'CANCELLED')))
           UNION SELECT p.run_id FROM unmatched AS u JOIN payment AS p ON p.order_id = u.order_id
           LEFT JOIN bank_file AS f ON f.id = p.file_id
           WHERE u.is_open AND u.source = 'ENTRY' AND NOT u.is_credit AND u.payment_id IS NULL
             AND (p.state = 'QUEUED' OR (p.state = 'SENT' AND f.intent_at IS NULL))
           ORDER BY 1""",
        marked,
    )
    return [row["run_id"] for row in rows]


async def files_left(tx: Tx, run_id: UUID, until: datetime) -> None:
    """Its files are as if they had been intended, by then at the latest, and nobody knows what became of them."""
    await tx.execute(
        """UPDATE bank_file SET sha256 = COALESCE(sha256, ''::bytea), intent_at = $2, handover = 'UNKNOWN',
                                handed_at = $2
           WHERE run_id = $1 AND intent_at IS NULL""",
        run_id,
        until,
    )


async def lock_items(tx: Tx, references: Collection[str]) -> None:
    """Open items about these, by id: breaks are locked before orders."""
    await tx.fetch(
        "SELECT id FROM unmatched WHERE is_open AND end_to_end_id = ANY($1) ORDER BY id FOR UPDATE", list(references)
    )


async def close_items(tx: Tx, references: Collection[str], now: datetime) -> None:
    """What was said of these payments fits now, and is worked again."""
    rows = await tx.fetch(
        """SELECT id FROM unmatched
           WHERE is_open AND source IN ('ENTRY', 'RETURN', 'ANSWER') AND end_to_end_id = ANY($1)""",
        list(references),
    )
    await breaks.heal(tx, [row["id"] for row in rows], now)


async def name_order(tx: Tx, reference: str, order_id: int) -> None:
    """An item about a payment that cannot be taken over holds its order back."""
    await tx.execute(
        "UPDATE unmatched SET order_id = $2 WHERE is_open AND end_to_end_id = $1 AND order_id IS NULL",
        reference,
        order_id,
    )
