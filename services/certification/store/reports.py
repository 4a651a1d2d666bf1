"""Yearly reports, and revocations that wait for a second person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import asyncpg

from services.certification.model import Proposed, Report
from services.kit.db import Database, Tx
from services.kit.errors import Refused
from services.kit.messages import reason

_COLUMNS: Final = Report._fields


async def file(tx: Tx, report: Report) -> Report:
    """Raises Refused while another for the same year waits or is in order."""
    columns = _COLUMNS[:9]
    try:
        async with tx.connection.transaction():
            rows = await tx.fetch(
                f"""INSERT INTO certificate_report ({", ".join(columns)})
                    SELECT $1, $2, 1 + coalesce(max(attempt), 0), $3, $4, $5, $6, $7, $8 FROM certificate_report
                    WHERE number = $1 AND due_on = $2 RETURNING attempt""",
                report.number, report.due_on, report.as_at, report.staff, report.women, report.statement,
                report.filed_on, report.filed_by,
            )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise Refused(reason("REPORT_TWICE", "report.due_date", day=report.due_on)) from None
    return report._replace(attempt=rows[0]["attempt"])


async def check(tx: Tx, report: Report, checked_by: str) -> None:
    """Raises Refused for who filed it."""
    try:
        async with tx.connection.transaction():
            await tx.execute(
                """UPDATE certificate_report SET in_order = $4, checked_on = $5, checked_by = $6, said = $7
                   WHERE number = $1 AND due_on = $2 AND attempt = $3""",
                report.number, report.due_on, report.attempt, report.in_order, report.checked_on, checked_by,
                report.said,
            )  # fmt: skip
    except asyncpg.CheckViolationError:
        raise Refused(reason("REPORT_SECOND_PERSON", "name")) from None


async def waiting(tx: Tx, number: str, due_on: date) -> Report | None:
    rows = await tx.fetch(
        f"""SELECT {", ".join(_COLUMNS)} FROM certificate_report
            WHERE number = $1 AND due_on = $2 AND in_order IS NULL""",
        number,
        due_on,
    )
    return _report(rows[0]) if rows else None


async def of(source: Database | Tx, number: str) -> list[Report]:
    rows = await source.fetch(
        f"SELECT {', '.join(_COLUMNS)} FROM certificate_report WHERE number = $1 ORDER BY due_on, attempt", number
    )
    return [_report(row) for row in rows]


async def propose(tx: Tx, number: str, given: Proposed) -> Proposed | None:
    """The proposal of another that was there before; None where this is the first, or instead of one's own."""
    made = await tx.fetch(
        """INSERT INTO certificate_proposal (number, veto, on_day, document, proposed_by) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (number, veto) DO UPDATE SET on_day = excluded.on_day, document = excluded.document
             WHERE certificate_proposal.proposed_by = excluded.proposed_by AND certificate_proposal.agreed_by IS NULL
               AND (certificate_proposal.on_day, certificate_proposal.document) <> (excluded.on_day, excluded.document)
           RETURNING number""",
        number,
        *given,
    )
    if made:
        return None
    (found,) = await tx.fetch(
        "SELECT veto, on_day, document, proposed_by FROM certificate_proposal WHERE number = $1 AND veto = $2",
        number,
        given.veto,
    )
    return Proposed(*found)


async def agree(tx: Tx, number: str, veto: str, agreed_by: str) -> None:
    await tx.execute(
        "UPDATE certificate_proposal SET agreed_by = $3 WHERE number = $1 AND veto = $2", number, veto, agreed_by
    )


async def proposals(source: Database | Tx, number: str) -> list[Proposed]:
    """Those that wait."""
    rows = await source.fetch(
        """SELECT veto, on_day, document, proposed_by FROM certificate_proposal
           WHERE number = $1 AND agreed_by IS NULL ORDER BY veto""",
        number,
    )
    return [Proposed(*row) for row in rows]


def _report(row: Mapping[str, Any]) -> Report:
    return Report(*(row[name] for name in _COLUMNS))
