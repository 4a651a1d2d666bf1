"""Control totals: what a source says it sent on a day, against what was taken in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from services.claims.model import ControlTotals, Sent, Totals
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
