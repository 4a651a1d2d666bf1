"""What the ledger says: balances, statements, transfers. Balances cost days and accounts, never transfers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from services.kit.db import Database
from services.treasury.model import Balance, Moved, Movement

_NAME: Final = """concat_ws('/', COALESCE(b.pooling_area, '-'), b.fund, b.fiscal_year, b.county, b.programme,
    account.kind)"""
_OF_BUDGETS: Final = """FROM account JOIN budget AS b ON b.id = account.budget_id"""
_BEFORE_ALL, _AFTER_ALL = -(2**63), 2**63 - 1
_SEEN: Final = "($1 = '' OR b.fund = $1) AND ($2 = '' OR b.county = $2) AND ($3::text[] IS NULL OR b.county = ANY($3))"


class Scope(NamedTuple):
    """Whose accounts are asked for; `counties` are those that may be seen, None is all."""

    fund: str
    county: str
    counties: Sequence[str] | None


async def balances(
    database: Database, scope: Scope, booked_to: date | None, effective_to: date | None
) -> list[Balance]:
    """Every account with its balance as of a day: booked until then, with effect until then."""
    rows = await database.fetch(
        f"""SELECT {_NAME} AS account, COALESCE(sum(day.debit_fen), 0)::bigint AS debit_fen,
                   COALESCE(sum(day.credit_fen), 0)::bigint AS credit_fen
            {_OF_BUDGETS} LEFT JOIN account_day AS day ON day.account_id = account.id
                AND ($4::date IS NULL OR day.booked_on <= $4) AND ($5::date IS NULL OR day.effective_on <= $5)
            WHERE b.opened_at IS NOT NULL AND {_SEEN} GROUP BY account.id, b.id ORDER BY b.id, account.id""",
        *scope,
        booked_to,
        effective_to,
    )
    return [Balance(*row) for row in rows]


async def movements(database: Database, scope: Scope, first: date, last: date) -> list[Movement]:
    """What each account had before a day, and what moved from then to another, as booked."""
    rows = await database.fetch(
        f"""SELECT {_NAME} AS account,
                   COALESCE(sum(day.debit_fen - day.credit_fen) FILTER (WHERE day.booked_on < $4), 0)::bigint AS before,
                   COALESCE(sum(day.debit_fen) FILTER (WHERE day.booked_on >= $4), 0)::bigint AS debit,
                   COALESCE(sum(day.credit_fen) FILTER (WHERE day.booked_on >= $4), 0)::bigint AS credit
            {_OF_BUDGETS} LEFT JOIN account_day AS day ON day.account_id = account.id AND day.booked_on <= $5
            WHERE b.opened_at IS NOT NULL AND {_SEEN} GROUP BY account.id, b.id ORDER BY b.id, account.id""",
        *scope,
        first,
        last,
    )
    return [Movement(*row) for row in rows]


async def account_of(database: Database, name: str, counties: Sequence[str] | None) -> int | None:
    """The account of this name, if it may be seen."""
    parts = name.split("/")
    if len(parts) != len(("pooling_area", "fund", "fiscal_year", "county", "programme", "kind")):
        return None
    rows = await database.fetch(
        f"""SELECT account.id {_OF_BUDGETS}
            WHERE b.pooling_area = $1 AND b.fund = $2 AND b.fiscal_year::text = $3 AND b.county = $4
              AND b.programme = $5 AND account.kind = $6 AND ($7::text[] IS NULL OR b.county = ANY($7))""",
        *parts,
        counties,
    )
    return rows[0]["id"] if rows else None


async def transfers(
    database: Database, account_id: int, days: tuple[date, date], after: int | None, limit: int
) -> list[Moved]:
    """The transfers of an account that were booked from one day to another, in order of booking."""
    rows = await database.fetch(
        f"""WITH found AS (
                (SELECT * FROM transfer
                 WHERE debit = $1 AND booked_on BETWEEN $2 AND $3 AND id > $4 ORDER BY id LIMIT $5)
                UNION ALL
                (SELECT * FROM transfer
                 WHERE credit = $1 AND booked_on BETWEEN $2 AND $3 AND id > $4 ORDER BY id LIMIT $5)),
            named AS (
                SELECT account.id, {_NAME} AS name {_OF_BUDGETS}
                WHERE account.id IN (SELECT debit FROM found UNION SELECT credit FROM found))
            SELECT found.id, debit.name AS debit_name, credit.name AS credit_name, amount_fen, kind, order_id,
                   payment_id, effective_on, booked_on
            FROM found JOIN named AS debit ON debit.id = found.debit JOIN named AS credit ON credit.id = found.credit
            ORDER BY found.id LIMIT $5""",
        account_id,
        *days,
        after or 0,
        limit,
    )
    return [Moved(*row) for row in rows]


async def imbalance(database: Database) -> int:
    """By how much budgets differ from their accounts, and all debit from all credit: 0."""
    rows = await database.fetch(
        """WITH balance AS (
               SELECT account.budget_id, account.kind, COALESCE(sum(day.debit_fen - day.credit_fen), 0) AS fen
               FROM account LEFT JOIN account_day AS day ON day.account_id = account.id
               GROUP BY account.id),
           figure AS (
               SELECT b.id AS budget_id, one.kind, one.fen FROM budget AS b CROSS JOIN LATERAL (VALUES
                   ('AVAILABLE', b.available_fen), ('RESERVED', b.reserved_fen), ('COMMITTED', b.committed_fen),
                   ('SPENT', b.spent_fen), ('RECEIVABLE', b.receivable_fen), ('RECOVERED', b.recovered_fen),
                   ('APPROPRIATED', -b.available_fen - b.reserved_fen - b.committed_fen - b.spent_fen - b.receivable_fen
                                    - b.recovered_fen))
               AS one (kind, fen))
           SELECT (SELECT COALESCE(sum(abs(COALESCE(balance.fen, 0) - COALESCE(figure.fen, 0))), 0)
                   FROM balance FULL JOIN figure USING (budget_id, kind))
                + (SELECT abs(COALESCE(sum(debit_fen) - sum(credit_fen), 0)) FROM account_day) AS fen"""
    )
    return int(rows[0]["fen"])


async def unsummed(database: Database, after: int, most: int) -> tuple[int, int | None]:
    """By how much the sums of days differ from the transfers themselves: 0. Of so many accounts after this one, and of
    what lies between them and belongs to none; it reads their transfers, which are those of a county and a year.
    Answers the last account too, None if none is left.
    """
    found = await database.fetch("SELECT id FROM account WHERE id > $1 ORDER BY id LIMIT $2", after, most + 1)
    last = found[most - 1]["id"] if len(found) > most else None
    rows = await database.fetch(
        """WITH moved AS (
               SELECT account_id, booked_on, effective_on, sum(debit_fen) AS debit_fen, sum(credit_fen) AS credit_fen
               FROM (SELECT debit AS account_id, booked_on, effective_on, amount_fen AS debit_fen, 0 AS credit_fen
                     FROM transfer WHERE debit > $1 AND debit <= $2
                     UNION ALL
                     SELECT credit, booked_on, effective_on, 0, amount_fen
                     FROM transfer WHERE credit > $1 AND credit <= $2) AS side
               GROUP BY account_id, booked_on, effective_on),
           day AS (SELECT * FROM account_day WHERE account_id > $1 AND account_id <= $2)
           SELECT COALESCE(sum(abs(COALESCE(moved.debit_fen, 0) - COALESCE(day.debit_fen, 0))
                             + abs(COALESCE(moved.credit_fen, 0) - COALESCE(day.credit_fen, 0))), 0) AS fen
           FROM moved FULL JOIN day USING (account_id, booked_on, effective_on)""",
        after or _BEFORE_ALL,
        _AFTER_ALL if last is None else last,
    )
    return int(rows[0]["fen"]), last


async def account_count(database: Database, upto: int) -> int:
    return int((await database.fetch("SELECT count(*) AS count FROM account WHERE id <= $1", upto))[0]["count"])
