"""What hangs on an application: look-ups of gates, sheets, requests, visits, objections, decisions."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.certification.model import Answer, Asked, Filed, Looked, Objected, Sheet, Visit
from services.kit.db import Database, Tx
from services.kit.errors import Refused
from services.kit.messages import reason


class Decided(NamedTuple):
    """A decision as it is stored: canonical texts, from which it can be decided again, byte for byte."""

    number: int
    move: str
    outcome: str
    facts: str
    decision: str
    scheme_digest: str
    rules_revision: str
    decided_by: str
    assessors: tuple[str, ...]
    decided_on: date


# --- gates ------------------------------------------------------------------------------------------------------------


async def add_gates(tx: Tx, filed: Filed, looked: list[Looked], now: datetime) -> None:
    columns = ("application_id", "number", "gate", "passed", "found", "asked", "document", "at")
    rows = [
        (filed.id, filed.number, one.gate, one.passed, orjson.dumps(one.found.as_data()).decode(), one.asked,
         one.document, now)
        for one in looked
    ]  # fmt: skip
    await tx.copy("application_gate", columns, rows)


async def gates(source: Database | Tx, application_id: UUID) -> list[Looked]:
    """The latest look-up of each."""
    rows = await source.fetch(
        """SELECT DISTINCT ON (gate) gate, passed, found, asked, document, at FROM application_gate
           WHERE application_id = $1 ORDER BY gate, number DESC""",
        application_id,
    )
    return [
        Looked(row["gate"], row["passed"], Answer.from_data(orjson.loads(row["found"])), row["asked"], row["document"],
               row["at"])
        for row in rows
    ]  # fmt: skip


# --- sheets -----------------------------------------------------------------------------------------------------------


async def add_sheet(tx: Tx, filed: Filed, sheet: Sheet, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO application_sheet VALUES ($1, $2, $3, $4, $5, $6)",
        filed.id,
        filed.round,
        sheet.assessor,
        filed.number,
        orjson.dumps(sheet.as_data()["answers"]).decode(),
        now,
    )


async def sheets(source: Database | Tx, filed: Filed) -> tuple[Sheet, ...]:
    """Of this round, in the order in which they were handed in."""
    rows = await source.fetch(
        "SELECT assessor, answers FROM application_sheet WHERE application_id = $1 AND round = $2 ORDER BY number",
        filed.id,
        filed.round,
    )
    return tuple(
        Sheet(row["assessor"], tuple(map(Answer.from_data, orjson.loads(row["answers"])))) for row in rows
    )  # fmt: skip


# --- requests for information, visits ---------------------------------------------------------------------------------


async def ask(tx: Tx, filed: Filed, asked: Asked, actor: str) -> None:
    await tx.execute(
        """INSERT INTO information_request (application_id, question, criteria, asked_by, asked_on)
           VALUES ($1, $2, $3, $4, $5)""",
        filed.id,
        asked.question,
        list(asked.criteria),
        actor,
        asked.asked_on,
    )


async def answer(tx: Tx, filed: Filed, said: str, on: date) -> None:
    await tx.execute(
        """UPDATE information_request SET answer = $2, answered_on = $3
           WHERE application_id = $1 AND answered_on IS NULL""",
        filed.id,
        said,
        on,
    )


async def asked(source: Database | Tx, application_id: UUID) -> Asked | None:
    rows = await source.fetch(
        """SELECT question, criteria, asked_on, answer, answered_on FROM information_request
           WHERE application_id = $1""",
        application_id,
    )
    if not rows:
        return None
    question, criteria, asked_on, answered, answered_on = rows[0]
    return Asked(question, tuple(criteria), asked_on, answered, answered_on)


async def add_visit(tx: Tx, filed: Filed, visit: Visit, actor: str, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO site_visit VALUES ($1, $2, $3, $4, $5, $6, $7)",
        filed.id,
        filed.number,
        visit.visited_on,
        list(visit.visitors),
        visit.findings,
        actor,
        now,
    )


async def visit(source: Database | Tx, application_id: UUID) -> Visit | None:
    """The last one."""
    rows = await source.fetch(
        """SELECT visited_on, visitors, findings FROM site_visit WHERE application_id = $1
           ORDER BY number DESC LIMIT 1""",
        application_id,
    )
    return Visit(rows[0]["visited_on"], tuple(rows[0]["visitors"]), rows[0]["findings"]) if rows else None


# --- objections -------------------------------------------------------------------------------------------------------


async def object_to(tx: Tx, filed: Filed, objection: Objected, sealed_lead: bytes) -> None:
    await tx.execute(
        """INSERT INTO objection (id, application_id, sealed_lead, filed_by, filed_on) VALUES ($1, $2, $3, $4, $5)""",
        objection.id,
        filed.id,
        sealed_lead,
        objection.filed_by,
        objection.filed_on,
    )


async def settle(tx: Tx, filed: Filed, settled: Objected, actor: str, on: date) -> None:
    """Raises Refused for one that is not this application's, or settled before; by whom it was filed may not."""
    try:
        async with tx.connection.transaction():
            rows = await tx.fetch(
                """UPDATE objection SET upheld = $3, reason = $4, settled_by = $5, settled_on = $6
                   WHERE id = $1 AND application_id = $2 AND upheld IS NULL RETURNING id""",
                settled.id,
                filed.id,
                settled.upheld,
                settled.reason,
                actor,
                on,
            )
    except asyncpg.CheckViolationError:
        raise Refused(reason("OBJECTION_SECOND_PERSON", "objection")) from None
    if not rows:
        raise Refused(reason("OBJECTION_MISSING", "objection"))


async def objections(source: Database | Tx, application_id: UUID) -> list[Objected]:
    rows = await source.fetch(
        "SELECT id, filed_on, filed_by, upheld, reason FROM objection WHERE application_id = $1 ORDER BY id",
        application_id,
    )
    return [Objected(*row) for row in rows]


# --- decisions --------------------------------------------------------------------------------------------------------


async def decide(tx: Tx, filed: Filed, made: Decided, now: datetime) -> None:
    columns = ("application_id", *Decided._fields, "at")
    await tx.copy("application_decision", columns, [(filed.id, *made, now)])


async def last_decision(source: Database | Tx, application_id: UUID) -> Decided | None:
    rows = await source.fetch(
        f"""SELECT {", ".join(Decided._fields)} FROM application_decision
            WHERE application_id = $1 ORDER BY number DESC LIMIT 1""",
        application_id,
    )
    return Decided(*rows[0])._replace(assessors=tuple(rows[0]["assessors"])) if rows else None
