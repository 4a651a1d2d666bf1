"""Sealed blocks: the digest of a block is that of the one before it and of its transfers, in order of id.

A row as text, and its digest, are made by the database, so that a ledger of any length is sealed and verified without
leaving it: SHA-256 of (previous digest, then each row's fields joined by `|`, rows joined by a line feed).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final, NamedTuple

from services.kit.db import Database

BLOCK_MAX: Final = 20_000  # transfers
_BEFORE_ALL: Final = -(2**63)
_FIRST: Final = hashlib.sha256(b"cradle ledger").digest()
_ROW: Final = """concat_ws('|', id, debit, credit, amount_fen, kind, COALESCE(order_id::text, '-'),
    COALESCE(payment_id::text, '-'), to_char(effective_on, 'YYYY-MM-DD'), to_char(booked_on, 'YYYY-MM-DD'),
    (extract(epoch FROM booked_at) * 1000000)::bigint)"""


class Look(NamedTuple):
    """The last transfer that can be seen, and which transactions run or are to come."""

    last_transfer: int
    xmin: int
    xmax: int


class Verified(NamedTuple):
    """Blocks that were computed again, in order; `first_wrong` is 0 if none differs, `last` 0 if there was none."""

    blocks: int
    transfers: int
    first_wrong: int
    last: int


async def look(database: Database) -> Look:
    rows = await database.fetch(
        """SELECT COALESCE((SELECT max(id) FROM transfer), 0) AS last,
                  pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin,
                  pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax"""
    )
    return Look(*rows[0])


async def seal(database: Database, upto: int, now: datetime) -> bool:
    """Seal the next block of what is not sealed, up to a transfer below which none can appear any more."""
    made = await database.fetch(
        f"""WITH last AS (
                SELECT number, last_transfer, digest FROM ledger_block
                UNION ALL SELECT 0, 0, sha256('cradle ledger') ORDER BY number DESC LIMIT 1),
            fresh AS (
                SELECT * FROM transfer WHERE id > (SELECT last_transfer FROM last) AND id <= $1
                ORDER BY id LIMIT {BLOCK_MAX}),
            block AS (
                SELECT min(id) AS first, max(id) AS last, count(*) AS transfers,
                       string_agg({_ROW}, E'\\n' ORDER BY id) AS content
                FROM fresh HAVING count(*) > 0)
            INSERT INTO ledger_block (number, first_transfer, last_transfer, transfers, previous, digest, sealed_at)
            SELECT last.number + 1, block.first, block.last, block.transfers, last.digest,
                   sha256(last.digest || convert_to(block.content, 'UTF8')), $2
            FROM last CROSS JOIN block RETURNING number""",
        upto,
        now,
    )
    return bool(made)


async def verify(database: Database, after: int, most: int) -> Verified:
    """Compute so many blocks after this one again. One is wrong if a row of it, or one between it and the one before,
    is not as sealed.
    """
    blocks, transfers, wrong, number = 0, 0, 0, after
    before = await database.fetch(
        "SELECT last_transfer, digest FROM ledger_block WHERE number <= $1 ORDER BY number DESC LIMIT 1", after
    )
    last, previous = before[0] if before else (_BEFORE_ALL, _FIRST)
    while blocks < most and (
        rows := await database.fetch(
            f"""SELECT number, last_transfer, ledger_block.transfers, previous, digest, found.transfers AS found,
                       sha256(previous || convert_to(COALESCE(found.content, ''), 'UTF8')) AS computed
                FROM ledger_block CROSS JOIN LATERAL (
                    SELECT count(*) AS transfers, string_agg({_ROW}, E'\\n' ORDER BY id) AS content
                    FROM transfer WHERE id > $2 AND id <= ledger_block.last_transfer) AS found
                WHERE number > $1 ORDER BY number LIMIT 1""",
            number,
            last,
        )
    ):
        block = rows[0]
        as_sealed = (block["number"], block["previous"], block["digest"], block["transfers"])
        if not wrong and as_sealed != (number + 1, previous, block["computed"], block["found"]):
            wrong = number + 1
        number, last, previous = block["number"], block["last_transfer"], block["digest"]
        blocks, transfers = blocks + 1, transfers + block["transfers"]
    return Verified(blocks, transfers, wrong, number if blocks else 0)


async def unsealed(database: Database) -> int:
    """How many transfers there are after the last block."""
    rows = await database.fetch(
        "SELECT count(*) AS count FROM transfer WHERE id > COALESCE((SELECT max(last_transfer) FROM ledger_block), $1)",
        _BEFORE_ALL,
    )
    return int(rows[0]["count"])


async def block_count(database: Database) -> int:
    return int((await database.fetch("SELECT count(*) AS count FROM ledger_block"))[0]["count"])
