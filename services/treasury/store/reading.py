"""What is asked of budgets, orders and refusals, within who asks' counties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.kit.db import Database
from services.treasury.model import Budget, Listed, Order, Pot, Wanted
from services.treasury.store import budgets, orders

_ORDER: Final = f"SELECT {', '.join(orders.COLUMNS)} FROM payment_order"


async def list_budgets(
    database: Database, pot: Pot | None = None, counties: Sequence[str] | None = None
) -> list[Budget]:
    """Every budget, or those of a pot in which what is empty is any; those that nobody has opened among them."""
    fund, county, programme, year = pot or Pot("", "", "", 0)
    rows = await database.fetch(
        f"""{budgets.SELECT}
            WHERE ($1 = '' OR b.fund = $1) AND ($2 = '' OR b.county = $2) AND ($3 = '' OR b.programme = $3)
              AND ($4 = 0 OR b.fiscal_year = $4) AND ($5::text[] IS NULL OR b.county = ANY($5))
            ORDER BY b.fiscal_year DESC, b.fund, b.county, b.programme""",
        fund,
        county,
        programme,
        year,
        counties,
    )
    return [budgets.budget_of(row) for row in rows]


async def order_by_id(database: Database, order_id: int) -> Order | None:
    rows = await database.fetch(f"{_ORDER} WHERE id = $1", order_id)
    return orders.order_of(rows[0]) if rows else None


async def list_orders(
    database: Database, wanted: Wanted, counties: Sequence[str] | None, before: int | None, limit: int
) -> list[Order]:
    """Newest first."""
    rows = await database.fetch(
        f"""{_ORDER} WHERE ($1::uuid IS NULL OR case_id = $1) AND ($2 = '' OR state = $2)
              AND ($3 = '' OR county = $3) AND ($4::text[] IS NULL OR county = ANY($4))
              AND ($5::bigint IS NULL OR id < $5) ORDER BY id DESC LIMIT $6""",
        *wanted,
        counties,
        before,
        limit,
    )
    return [orders.order_of(row) for row in rows]


async def list_refusals(
    database: Database, counties: Sequence[str] | None, before: int | None, limit: int
) -> list[Listed]:
    """Newest first. One whose county cannot be read is seen by those who see all."""
    rows = await database.fetch(
        """SELECT id, position, case_id, line, revision, reasons, received_at FROM refusal
           WHERE ($1::text[] IS NULL OR county = ANY($1)) AND ($2::bigint IS NULL OR id < $2)
           ORDER BY id DESC LIMIT $3""",
        counties,
        before,
        limit,
    )
    return [
        Listed(
            row["id"],
            row["position"],
            row["case_id"],
            row["line"],
            row["revision"],
            orders.reasons_of(row["reasons"]),
            row["received_at"],
        )
        for row in rows
    ]


async def orders_held(database: Database) -> dict[str, int]:
    """How many orders are held, by reason."""
    rows = await database.fetch(
        """SELECT reason, count(*) AS orders FROM payment_order CROSS JOIN unnest(reasons) AS reason
           WHERE is_held GROUP BY reason"""
    )
    return {row["reason"]: row["orders"] for row in rows}
