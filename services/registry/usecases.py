"""Answering who is covered, and recording what the offices know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.kit.clock import Clock
from services.kit.db import Database, Tx
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.messages import reason
from services.kit.seal import Sealer, blind_index
from services.registry import store
from services.registry.model import Coverage, Employer, Person, Question


@dataclass(frozen=True, slots=True)
class Office:
    database: Database
    clock: Clock
    sealer: Sealer
    index_key: bytes


async def get_coverage(office: Office, questions: Sequence[Question], known_at: datetime) -> list[Coverage]:
    """Resolve every person and answer in one statement; the reading is audited, one row a call."""
    indexes = [blind_index(office.index_key, question.id_number) for question in questions]
    found = await store.coverage(office.database, indexes, [q.employer_uscc for q in questions], known_at)
    subjects = sorted({coverage.person for coverage in found if coverage.person})
    await store.audit(office.database, office.clock.now(), "BatchGetCoverage", subjects)
    return found


async def record(office: Office, employers: Sequence[Employer], persons: Sequence[Person]) -> None:
    """Record employers with their wages and persons with their coverage. Raises Invalid for an unknown employer."""
    async with office.database.transaction() as tx:
        now = office.clock.now()
        await _record_employers(tx, {employer.uscc: employer for employer in employers}, now)
        known = await store.employers_of(tx, [person.employer_uscc for person in persons])
        if problems := [
            reason("EMPLOYER_UNKNOWN", f"persons[{place}].employer_uscc")
            for place, person in enumerate(persons)
            if person.employer_uscc and person.employer_uscc not in known
        ]:
            raise Invalid(*problems)
        await _record_persons(office, tx, persons, known, now)


async def _record_employers(tx: Tx, employers: dict[str, Employer], now: datetime) -> None:
    ordered = [employers[uscc] for uscc in sorted(employers)]  # two loads at once then wait, and not in a circle
    ids = await store.record_employers(
        tx,
        [(new_id(), e.uscc, e.name, e.county) for e in ordered],
    )
    await tx.copy(
        "employer_wage",
        ("employer_id", "recorded_at", "years", "monthly_fen"),
        [(ids[e.uscc], now, list(e.wages), list(e.wages.values())) for e in employers.values()],
    )


async def _record_persons(
    office: Office, tx: Tx, persons: Sequence[Person], employers: dict[str, UUID], now: datetime
) -> None:
    latest = {blind_index(office.index_key, person.id_number): person for person in persons}
    rows = [
        (new_id(), index, office.sealer.seal(f"{person.id_number}\n{person.name}".encode(), index))
        for index, person in sorted(latest.items())
    ]
    ids = await store.record_persons(tx, rows)
    await tx.copy(
        "coverage",
        (
            "person_id",
            "recorded_at",
            "category",
            "employer_id",
            "first_months",
            "last_months",
            "late_months",
            "late_paid_on",
        ),
        [
            (
                ids[index],
                now,
                person.category,
                employers.get(person.employer_uscc),
                [first for first, _ in person.paid_months],
                [last for _, last in person.paid_months],
                [month for month, _ in person.back_paid],
                [day for _, day in person.back_paid],
            )
            for index, person in latest.items()
        ],
    )
