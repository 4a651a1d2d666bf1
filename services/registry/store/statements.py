"""What became of the offices' records: written, and, where they were returned, listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.kit.db import Database, Tx
from services.kit.filters import such_that
from services.kit.messages import Kept, read_values, values_of
from services.registry.model import Settled
from services.registry.model.statements import Place, Returned

_COLUMNS: Final = (
    "receipt_id",
    "office",
    "record_number",
    "position",
    "digest",
    "received_at",
    "outcome",
    "reasons",
    "reason_values",
)


async def save_statements(tx: Tx, settled: Sequence[Settled]) -> None:
    await tx.copy(
        "statement",
        _COLUMNS,
        [
            (
                one.received.receipt_id,
                one.received.office,
                one.received.record_number,
                one.received.position,
                one.received.digest,
                one.received.received_at,
                one.outcome,
                [f"{reason.code} {reason.field}".strip() for reason in one.reasons],
                values_of(one.reasons),
            )
            for one in settled
        ],
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of what was returned; what is empty does not filter. `own` is the office that asks, which sees its own."""

    office: str = ""
    reason: str = ""
    received: tuple[datetime, datetime] | None = None  # from, before
    own: str = ""


async def list_returned(database: Database, wanted: Wanted, *, before: Place | None, limit: int) -> list[Returned]:
    """Newest first. An office is named by its topic alone, and by its kind too where it called."""
    filters = [
        ("(received_at, receipt_id) < ({}, {})", before or ()),
        ("office IN ({0}, 'office/' || {0})", (wanted.office,) if wanted.office else ()),
        ("office IN ({0}, 'office/' || {0})", (wanted.own,) if wanted.own else ()),
        (
            "EXISTS (SELECT FROM unnest(reasons) AS r WHERE split_part(r, ' ', 1) = {})",
            (wanted.reason,) if wanted.reason else (),
        ),
        ("received_at >= {} AND received_at < {}", wanted.received or ()),
    ]
    arguments: list[object] = [limit]
    which = such_that(filters, arguments)
    rows = await database.fetch(
        f"""SELECT receipt_id, office, record_number, reasons, reason_values, position, received_at FROM statement
            WHERE outcome = 'RETURNED' AND {which} ORDER BY received_at DESC, receipt_id DESC LIMIT $1""",
        *arguments,
    )
    return [_returned(**row) for row in rows]


def _returned(*, reasons: Sequence[str], reason_values: str | None, **row: Any) -> Returned:
    located = [one.partition(" ") for one in reasons]
    values = read_values(reason_values, len(reasons))
    kept = [Kept(code, field, filled) for (code, _, field), filled in zip(located, values, strict=True)]
    return Returned(**row, reasons=tuple(kept))
