"""What was handed in and not accepted: listed, newest first; and what the platform sent and could not be mapped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.claims.model.submission import NOT_ACCEPTED, NOT_MAPPED, NotMapped, Place, Submitted
from services.kit.db import Database, Tx
from services.kit.filters import such_that
from services.kit.messages import Kept, read_values

# The planner finds the index by these very words.
_NOT_ACCEPTED: Final = f"status IN ({', '.join(repr(str(one)) for one in NOT_ACCEPTED)})"


@dataclass(frozen=True, slots=True)
class WantedSubmissions:
    """Which of them; what is empty does not filter. `sources` and `counties` are the scope of who asks, where None
    bounds nothing.
    """

    source: str = ""
    county: str = ""
    status: str = ""
    reason: str = ""
    received: tuple[datetime, datetime] | None = None  # from, before
    sources: Collection[str] | None = None
    counties: Collection[str] | None = None


async def list_submissions(
    database: Database, wanted: WantedSubmissions, *, before: Place | None, limit: int
) -> list[Submitted]:
    """Newest first. What names no county of ours is seen by those whom none bounds."""
    filters = [
        ("(received_at, id) < ({}, {})", before or ()),
        ("source = {}", (wanted.source,) if wanted.source else ()),
        ("county = {}", (wanted.county,) if wanted.county else ()),
        ("status = {}", (wanted.status,) if wanted.status else ()),
        ("{} = ANY(reasons)", (wanted.reason,) if wanted.reason else ()),
        ("received_at >= {} AND received_at < {}", wanted.received or ()),
        ("source = ANY({})", () if wanted.sources is None else (wanted.sources,)),
        ("county = ANY({})", () if wanted.counties is None else (wanted.counties,)),
    ]
    arguments: list[object] = [limit]
    which = such_that(filters, arguments)
    rows = await database.fetch(
        f"""SELECT id, receipt_id, source, claim_number, revision, status, reasons, fields, reason_values, claim_id,
                   position, received_at, COALESCE(county, '') AS county
            FROM submission WHERE {_NOT_ACCEPTED} AND {which} ORDER BY received_at DESC, id DESC LIMIT $1""",
        *arguments,
    )
    return [_submitted(**row) for row in rows]


def _submitted(
    *, reasons: Sequence[str], fields: Sequence[str] | None, reason_values: str | None, **row: Any
) -> Submitted:
    count = len(reasons)
    kept = zip(reasons, fields or [""] * count, read_values(reason_values, count), strict=True)
    return Submitted(**row, reasons=tuple(Kept(*one) for one in kept))


async def save_not_mapped(tx: Tx, messages: Sequence[NotMapped]) -> None:
    """One row each, without its bytes: they are somebody's data, and lie in the topic as long as they are asked for."""
    await tx.copy(
        "submission",
        (
            "receipt_id",
            "source",
            "claim_number",
            "revision",
            "status",
            "reasons",
            "position",
            "content_hash",
            "sealed",
            "received_at",
        ),
        [
            (
                one.report_id,
                one.source,
                one.number,
                0,
                NOT_MAPPED,
                list(one.reasons),
                one.position,
                one.content_hash,
                b"",
                one.received_at,
            )
            for one in messages
        ],
    )
