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


async def generated(dsn: str, column: str) -> dict[object, set[PaymentState]]:
    """The states of payments by what the database makes of them in this column."""
    connection = await asyncpg.connect(dsn)
    try:
        (rule,) = await connection.fetch(
            """SELECT pg_get_expr(d.adbin, d.adrelid) AS it FROM pg_attrdef AS d
               JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
               WHERE d.adrelid = 'payment'::regclass AND a.attname = $1""",
            column,
        )
        found = await connection.fetch(f"SELECT state, {rule['it']} AS made FROM unnest($1::text[]) AS state", list(S))
    finally:
        await connection.close()
    return {made: {S(row["state"]) for row in found if row["made"] == made} for made in {r["made"] for r in found}}


def test_each_state_has_its_phase(stack: Stack, dsn: str) -> None:
    assert asyncio.run(generated(dsn, "phase")) == PHASES
    assert asyncio.run(generated(dsn, "is_unknown"))[True] == {S.UNKNOWN}
    assert PHASES["MOVED"] | PHASES["ENDED"] | PHASES["CANCELLED"] == set(S) - LIVE
