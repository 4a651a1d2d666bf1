"""How employers stand: violations and arrears recorded, each change told, and the answer to who judges employers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.db import Tx
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.messages import Reason, reason
from services.registry import rules, store
from services.registry.model import ArrearsStatement, OfEmployer, StandingAsked, StatedViolation, Unpaid, Violation
from services.registry.store import EmployerHeld, ViolationRow
from services.registry.usecases.office import Asker, Office
from services.registry.wire import events
from services.registry.wire.events import Told

RECORDED: Final = "BatchRecordViolations"
ASKED: Final = "BatchGetEmployerStanding"


async def record_violations(office: Office, authority: str, given: Sequence[StatedViolation], *, keep: bool) -> int:
    """Record them, the last of each number; answers how many are otherwise than before. Raises Invalid."""
    changed = 0
    try:
        async with office.database.transaction() as tx:
            changed = await _record(office, tx, authority, given)
            if not keep:
                raise _DryRun
    except _DryRun:
        pass
    return changed


class _DryRun(Exception):
    """Rolls back what was only tried."""


async def _record(office: Office, tx: Tx, authority: str, given: Sequence[StatedViolation]) -> int:
    held = await store.hold_employers(tx, sorted({one.uscc for one in given}))
    if unknown := [reason("EMPLOYER_UNKNOWN", f"{one.place}.employer_uscc") for one in given if one.uscc not in held]:
        raise Invalid(*unknown)
    latest = {one.violation.number: one for one in given}
    wanted = [(new_id(), number, held[one.uscc].id) for number, one in sorted(latest.items())]
    on_file = await store.violations_of(tx, authority, wanted)
    if moved := [_moved(one) for one in given if on_file[one.violation.number].employer != held[one.uscc].id]:
        raise Invalid(*moved)
    now, rows = office.clock.now(), []
    versions = {one.id: one.version for one in held.values()}
    for number, one in sorted(latest.items()):
        known, employer = on_file[number], held[one.uscc]
        if known.violation == one.violation:
            continue
        at = rules.instant_after(now, employer.recorded_at)
        versions[employer.id] += 1
        rows.append(ViolationRow(known.id, at, one.violation))
        tx.emit(events.violation_changed(Told(employer.id, versions[employer.id], at, RECORDED), one.violation))
    await store.save_violations(tx, rows)
    await _raise(tx, held, versions)
    return len(rows)


def _moved(one: StatedViolation) -> Reason:
    return reason("VIOLATION_OF_ANOTHER", f"{one.place}.employer_uscc")


async def _raise(tx: Tx, held: Mapping[str, EmployerHeld], versions: Mapping[UUID, int]) -> None:
    await store.raise_employers(
        tx, [(one.id, versions[one.id]) for one in held.values() if versions[one.id] > one.version]
    )


async def record_arrears(office: Office, tx: Tx, given: Iterable[tuple[ArrearsStatement, str]]) -> dict[str, bool]:
    """Record what employers have not paid, each with its cause; answers by code which are otherwise than before. One
    that is not known is not in it.
    """
    latest = {stated.uscc: (stated, cause) for stated, cause in given}
    if not latest:
        return {}
    held = await store.hold_employers(tx, sorted(latest))
    now, rows = office.clock.now(), []
    versions = {one.id: one.version for one in held.values()}
    for uscc, employer in sorted(held.items()):
        stated, cause = latest[uscc]
        if stated.arrears == employer.arrears:
            continue
        at = rules.instant_after(now, employer.recorded_at)
        versions[employer.id] += 1
        rows.append((employer.id, at, stated.arrears))
        unpaid = rules.unpaid_on(stated.arrears, office.clock.today())
        tx.emit(events.arrears_changed(Told(employer.id, versions[employer.id], at, cause), unpaid))
    await store.save_arrears(tx, rows)
    await _raise(tx, held, versions)
    changed = {employer for employer, _, _ in rows}
    return {uscc: one.id in changed for uscc, one in held.items()}


class Standing(NamedTuple):
    """How an employer stands on a day; None where the registry has no such employer."""

    known: OfEmployer | None
    unpaid: Unpaid = Unpaid()
    violations: tuple[Violation, ...] = ()


async def get_standing(office: Office, asked: StandingAsked, known_at: datetime, asker: Asker) -> list[Standing]:
    """Answer for all in one statement; the reading is audited, one row a call."""
    found = await store.standing(office.database, asked, known_at)
    subjects = sorted({one.id for one in found.values()})
    await office.audit(ASKED, asker, subjects)
    return [_standing(found.get(place), asked.on) for place in range(len(asked.employers))]


def _standing(known: OfEmployer | None, on: date) -> Standing:
    if known is None:
        return Standing(None)
    if known.closed_on is not None and known.closed_on > on:
        known = known._replace(closed_on=None)
    seen = (rules.violation_on(one, on) for one in known.violations)
    return Standing(known, rules.unpaid_on(known.arrears, on), tuple(one for one in seen if one))
