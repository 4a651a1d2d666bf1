"""What a balance costs as the ledger grows; prints JSON.

    python -m tests.bench.ledger [POSTINGS]

A year of 250 days in 26 budgets, with 10 000 postings, a hundredth of POSTINGS, a tenth, and POSTINGS (1 000 000 if not
given; 10 000 000 takes 2 GB of disk). At each size the median, in ms, of what a clerk looks up: the trial balance as of
a day, a month of every account, and a page of the transfers of one account. Then the whole is sealed and verified: how
long that took, in s, in how many calls, and the longest of them in ms.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from statistics import median
from typing import Any, Final

from rich.console import Console

from deploy.local.stack import Stack
from services.kit import db
from services.kit.db import Database
from services.kit.migrations import migrate
from services.treasury import store
from services.treasury.model.ledger import Place
from services.treasury.store import reporting
from services.treasury.usecases import verifying

BUDGETS, DAYS = 26, 250
FIRST: Final = 10_000
_TIMES: Final = 21
_EVERYTHING: Final = reporting.Scope("", "", None)
_console = Console(stderr=True)

_OPEN: Final = f"""
INSERT INTO budget (fund, county, programme, fiscal_year, pooling_area, opened_at)
SELECT CASE n % 2 WHEN 0 THEN 'EMPLOYEE_INSURANCE' ELSE 'RESIDENT_INSURANCE' END, (610301 + n / 2)::text, 'MATERNITY',
       2026, '610300', now() FROM generate_series(0, {BUDGETS - 1}) AS n;
INSERT INTO account (budget_id, kind)
SELECT id, kind FROM budget CROSS JOIN unnest('{{APPROPRIATED,AVAILABLE,RESERVED,COMMITTED,SPENT}}'::text[]) AS kind
ORDER BY id
"""
# From the first account of a budget to the second, to the third ...; the sums are those of what was added.
_GROW: Final = f"""
WITH added AS (
    INSERT INTO transfer (debit, credit, amount_fen, kind, effective_on, booked_on, booked_at)
    SELECT 5 * (n % {BUDGETS}) + 2 + n % 4, 5 * (n % {BUDGETS}) + 1 + n % 4, 1 + n % 1000, 'RESERVE', day, day, now()
    FROM generate_series($1::bigint, $2::bigint - 1) AS n
    CROSS JOIN LATERAL (SELECT '2026-01-01'::date + (n * {DAYS} / $2)::int AS day) AS booked
    RETURNING debit, credit, amount_fen, booked_on),
sides AS (
    SELECT debit AS account_id, booked_on, amount_fen AS debit_fen, 0 AS credit_fen FROM added
    UNION ALL SELECT credit, booked_on, 0, amount_fen FROM added)
INSERT INTO account_day AS day (account_id, booked_on, effective_on, debit_fen, credit_fen)
SELECT account_id, booked_on, booked_on, sum(debit_fen), sum(credit_fen) FROM sides GROUP BY account_id, booked_on
ON CONFLICT (account_id, booked_on, effective_on)
DO UPDATE SET debit_fen = day.debit_fen + EXCLUDED.debit_fen, credit_fen = day.credit_fen + EXCLUDED.credit_fen
"""


async def measure(stack: Stack, postings: int) -> list[dict[str, float]]:
    dsn = stack.create_database("bench_ledger")
    await asyncio.to_thread(migrate, dsn, "treasury")
    found = []
    async with db.connect(dsn) as database:
        async with database.transaction() as tx:
            for statement in _OPEN.split(";"):
                await tx.execute(statement)
        have = 0
        for size in sorted({FIRST, postings // 100, postings // 10, postings}):
            if size > have:
                await _grow(database, have, size)
                have = size
                found.append({"postings": size, **await _look(database)})
                found[-1] |= await _verify(database)
                _console.print(found[-1])
    return found


async def _verify(database: Database) -> dict[str, float]:
    """As calls of `VerifyLedger` do it. Raises ValueError if a block is not as sealed."""
    look, took_ms = await store.look(database), []
    while await store.seal(database, look.last_transfer, datetime.now(UTC)):
        pass
    place: Place | None = verifying.BEGIN
    while place is not None:
        begun_s = time.perf_counter()
        part = await verifying.verify(database, place, verifying.PARTS)
        took_ms.append((time.perf_counter() - begun_s) * 1000)
        if part.first_wrong_block:
            raise ValueError(f"block {part.first_wrong_block} is not as sealed")
        place = part.then
    return {
        "verify_s": round(sum(took_ms) / 1000, 2),
        "verify_calls": len(took_ms),
        "verify_call_ms_max": round(max(took_ms)),
    }


async def _grow(database: Database, have: int, size: int) -> None:
    """A transfer is two postings."""
    async with database.transaction() as tx:
        await tx.execute("SET LOCAL statement_timeout = 0")
        await tx.connection.execute(_GROW, have // 2, size // 2, timeout=3_600)
    await database.fetch("VACUUM ANALYZE transfer")
    await database.fetch("VACUUM ANALYZE account_day")


async def _look(database: Database) -> dict[str, float]:
    month = (date(2026, 6, 1), date(2026, 6, 30))
    return {
        "trial_balance_ms": await _ms(lambda: reporting.balances(database, _EVERYTHING, month[1], None)),
        "statement_ms": await _ms(lambda: reporting.movements(database, _EVERYTHING, *month)),
        "transfers_ms": await _ms(lambda: reporting.transfers(database, 2, month, None, 50)),
    }


async def _ms(ask: Callable[[], Awaitable[Any]]) -> float:
    await ask()
    took = []
    for _ in range(_TIMES):
        begun_s = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - begun_s) * 1000)
    return round(median(took), 2)


def main() -> None:
    postings = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
    with Stack(f"bench-ledger-{os.getpid()}", []) as stack:
        found = asyncio.run(measure(stack, postings))
    stack.remove()
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
