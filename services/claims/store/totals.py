"""Control totals: what a source says it sent on a day, against what was taken in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import asyncpg

from services.claims.model import ControlTotals, Sent, Totals
from services.claims.model.submission import DayPlace, TotalsOfDay, TotalsState
from services.kit.db import Database, Tx

# What reached us and could be read, whatever became of it, once however often it came: what is parked has no row, and
# what repeats something taken in is not counted.
_TAKEN_IN = """SELECT source, submit_date AS day, sent, count(*) AS records, COALESCE(sum(claimed_fen), 0) AS fen
    FROM (SELECT DISTINCT source, submit_date, sent, claim_number, revision, content_hash, claimed_fen
          FROM submission JOIN unnest($1::text[], $2::date[]) AS mine (of, day)
               ON of = source AND day = submit_date
          WHERE status <> 'DUPLICATE') AS each
    GROUP BY source, submit_date, sent"""


async def taken_in(tx: Tx, days: Sequence[tuple[str, date]]) -> dict[tuple[str, date], Totals]:
    """What was taken in, by source and day."""
    rows = await tx.fetch(_TAKEN_IN, [source for source, _ in days], [day for _, day in days])
    found = {place: Totals() for place in days}
    for row in rows:
        place, records = (row["source"], row["day"]), row["records"]
        known = found[place]
        match row["sent"]:
            case Sent.SUBMIT:
                known = known._replace(submitted=records)
            case Sent.REPLACE:
                known = known._replace(replaced=records)
            case Sent.VOID:
                known = known._replace(voided=records)
        found[place] = known._replace(claimed_fen=known.claimed_fen + int(row["fen"]))
    return found


async def save_totals(
    tx: Tx, told: Sequence[tuple[str, ControlTotals]], taken: dict[tuple[str, date], Totals], now: datetime
) -> None:
    """Keep the latest word on each day, with what it was compared with."""
    latest: dict[tuple[str, date], ControlTotals] = {}
    for source, totals in sorted(told, key=lambda one: one[1].submitted_at):
        latest[source, totals.day] = totals
    rows = [(*place, *totals.said, *taken[place], totals.submitted_at, now) for place, totals in sorted(latest.items())]
    await tx.execute(
        """INSERT INTO control_total (source, day, submitted, replaced, voided, claimed_fen, taken_submitted,
               taken_replaced, taken_voided, taken_claimed_fen, submitted_at, compared_at)
           SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
               $7::bigint[], $8::bigint[], $9::bigint[], $10::numeric[], $11::timestamptz[], $12::timestamptz[])
           ON CONFLICT (source, day) DO UPDATE SET
               submitted = excluded.submitted, replaced = excluded.replaced, voided = excluded.voided,
               claimed_fen = excluded.claimed_fen, taken_submitted = excluded.taken_submitted,
               taken_replaced = excluded.taken_replaced, taken_voided = excluded.taken_voided,
               taken_claimed_fen = excluded.taken_claimed_fen, submitted_at = excluded.submitted_at,
               compared_at = excluded.compared_at
           WHERE excluded.submitted_at >= control_total.submitted_at""",
        *map(list, zip(*rows, strict=True)),
    )


async def compare_again(tx: Tx, now: datetime) -> None:
    """Compare what differed once more: what was late may have come since."""
    rows = await tx.fetch("SELECT source, day FROM control_total WHERE differs ORDER BY source, day FOR UPDATE")
    if not rows:
        return
    taken = await taken_in(tx, [(row["source"], row["day"]) for row in rows])
    await tx.execute(
        """UPDATE control_total AS c SET taken_submitted = mine.submitted, taken_replaced = mine.replaced,
               taken_voided = mine.voided, taken_claimed_fen = mine.fen, compared_at = $7
           FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::numeric[])
                AS mine (source, day, submitted, replaced, voided, fen)
           WHERE c.source = mine.source AND c.day = mine.day""",
        *map(list, zip(*[(*place, *totals) for place, totals in taken.items()], strict=True)),
        now,
    )


async def differences(database: Database) -> dict[str, int]:
    """How many days of each source that told totals differ; none of them is 0."""
    rows = await database.fetch("SELECT source, count(*) FILTER (WHERE differs) AS days FROM control_total GROUP BY 1")
    return {row["source"]: row["days"] for row in rows}


# --- each day of each source -----------------------------------------------------------------------------------------

# Every day since a source first told totals, until yesterday: also those of which it told none.
_DAYS: Final = """(SELECT source, day::date AS day
    FROM (SELECT source, min(day) AS first, max(day) AS last FROM control_total GROUP BY source) AS told,
         generate_series(first::timestamp, GREATEST(last, $1)::timestamp, '1 day') AS day) AS due
    LEFT JOIN control_total AS c USING (source, day)"""
_STATE: Final = "CASE WHEN differs IS NULL THEN 'MISSING' WHEN differs THEN 'DIFFER' ELSE 'AGREE' END"


@dataclass(frozen=True, slots=True)
class WantedTotals:
    """Which days, seen on the day after `yesterday`; what is empty does not filter. `sources` is the scope of who
    asks, where None bounds nothing.
    """

    yesterday: date
    source: str = ""
    state: str = ""
    sources: Collection[str] | None = None


async def list_totals(
    database: Database, wanted: WantedTotals, *, before: DayPlace | None, limit: int
) -> list[TotalsOfDay]:
    """Newest day first."""
    rows = await database.fetch(
        f"""SELECT source, day, {_STATE} AS state, c.submitted, c.replaced, c.voided, c.claimed_fen, c.taken_submitted,
                   c.taken_replaced, c.taken_voided, c.taken_claimed_fen, c.submitted_at, c.compared_at
            FROM {_DAYS}
            WHERE ($2 = '' OR source = $2) AND ($3 = '' OR {_STATE} = $3) AND ($4::text[] IS NULL OR source = ANY($4))
                  AND ($5::date IS NULL OR (day, source) < ($5, $6::text))
            ORDER BY day DESC, source DESC LIMIT $7""",
        wanted.yesterday,
        wanted.source,
        wanted.state,
        None if wanted.sources is None else list(wanted.sources),
        *(before or (None, None)),
        limit,
    )
    return [_of_day(row) for row in rows]


def _of_day(row: asyncpg.Record) -> TotalsOfDay:
    state = TotalsState(row["state"])
    if state is TotalsState.MISSING:
        return TotalsOfDay(row["source"], row["day"], state)
    said = Totals(*(row[name] for name in Totals._fields))
    taken = Totals(*(int(row[f"taken_{name}"]) for name in Totals._fields))
    return TotalsOfDay(row["source"], row["day"], state, said, taken, row["submitted_at"], row["compared_at"])


async def missing(database: Database, yesterday: date, days: int) -> dict[str, int]:
    """Of how many of the last days each source that told totals before told none."""
    rows = await database.fetch(
        f"""SELECT source, count(*) FILTER (WHERE differs IS NULL) AS days FROM {_DAYS}
            WHERE day > $1 - $2::int AND day <= $1 GROUP BY source""",
        yesterday,
        days,
    )
    return {row["source"]: row["days"] for row in rows}
