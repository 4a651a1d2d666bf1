"""What was ordered for the lines of claims, and what the treasury told of it. Sets, never rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from services.claims.model import Claim, Fund, Order, Ordered, Orders, Payee, Progress, Recovery, Transfer
from services.claims.store.claims import COLUMNS, claim_of
from services.kit.db import Database, Tx

_ORDER: Final = (
    "claim_id",
    "line",
    "revision",
    "owed_fen",
    "payee",
    "reference",
    "fund",
    "county",
    "payable_on",
)
_ORDERED: Final = f"SELECT {', '.join(_ORDER)}, told_version, told, reasons FROM ordered WHERE claim_id = ANY($1)"
_TRANSFERS: Final = """SELECT claim_id, line, payment_id, version, progress, amount_fen, reason FROM transfer
                       WHERE claim_id = ANY($1)"""


_RECOVERIES: Final = """SELECT claim_id, line, recovery_id, version, outstanding_fen, recovered_fen, written_off_fen
                        FROM recovered WHERE claim_id = ANY($1)"""


async def load_orders(tx: Tx | Database, claims: Collection[UUID]) -> dict[UUID, Orders]:
    """What is ordered for these claims, which who decides has locked; those for which nothing ever was are missing."""
    rows = await tx.fetch(_ORDERED, list(claims))
    if not rows:
        return {}
    made: dict[tuple[UUID, str], dict[str, Transfer]] = {}
    for row in await tx.fetch(_TRANSFERS, [row["claim_id"] for row in rows]):
        made.setdefault((row["claim_id"], row["line"]), {})[row["payment_id"]] = Transfer(
            row["version"], Progress(row["progress"]), row["amount_fen"], row["reason"]
        )
    asked: dict[tuple[UUID, str], dict[str, Recovery]] = {}
    for row in await tx.fetch(_RECOVERIES, list({one for one, _ in made})) if made else ():
        asked.setdefault((row["claim_id"], row["line"]), {})[row["recovery_id"]] = Recovery(*row[3:])
    found: dict[UUID, dict[str, Ordered]] = {}
    for row in rows:
        key = row["claim_id"], row["line"]
        known = _ordered(row)._replace(transfers=made.get(key, {}), recoveries=asked.get(key, {}))
        found.setdefault(row["claim_id"], {})[row["line"]] = known
    return dict(found)


def _ordered(row: asyncpg.Record) -> Ordered:
    order = Order(
        row["line"],
        row["revision"],
        row["owed_fen"],
        Payee(row["payee"]),
        row["reference"],
        Fund(row["fund"]),
        row["county"],
        row["payable_on"],
    )
    return Ordered(order, row["told_version"], Progress(row["told"]) if row["told"] else None, tuple(row["reasons"]))


async def save_orders(tx: Tx, orders: Sequence[tuple[UUID, Order]], on_file: Collection[UUID]) -> None:
    """Write the last order of each line. An order that is not above the one on file is a bug, and none is written."""
    last = {(claim_id, order.line): (claim_id, *order) for claim_id, order in orders}
    await tx.copy("ordered", _ORDER, [row for row in last.values() if row[0] not in on_file])
    again = sorted([row for row in last.values() if row[0] in on_file], key=lambda row: row[:2])
    if not again:
        return
    rows = await tx.fetch(
        f"""INSERT INTO ordered ({", ".join(_ORDER)})
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                                 $8::text[], $9::date[])
            ON CONFLICT (claim_id, line) DO UPDATE SET revision = excluded.revision, owed_fen = excluded.owed_fen,
                payee = excluded.payee, reference = excluded.reference, fund = excluded.fund,
                county = excluded.county, payable_on = excluded.payable_on,
                told = CASE ordered.told WHEN 'REFUSED' THEN '' ELSE ordered.told END,
                reasons = CASE ordered.told WHEN 'REFUSED' THEN '{{}}' ELSE ordered.reasons END
            WHERE ordered.revision < excluded.revision RETURNING 1""",
        *[list(column) for column in zip(*again, strict=True)],
    )
    if len(rows) != len(again):
        raise ValueError("an order does not stand above the one before it")


# --- what became of it -----------------------------------------------------------------------------------------------


async def lock_claims(tx: Tx, claims: Collection[UUID]) -> dict[UUID, Claim]:
    """These claims, locked in one order."""
    rows = await tx.fetch(f"SELECT {COLUMNS} FROM claim WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(claims))
    return {row["id"]: claim_of(row) for row in rows}


async def save_told(tx: Tx, told: Sequence[tuple[UUID, Ordered]]) -> None:
    """Write what the treasury told of orders."""
    await tx.execute(
        """WITH reason AS (
               SELECT claim_id, line, array_agg(code ORDER BY place) AS codes
               FROM unnest($5::uuid[], $6::text[], $7::int[], $8::text[]) AS one (claim_id, line, place, code)
               GROUP BY claim_id, line)
           UPDATE ordered SET told_version = mine.version, told = mine.told, reasons = COALESCE(reason.codes, '{}')
           FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS mine (claim_id, line, version, told)
                LEFT JOIN reason USING (claim_id, line)
           WHERE ordered.claim_id = mine.claim_id AND ordered.line = mine.line""",
        [claim_id for claim_id, _ in told],
        [one.order.line for _, one in told],
        [one.told_version for _, one in told],
        [one.told or "" for _, one in told],
        *_columns(4, [
            (claim_id, one.order.line, place, code)
            for claim_id, one in told
            for place, code in enumerate(one.reasons)
        ]),
    )  # fmt: skip
    made = [
        (claim_id, one.order.line, payment_id, *transfer)
        for claim_id, one in told
        for payment_id, transfer in sorted(one.transfers.items())
    ]
    await tx.execute(
        """INSERT INTO transfer (claim_id, line, payment_id, version, progress, amount_fen, reason)
           SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[])
           ON CONFLICT (claim_id, line, payment_id) DO UPDATE SET version = excluded.version,
               progress = excluded.progress, amount_fen = excluded.amount_fen, reason = excluded.reason
           WHERE transfer.version < excluded.version""",
        *_columns(7, made),
    )
    asked = [
        (claim_id, one.order.line, recovery_id, *recovery)
        for claim_id, one in told
        for recovery_id, recovery in sorted(one.recoveries.items())
    ]
    if not asked:
        return
    await tx.execute(
        """INSERT INTO recovered (claim_id, line, recovery_id, version, outstanding_fen, recovered_fen, written_off_fen)
           SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
                                $7::bigint[])
           ON CONFLICT (claim_id, line, recovery_id) DO UPDATE SET version = excluded.version,
               outstanding_fen = excluded.outstanding_fen, recovered_fen = excluded.recovered_fen,
               written_off_fen = excluded.written_off_fen
           WHERE recovered.version < excluded.version""",
        *_columns(7, asked),
    )


async def save_payment(tx: Tx, claims: Sequence[Claim]) -> None:
    """Write how far claims are paid, which is their next version."""
    await tx.execute(
        """UPDATE claim SET version = mine.version, payment = mine.payment, updated_at = mine.updated_at
           FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[])
                AS mine (id, version, payment, updated_at)
           WHERE claim.id = mine.id""",
        [one.id for one in claims],
        [one.version for one in claims],
        [one.payment or "" for one in claims],
        [one.updated_at for one in claims],
    )


def _columns(count: int, rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]
