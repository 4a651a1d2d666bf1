"""The phase of a payment in the database, on which its indexes rest, is what the table of its moves says."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.treasury.model import LIVE, PaymentState

pytestmark = pytest.mark.integration
S = PaymentState
PHASES = {
    "LIVE": LIVE,
    "MOVED": {S.SETTLED, S.RETURNED},
    "ENDED": {S.RECONCILED, S.REJECTED},
    "CANCELLED": {S.CANCELLED},
}


async def phases(dsn: str) -> dict[str, set[PaymentState]]:
    connection = await asyncpg.connect(dsn)
    try:
        (rule,) = await connection.fetch(
            """SELECT pg_get_expr(d.adbin, d.adrelid) AS it FROM pg_attrdef AS d
               JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
               WHERE d.adrelid = 'payment'::regclass AND a.attname = 'phase'"""
        )
        found = await connection.fetch(f"SELECT state, {rule['it']} AS phase FROM unnest($1::text[]) AS state", list(S))
    finally:
        await connection.close()
    return {phase: {S(row["state"]) for row in found if row["phase"] == phase} for phase in {r["phase"] for r in found}}


def test_each_state_has_its_phase(stack: Stack, dsn: str) -> None:
    assert asyncio.run(phases(dsn)) == PHASES
    assert PHASES["MOVED"] | PHASES["ENDED"] | PHASES["CANCELLED"] == set(S) - LIVE
