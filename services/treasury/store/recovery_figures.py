"""How what is asked back stands, in figures for operators."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from services.kit.db import Database


class Figures(NamedTuple):
    """Of one state. `since`: how long the one that waits longest has not moved, or its dispute is open.

    `overdue`: how many were told and should have been answered by now.
    """

    outstanding_fen: int
    since: datetime
    overdue: int


async def by_state(database: Database, today: date) -> dict[str, Figures]:
    """Of all that is still to come back."""
    rows = await database.fetch(
        """SELECT r.state, sum(r.outstanding_fen)::bigint AS fen, min(COALESCE(d.opened_at, r.updated_at)) AS since,
                  count(*) FILTER (WHERE r.state = 'NOTIFIED' AND r.due_on < $1) AS overdue
           FROM recovery AS r LEFT JOIN recovery_dispute AS d ON d.recovery_id = r.id AND d.outcome IS NULL
           WHERE r.outstanding_fen > 0 GROUP BY r.state""",
        today,
    )
    return {row["state"]: Figures(row["fen"], row["since"], row["overdue"]) for row in rows}
