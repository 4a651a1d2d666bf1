"""Accounts that banks have refused, and the orders that wait for others. Rows are written in order of their key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from services.kit.db import Database, Tx
from services.treasury.model import Payee, Payment
from services.treasury.model.listing import WaitingOrder
from services.treasury.rules.refusing import about_account

Key: TypeAlias = tuple[Payee, int, bytes]  # whose account, in which version, and its keyed digest

_KEY: Final = "payee_kind, payee, version, account_hash"
_GIVEN: Final = f"SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[]) AS one ({_KEY})"


def key_of(payment: Payment) -> Key:
    return payment.payee, payment.payee_version, payment.account_hash


async def add(tx: Tx, payments: Iterable[Payment], now: datetime) -> None:
    """Once: the first payment that was refused stays the one that is named."""
    found = {key_of(one): one for one in sorted(payments, key=lambda one: one.id, reverse=True)}
    if not found:
        return
    await tx.execute(
        """INSERT INTO refused_account (payee_kind, payee, version, account_hash, payment_id, reasons, refused_at)
           SELECT kind, payee, version, hash, payment, string_to_array(reasons, ','), $7
           FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::uuid[], $6::text[])
                AS given (kind, payee, version, hash, payment, reasons)
           ORDER BY kind, payee, version, hash ON CONFLICT DO NOTHING""",
        *_columns(found),
        [one.id for one in found.values()],
        [",".join(about_account(one.reason)) for one in found.values()],
        now,
    )


async def take_back(tx: Tx, payments: Iterable[Payment]) -> None:
    """What was refused by these payments: the bank has paid them after all."""
    found = {key_of(one): one for one in payments}
    if not found:
        return
    await tx.execute(
        f"""DELETE FROM refused_account AS r USING ({_GIVEN}) AS given
            WHERE (r.payee_kind, r.payee, r.version, r.account_hash)
                  = (given.payee_kind, given.payee, given.version, given.account_hash) AND r.payment_id = ANY($5)""",
        *_columns(found),
        [one.id for one in found.values()],
    )


async def of(tx: Tx, accounts: Collection[Key]) -> dict[Key, tuple[str, ...]]:
    """Those of these accounts that were refused, with the bank's codes."""
    if not accounts:
        return {}
    rows = await tx.fetch(
        f"SELECT {_KEY}, reasons FROM refused_account JOIN ({_GIVEN}) AS given USING ({_KEY})",
        *_columns(accounts),
    )
    return {
        (Payee(row["payee_kind"], row["payee"]), row["version"], row["account_hash"]): tuple(row["reasons"])
        for row in rows
    }


async def replace(tx: Tx, accounts: Collection[Key], now: datetime) -> None:
    """Payments to these accounts are planned: what was refused of the same payees waits for no other any more."""
    if not accounts:
        return
    await tx.execute(
        f"""WITH given AS ({_GIVEN}),
                mine AS (SELECT {_KEY} FROM refused_account AS r
                         WHERE replaced_at IS NULL
                           AND (payee_kind, payee) IN (SELECT payee_kind, payee FROM given)
                           AND ({_KEY}) NOT IN (SELECT {_KEY} FROM given)
                         ORDER BY {_KEY} FOR UPDATE)
            UPDATE refused_account AS r SET replaced_at = $5 FROM mine
            WHERE (r.payee_kind, r.payee, r.version, r.account_hash)
                  = (mine.payee_kind, mine.payee, mine.version, mine.account_hash)""",
        *_columns(accounts),
        now,
    )


def _columns(accounts: Iterable[Key]) -> list[list[object]]:
    rows = [(payee.kind, payee.reference, version, digest) for payee, version, digest in accounts]
    return [list(column) for column in zip(*rows, strict=True)]


# --- what waits -------------------------------------------------------------------------------------------------------

# Every order of which something is reserved, for a payee whose last known account was refused. It is owed, and not on
# its way; it is no more here once it is planned, or nothing is owed.
_WAITING: Final = """FROM (SELECT DISTINCT ON (payee_kind, payee) * FROM refused_account WHERE replaced_at IS NULL
                    ORDER BY payee_kind, payee, version DESC) AS r
              JOIN payment_order AS o ON o.payee_kind = r.payee_kind AND o.payee = r.payee AND o.reserved_fen > 0"""
_SINCE: Final = "GREATEST(r.refused_at, o.updated_at)"  # an order may be newer than what the bank said


class Figures(NamedTuple):
    """How many orders wait, and since when the oldest of them does."""

    orders: int
    since: datetime | None


async def figures(database: Database) -> Figures:
    (row,) = await database.fetch(f"SELECT count(*) AS orders, min({_SINCE}) AS since {_WAITING}")
    return Figures(row["orders"], row["since"])


async def waiting(
    database: Database, county: str, counties: Sequence[str] | None, after: int | None, limit: int
) -> list[WaitingOrder]:
    """In order of their numbers."""
    rows = await database.fetch(
        f"""SELECT o.id, r.payment_id, o.fund, o.county, r.payee_kind, r.payee, o.reserved_fen, r.reasons,
                   {_SINCE} AS since, r.version, r.account_hash
            {_WAITING}
            WHERE ($1 = '' OR o.county = $1) AND ($2::text[] IS NULL OR o.county = ANY($2))
              AND ($3::bigint IS NULL OR o.id > $3)
            ORDER BY o.id LIMIT $4""",
        county,
        counties,
        after,
        limit,
    )
    return [
        WaitingOrder(
            row["id"],
            row["payment_id"],
            row["fund"],
            row["county"],
            Payee(row["payee_kind"], row["payee"]),
            row["reserved_fen"],
            tuple(row["reasons"]),
            row["since"],
            row["version"],
            row["account_hash"],
        )
        for row in rows
    ]
