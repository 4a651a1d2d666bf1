"""Appeals: filed, ended once, listed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.claims.model import Claim, Determination
from services.claims.model.appeal import Appeal, AppealGround, AppealState, Appellant, LateBecause, ListedAppeal
from services.claims.rules.history import REVISIONS
from services.kit.db import Database, Tx

_COLUMNS: Final = (
    "id",
    "claim_id",
    "determined_version",
    "revision",
    "review_id",
    "lines",
    "appellant",
    "ground",
    "late_because",
    "notified_on",
    "filed_on",
    "filed_by",
    "filed_at",
    "state",
    "number",
    "decided_by",
    "second_by",
    "decided_at",
)
_LISTED: Final = f"""SELECT {", ".join("a." + name for name in _COLUMNS)}, c.source, c.number AS claim_number, c.county,
                            r.due_on
                     FROM appeal AS a JOIN claim AS c ON c.id = a.claim_id
                          JOIN review_task AS r ON r.id = a.review_id"""


class Determined(NamedTuple):
    """The determination that stands, as an appeal needs it."""

    version: int
    decided_on: date
    determination: Determination


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty filters do not filter. `sources` and `counties` are the scope of who asks, where None bounds nothing."""

    state: AppealState | None = None
    county: str = ""
    claim_id: UUID | None = None
    sources: Collection[str] | None = None
    counties: Collection[str] | None = None


async def standing(tx: Tx, claim: Claim) -> Determined | None:
    """What the claim was determined to be, last."""
    rows = await tx.fetch(
        """SELECT version, decision_date, rules_revision, result FROM determination
           WHERE claim_id = $1 AND revision = $2 ORDER BY version DESC LIMIT 1""",
        claim.id,
        claim.revision,
    )
    if not rows:
        return None
    row = rows[0]
    result = REVISIONS[row["rules_revision"]].lift_result(orjson.loads(row["result"]))
    return Determined(row["version"], row["decision_date"], result)


async def file(tx: Tx, appeal: Appeal) -> None:
    columns = _COLUMNS[:13]
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    values = [*appeal[:5], list(appeal.lines), appeal.appellant, appeal.ground, appeal.late_because or ""]
    await tx.execute(f"INSERT INTO appeal ({', '.join(columns)}) VALUES ({places})", *values, *appeal[9:13])


async def against(tx: Tx, claim_id: UUID, determined_version: int) -> Appeal | None:
    """One that is open about the claim, or was decided about this determination."""
    rows = await tx.fetch(
        f"""SELECT {", ".join(_COLUMNS)} FROM appeal
            WHERE claim_id = $1 AND (state = 'FILED' OR (determined_version = $2 AND state <> 'WITHDRAWN'))
            ORDER BY state = 'FILED' DESC LIMIT 1""",
        claim_id,
        determined_version,
    )
    return _appeal(rows[0]) if rows else None


async def of_review(tx: Tx, review_id: UUID) -> Appeal:
    """The appeal that a review decides, locked. Its claim and review are locked before."""
    rows = await tx.fetch(f"SELECT {', '.join(_COLUMNS)} FROM appeal WHERE review_id = $1 FOR UPDATE", review_id)
    return _appeal(rows[0])


async def end(tx: Tx, appeal: Appeal, deciders: Collection[str] = ()) -> None:
    """Write how it ended. The database refuses who filed it or decided about the claim before."""
    await tx.execute(
        """UPDATE appeal SET state = $2, number = $3, decided_by = $4, second_by = $5, decided_at = $6,
                  deciders = $7 WHERE id = $1""",
        appeal.id,
        appeal.state,
        appeal.number,
        appeal.decided_by,
        appeal.second_by,
        appeal.decided_at,
        sorted(deciders),
    )


async def lapse(tx: Tx, claims: Collection[UUID], now: datetime) -> list[UUID]:
    """End what is open about claims that were taken back; answers the reviews where they would have been decided."""
    rows = await tx.fetch(
        """UPDATE appeal SET state = 'LAPSED', number = number + 1, decided_at = $2
           WHERE claim_id = ANY($1) AND state = 'FILED' RETURNING review_id""",
        list(claims),
        now,
    )
    return [row["review_id"] for row in rows]


# --- looking ---------------------------------------------------------------------------------------------------------


async def by_id(database: Database | Tx, appeal_id: UUID) -> ListedAppeal | None:
    rows = await database.fetch(f"{_LISTED} WHERE a.id = $1", appeal_id)
    return _listed(rows[0]) if rows else None


async def of_claim(database: Database, claim_id: UUID) -> list[ListedAppeal]:
    """Newest first."""
    return [
        _listed(row) for row in await database.fetch(f"{_LISTED} WHERE a.claim_id = $1 ORDER BY a.id DESC", claim_id)
    ]


async def list_appeals(database: Database, wanted: Wanted, before: UUID | None, limit: int) -> list[ListedAppeal]:
    """Newest first."""
    rows = await database.fetch(
        f"""{_LISTED}
            WHERE ($1::text IS NULL OR a.state = $1) AND ($2 = '' OR c.county = $2)
              AND ($3::uuid IS NULL OR a.claim_id = $3) AND ($4::uuid IS NULL OR a.id < $4)
              AND ($5::text[] IS NULL OR c.source = ANY($5)) AND ($6::text[] IS NULL OR c.county = ANY($6))
            ORDER BY a.id DESC LIMIT $7""",
        wanted.state,
        wanted.county,
        wanted.claim_id,
        before,
        wanted.sources,
        wanted.counties,
        limit,
    )
    return [_listed(row) for row in rows]


async def undated(database: Database, limit: int) -> Sequence[tuple[UUID, date]]:
    """Reviews of open appeals without a due date, with the day on which each was filed."""
    rows = await database.fetch(
        """SELECT r.id, a.filed_on FROM appeal AS a JOIN review_task AS r ON r.id = a.review_id
           WHERE a.state = 'FILED' AND r.due_on IS NULL ORDER BY r.id LIMIT $1""",
        limit,
    )
    return [(row["id"], row["filed_on"]) for row in rows]


def _appeal(row: asyncpg.Record) -> Appeal:
    return Appeal(
        row["id"],
        row["claim_id"],
        row["determined_version"],
        row["revision"],
        row["review_id"],
        tuple(row["lines"]),
        Appellant(row["appellant"]),
        AppealGround(row["ground"]),
        LateBecause(row["late_because"]) if row["late_because"] else None,
        row["notified_on"],
        row["filed_on"],
        row["filed_by"],
        row["filed_at"],
        AppealState(row["state"]),
        row["number"],
        row["decided_by"],
        row["second_by"],
        row["decided_at"],
    )


def _listed(row: asyncpg.Record) -> ListedAppeal:
    return ListedAppeal(_appeal(row), row["source"], row["claim_number"], row["county"], row["due_on"])
