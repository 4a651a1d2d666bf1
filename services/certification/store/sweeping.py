"""What days do to certificates: one statement a batch, however many certificates are in it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from services.certification.model import Told
from services.certification.store.certificates import span_of
from services.kit.db import Database, Tx

# What was written ahead is told: the latest span that has begun, and every reminder whose day has come.
_SWEEP: Final = """
WITH due AS (
    SELECT number, employer, told_to FROM certificate WHERE next_look_on <= $1
    ORDER BY next_look_on, number LIMIT $2 FOR UPDATE SKIP LOCKED
), found AS (
    SELECT due.number, first.on_day AS first_day, last.*,
           LEAST((SELECT min(s.on_day) FROM certificate_span AS s WHERE s.number = due.number AND s.on_day > $1),
                 (SELECT min(r.on_day) FROM certificate_reminder AS r
                  WHERE r.number = due.number AND r.on_day > $1 AND r.told_on IS NULL)) AS look
    FROM due
    LEFT JOIN LATERAL (SELECT min(on_day) AS on_day FROM certificate_span AS s
                       WHERE s.number = due.number AND s.on_day > due.told_to AND s.on_day <= $1) AS first ON true
    LEFT JOIN LATERAL (SELECT on_day, state, why, valid_to, kind, locked_until FROM certificate_span AS s
                       WHERE s.number = due.number AND s.on_day <= $1 ORDER BY on_day DESC LIMIT 1) AS last ON true
), reminded AS (
    UPDATE certificate_reminder AS r SET told_on = $1 FROM due
    WHERE r.number = due.number AND r.on_day <= $1 AND r.told_on IS NULL RETURNING r.what
), moved AS (
    UPDATE certificate AS c
    SET version = c.version + 1, told_to = $1, next_look_on = found.look, on_day = found.on_day, state = found.state,
        why = found.why, valid_to = found.valid_to, kind = found.kind, locked_until = found.locked_until
    FROM found WHERE c.number = found.number
    RETURNING c.number, c.employer, c.uscc, c.county, c.version, found.first_day, c.on_day, c.state, c.why, c.valid_to,
              c.kind, c.locked_until
), told AS (
    INSERT INTO certificate_change (number, version, first_day, on_day, state, why, valid_to, kind, locked_until, cause,
                                    at)
    SELECT number, version, first_day, on_day, state, why, valid_to, kind, locked_until, $3, $4 FROM moved
    WHERE first_day IS NOT NULL
)
SELECT moved.*, (SELECT count(*) FROM reminded) AS reminded FROM moved
"""


class Swept(NamedTuple):
    """How many certificates were looked at, what is told of them, and how many reminders."""

    looked_at: int
    told: list[Told]
    reminded: int


async def sweep(tx: Tx, today: date, limit: int, cause: str, now: datetime) -> Swept:
    rows = await tx.fetch(_SWEEP, today, limit, cause, now)
    told = [
        Told(
            row["number"], row["employer"], row["uscc"], row["county"], row["version"], row["first_day"], span_of(row),
            cause,
        )
        for row in rows
        if row["first_day"]
    ]  # fmt: skip
    return Swept(len(rows), told, rows[0]["reminded"] if rows else 0)


async def counts(database: Database) -> dict[str, int]:
    """How many certificates stand in each state, as told."""
    rows = await database.fetch("SELECT state, count(*) AS count FROM certificate GROUP BY state")
    return {row["state"]: row["count"] for row in rows}


async def reports_waiting(database: Database) -> date | None:
    """The day on which the longest waiting yearly report was filed."""
    rows = await database.fetch("SELECT min(filed_on) AS oldest FROM certificate_report WHERE in_order IS NULL")
    oldest: date | None = rows[0]["oldest"]
    return oldest
