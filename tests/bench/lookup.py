"""How long the registry's look-up of 500 people takes inside the database, on a table of 100 000 of them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from datetime import UTC, date, datetime
from statistics import median
from typing import Final

import asyncpg

from deploy.local.stack import Stack
from services.kit.migrations import migrate
from services.registry import store

PERSONS: Final = 100_000
QUESTIONS: Final = 500
_EMPLOYERS: Final = 2_000
_RECORDINGS: Final = 3
_TIMES: Final = 21
_ON: Final = date(2026, 3, 10)

# Two spans of coverage and twelve years of contributions a person, recorded three times, as a monthly file would.
_FILL: Final = f"""
INSERT INTO employer (id, uscc, name, county)
SELECT md5('e' || n)::uuid, 'E' || n, 'Bench', '610302' FROM generate_series(0, {_EMPLOYERS - 1}) AS n;
INSERT INTO employer_wage (employer_id, recorded_at, years, monthly_fen, base_years, base_fen)
SELECT id, '2026-01-01'::timestamptz + r * interval '1 day', '{{2023,2024,2025}}', '{{500000,550000,600000}}',
       '{{2023,2024,2025}}', '{{400000,450000,500000}}'
FROM employer, generate_series(1, {_RECORDINGS}) AS r;
INSERT INTO person (id, blind_index, sealed)
SELECT md5('p' || n)::uuid, sha256(n::text::bytea), sha256(n::text::bytea) || sha256(n::text::bytea)
FROM generate_series(0, {PERSONS - 1}) AS n ORDER BY md5('p' || n);
INSERT INTO coverage (person_id, recorded_at, category, employer_id, first_days, last_days, categories, employer_ids,
                      students, first_months, last_months, late_months, late_paid_on, reported_to_month)
SELECT md5('p' || n)::uuid, '2026-01-01'::timestamptz + r * interval '1 day', 'EMPLOYEE',
       md5('e' || n % {_EMPLOYERS})::uuid,
       '{{-infinity,2025-01-01}}', '{{2024-12-31,infinity}}', '{{EMPLOYEE,EMPLOYEE}}',
       ARRAY[md5('e' || (n + 1) % {_EMPLOYERS})::uuid, md5('e' || n % {_EMPLOYERS})::uuid], '{{f,f}}',
       '{{24180,24241}}', '{{24238,24321}}', '{{24239,24240}}', '{{2020-06-01,2020-06-01}}', 24321
FROM generate_series(1, {_RECORDINGS}) AS r, generate_series(0, {PERSONS - 1}) AS n;
"""


async def measure(stack: Stack) -> float:
    """The median, in ms, of planning and executing the one statement, each time for other people."""
    dsn = stack.create_database("bench_lookup")
    await asyncio.to_thread(migrate, dsn, "registry")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_FILL)
        await connection.execute("VACUUM ANALYZE")
        return round(median([await _once(connection, random.Random(seed)) for seed in range(_TIMES)]), 2)
    finally:
        await connection.close()


async def _once(connection: asyncpg.Connection[asyncpg.Record], rng: random.Random) -> float:
    """One person in twenty is a stranger. Clocks and counters inside the plan are off: they would be half of what is
    measured.
    """
    asked = [_index(rng.randrange(PERSONS * 20 // 19)) for _ in range(QUESTIONS)]
    references = [None] * len(asked)
    explained = await connection.fetchval(
        "EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, FORMAT JSON)" + store.COVERAGE,
        asked,
        references,
        [_ON] * len(asked),
        datetime(2026, 11, 1, tzinfo=UTC),
    )
    (plan,) = json.loads(explained)
    return float(plan["Planning Time"] + plan["Execution Time"])


def _index(person: int) -> bytes:
    return hashlib.sha256(str(person).encode()).digest()
