"""Claims that wait past the law's days for deciding them, and for no reviewer: those are counted with the reviews."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson

from services.claims.model import ClaimKind
from services.kit.db import Database

WAITS_FOR: Final = ("COVERAGE", "PARAMETER")
# One argument: by kind the instant before which they were received. The planner finds the index by the first words.
OVERDUE: Final = """state = 'PENDED' AND received_at < ({}::text::jsonb ->> kind)::timestamptz
    AND NOT EXISTS (SELECT FROM review_task AS r WHERE r.claim_id = claim.id AND r.state <> 'CLOSED')"""


def over(terms: Mapping[ClaimKind, datetime]) -> str:
    """What stands for terms in a statement."""
    return orjson.dumps({str(kind): instant for kind, instant in terms.items()}).decode()


async def count_overdue(database: Database, terms: Mapping[ClaimKind, datetime]) -> dict[str, int]:
    """What waits before it can be decided waits for coverage; what was decided to wait, for a parameter."""
    rows = await database.fetch(
        f"""SELECT CASE WHEN waiting.claim_id IS NULL THEN 'PARAMETER' ELSE 'COVERAGE' END AS waits_for,
                   count(*) AS claims
            FROM claim LEFT JOIN waiting ON waiting.claim_id = claim.id WHERE {OVERDUE.format("$1")} GROUP BY 1""",
        over(terms),
    )
    return {row["waits_for"]: row["claims"] for row in rows}
