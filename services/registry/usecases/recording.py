"""Recording what the offices state: a new row and an event where something changed, nothing where it did not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from services.kit.db import Tx
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.messages import reason
from services.registry import rules, store
from services.registry.model import Employer, Person, Provider
from services.registry.store import EmployerOnFile, EmployerRow, LevelRow, ProviderOnFile, ProviderRow, WageRow
from services.registry.usecases.amending import amend, replacement
from services.registry.usecases.office import Office
from services.registry.wire import events
from services.registry.wire.events import Told

METHOD: Final = "BatchRecordCoverage"


async def record(
    office: Office, employers: Sequence[Employer], persons: Sequence[Person], providers: Sequence[Provider] = ()
) -> None:
    """Record what is stated, each replacing what was known. Raises Invalid for an unknown employer."""
    async with office.database.transaction() as tx:
        await record_employers(office, tx, [(employer, METHOD) for employer in employers])
        await record_providers(office, tx, providers)
        known = await store.employers_of(tx, sorted({s.employer_uscc for p in persons for s in p.coverage}))
        if problems := [
            reason("EMPLOYER_UNKNOWN", f"persons[{place}].{span.place}")
            for place, person in enumerate(persons)
            for span in person.coverage
            if span.employer_uscc and span.employer_uscc not in known
        ]:
            raise Invalid(*problems)
        await amend(office, tx, [replacement(person, known, METHOD) for person in persons])


# --- employers ----------------------------------------------------------------------------------------------------


async def record_employers(office: Office, tx: Tx, stated: Iterable[tuple[Employer, str]]) -> set[str]:
    """Record employers with their wages and bases, each with its cause; answers the codes of those that changed."""
    latest = {employer.uscc: (employer, cause) for employer, cause in stated}
    if not latest:
        return set()
    # In order of the code: two loads at once then wait, and not in a circle.
    on_file = await store.lock_employers(tx, [(new_id(), uscc) for uscc in sorted(latest)])
    now = office.clock.now()
    rows, wages, closings = [], [], []
    for uscc in sorted(latest):
        employer, cause = latest[uscc]
        row, wage = _employer_rows(tx, employer, on_file[uscc], now, cause)
        rows += [row] if row else []
        wages += [wage] if wage else []
        if row and employer.closed_on != on_file[uscc].closed_on:
            closings.append((row.id, rules.instant_after(now, on_file[uscc].recorded_at), employer.closed_on))
    await store.save_employers(tx, rows, wages)
    await store.save_closings(tx, closings)
    written = {row.id for row in rows}  # wages that changed raise the version, so the row is written with them
    return {uscc for uscc, employer in on_file.items() if employer.id in written}


def _employer_rows(
    tx: Tx, stated: Employer, on_file: EmployerOnFile, now: datetime, cause: str
) -> tuple[EmployerRow | None, WageRow | None]:
    """What is to be written of one employer, and said."""
    at, version = rules.instant_after(now, on_file.recorded_at), on_file.version
    wages, bases = tuple(sorted(stated.wages.items())), tuple(sorted(stated.bases.items()))
    said = (stated.name, stated.county, stated.closed_on)
    if version == 0 or said != (on_file.name, on_file.county, on_file.closed_on):
        version += 1
        tx.emit(events.employer_recorded(Told(on_file.id, version, at, cause), stated.county, stated.closed_on))
    years = sorted({y for y, _ in set(wages) ^ set(on_file.wages)} | {y for y, _ in set(bases) ^ set(on_file.bases)})
    if years:
        version += 1
        tx.emit(events.employer_wage_changed(Told(on_file.id, version, at, cause), years))
    row = EmployerRow(on_file.id, stated.name, stated.county, version) if version > on_file.version else None
    return row, WageRow(on_file.id, at, wages, bases) if years else None


# --- institutions -------------------------------------------------------------------------------------------------


async def record_providers(office: Office, tx: Tx, providers: Iterable[Provider]) -> set[str]:
    """Record institutions with their contracts; answers the codes of those that changed."""
    latest = {provider.code: provider for provider in providers}
    if not latest:
        return set()
    on_file = await store.lock_providers(tx, [(new_id(), code) for code in sorted(latest)])
    now = office.clock.now()
    rows, levels = [], []
    for code, stated in latest.items():
        known = on_file[code]
        if (stated.name, stated.county, stated.account) != (known.name, known.county, _account(office, code, known)):
            sealed = office.sealer.seal(stated.account.encode(), _context(code)) if stated.account else None
            rows.append(ProviderRow(known.id, stated.name, stated.county, sealed))
        if stated.contracts != known.contracts:
            levels.append(LevelRow(known.id, rules.instant_after(now, known.recorded_at), stated.contracts))
    await store.save_providers(tx, rows, levels)
    written = {row.id for row in rows} | {level.id for level in levels}
    return {code for code, known in on_file.items() if known.id in written}


def _account(office: Office, code: str, known: ProviderOnFile) -> str:
    return office.sealer.open(known.sealed_account, _context(code)).decode() if known.sealed_account else ""


def _context(code: str) -> bytes:
    return f"provider/{code}".encode()
