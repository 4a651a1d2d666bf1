"""Evidence: what lies in the store of objects, and which application it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.certification.model.evidence import Exhibit, Held, Offered
from services.kit.db import Database, Tx
from services.kit.errors import Conflict
from services.kit.seal import Sealer

_SELECT: Final = """SELECT e.id, e.application_id, e.criterion, e.kind, e.sealed_name, e.media_type, e.sha256,
  e.uploaded_by, e.uploaded_at, c.size_bytes FROM evidence AS e JOIN evidence_content AS c USING (sha256)"""


async def held(source: Database | Tx, application_id: UUID, offered: Offered) -> Held:
    """But for the same file of the same criterion, which is not handed in twice."""
    rows = await source.fetch(
        """SELECT count(*) FILTER (WHERE criterion = $2) AS files, coalesce(sum(size_bytes), 0)::bigint AS bytes
           FROM evidence JOIN evidence_content USING (sha256)
           WHERE application_id = $1 AND NOT (criterion = $2 AND sha256 = $3)""",
        application_id,
        offered.criterion,
        offered.sha256,
    )
    return Held(rows[0]["files"], rows[0]["bytes"])


async def intend(database: Database, offered: Offered, now: datetime) -> bool:
    """Note that it will be stored; whether it is not there yet. Raises Conflict for one that is being swept."""
    rows = await database.fetch(
        """INSERT INTO evidence_content AS c VALUES ($1, $2, 'STORING', $3)
           ON CONFLICT (sha256) DO UPDATE SET touched_at = excluded.touched_at WHERE c.state <> 'LEAVING'
           RETURNING state""",
        offered.sha256,
        offered.size_bytes,
        now,
    )
    if not rows:
        raise Conflict("evidence that is being swept")
    return bool(rows[0]["state"] == "STORING")


async def add(tx: Tx, given: Exhibit, sealer: Sealer) -> None:
    """It is stored, and shows a criterion; one that does so already stays as it is. Raises Conflict as `intend`."""
    offered = given.offered
    kept = await tx.fetch(
        """UPDATE evidence_content SET state = 'STORED', touched_at = $2
           WHERE sha256 = $1 AND state <> 'LEAVING' RETURNING sha256""",
        offered.sha256,
        given.uploaded_at,
    )
    if not kept:
        raise Conflict("evidence that was swept")
    await tx.execute(
        """INSERT INTO evidence VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (application_id, criterion, sha256) DO NOTHING""",
        given.id,
        given.application_id,
        offered.criterion,
        offered.kind,
        sealer.seal(offered.file_name.encode(), given.id.bytes),
        offered.media_type,
        offered.sha256,
        given.uploaded_by,
        given.uploaded_at,
    )


async def same(tx: Tx, application_id: UUID, offered: Offered, sealer: Sealer) -> Exhibit:
    """The one of this content that shows this criterion."""
    rows = await tx.fetch(
        f"{_SELECT} WHERE application_id = $1 AND criterion = $2 AND sha256 = $3",
        application_id,
        offered.criterion,
        offered.sha256,
    )
    return _exhibit(rows[0], sealer)


async def by_id(source: Database | Tx, evidence_id: UUID, sealer: Sealer) -> Exhibit | None:
    rows = await source.fetch(f"{_SELECT} WHERE id = $1", evidence_id)
    return _exhibit(rows[0], sealer) if rows else None


async def of_application(source: Database | Tx, application_id: UUID, sealer: Sealer) -> list[Exhibit]:
    """Oldest first."""
    rows = await source.fetch(f"{_SELECT} WHERE application_id = $1 ORDER BY uploaded_at, id", application_id)
    return [_exhibit(row, sealer) for row in rows]


async def remove(tx: Tx, evidence_id: UUID) -> None:
    await tx.execute("DELETE FROM evidence WHERE id = $1", evidence_id)


async def leaving(database: Database, untouched_since: datetime, limit: int) -> list[bytes]:
    """Mark what shows nothing, and has not been touched since, or was marked before; nobody uses it from now on."""
    rows = await database.fetch(
        """UPDATE evidence_content SET state = 'LEAVING' WHERE sha256 IN (
             SELECT sha256 FROM evidence_content AS c WHERE (touched_at < $1 OR state = 'LEAVING')
               AND NOT EXISTS (SELECT FROM evidence AS e WHERE e.sha256 = c.sha256)
             ORDER BY touched_at LIMIT $2 FOR UPDATE SKIP LOCKED)
           RETURNING sha256""",
        untouched_since,
        limit,
    )
    return [row["sha256"] for row in rows]


async def gone(database: Database, swept: Sequence[bytes]) -> None:
    await database.fetch("DELETE FROM evidence_content WHERE sha256 = ANY($1) AND state = 'LEAVING'", list(swept))


def _exhibit(row: Any, sealer: Sealer) -> Exhibit:
    name = sealer.open(row["sealed_name"], row["id"].bytes).decode()
    offered = Offered(row["criterion"], row["kind"], name, row["media_type"], row["sha256"], row["size_bytes"])
    return Exhibit(row["id"], row["application_id"], offered, row["uploaded_by"], row["uploaded_at"])
