"""Recording what the offices state: a new row and an event where something changed, nothing where it did not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.db import Tx
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.messages import reason
from services.registry import rules, store
from services.registry.model import BEGINNING, Employer, Known, Person, Provider, Span, StatedSpan
from services.registry.store import (
    EmployerOnFile,
    EmployerRow,
    Identity,
    LevelRow,
    OnFile,
    ProviderOnFile,
    ProviderRow,
    Recorded,
    Version,
    WageRow,
)
from services.registry.usecases.office import Office
from services.registry.wire import events
from services.registry.wire.events import Told

METHOD = "BatchRecordCoverage"


async def record(
    office: Office, employers: Sequence[Employer], persons: Sequence[Person], providers: Sequence[Provider] = ()
) -> None:
    """Record what is stated, each replacing what was known. Raises Invalid for an unknown employer."""
    async with office.database.transaction() as tx:
        await record_employers(office, tx, employers, METHOD)
        await record_providers(office, tx, providers)
        known = await store.employers_of(tx, sorted({s.employer_uscc for p in persons for s in p.coverage}))
        if problems := [
            reason("EMPLOYER_UNKNOWN", f"persons[{place}].{span.place}")
            for place, person in enumerate(persons)
            for span in person.coverage
            if span.employer_uscc and span.employer_uscc not in known
        ]:
            raise Invalid(*problems)
        await amend_persons(office, tx, [_replacement(person, known) for person in persons], METHOD)


# --- employers ----------------------------------------------------------------------------------------------------


async def record_employers(office: Office, tx: Tx, employers: Iterable[Employer], cause: str) -> dict[str, UUID]:
    """Record employers with their wages and bases; answers the reference of each code."""
    latest = {employer.uscc: employer for employer in employers}
    if not latest:
        return {}
    # In order of the code: two loads at once then wait, and not in a circle.
    on_file = await store.lock_employers(tx, [(new_id(), uscc) for uscc in sorted(latest)])
    now = office.clock.now()
    rows, wages = [], []
    for uscc in sorted(latest):
        row, wage = _employer_rows(tx, latest[uscc], on_file[uscc], now, cause)
        rows += [row] if row else []
        wages += [wage] if wage else []
    await store.save_employers(tx, rows, wages)
    return {uscc: employer.id for uscc, employer in on_file.items()}


def _employer_rows(
    tx: Tx, stated: Employer, on_file: EmployerOnFile, now: datetime, cause: str
) -> tuple[EmployerRow | None, WageRow | None]:
    """What is to be written of one employer, and said."""
    at, version = rules.instant_after(now, on_file.recorded_at), on_file.version
    wages, bases = tuple(sorted(stated.wages.items())), tuple(sorted(stated.bases.items()))
    if version == 0 or (stated.name, stated.county) != (on_file.name, on_file.county):
        version += 1
        tx.emit(events.employer_recorded(Told(on_file.id, version, at, cause), stated.county))
    years = sorted({y for y, _ in set(wages) ^ set(on_file.wages)} | {y for y, _ in set(bases) ^ set(on_file.bases)})
    if years:
        version += 1
        tx.emit(events.employer_wage_changed(Told(on_file.id, version, at, cause), years))
    row = EmployerRow(on_file.id, stated.name, stated.county, version) if version > on_file.version else None
    return row, WageRow(on_file.id, at, wages, bases) if years else None


# --- institutions -------------------------------------------------------------------------------------------------


async def record_providers(office: Office, tx: Tx, providers: Iterable[Provider]) -> None:
    latest = {provider.code: provider for provider in providers}
    if not latest:
        return
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


def _account(office: Office, code: str, known: ProviderOnFile) -> str:
    return office.sealer.open(known.sealed_account, _context(code)).decode() if known.sealed_account else ""


def _context(code: str) -> bytes:
    return f"provider/{code}".encode()


# --- persons ------------------------------------------------------------------------------------------------------


class Amendment(NamedTuple):
    """What becomes of what is known of a person, and who she is if that is said."""

    id_number: str
    name: str | None
    after: Callable[[Known], Known]


@dataclass(slots=True)
class _Writing:
    """What is to be written of the persons of a batch."""

    identities: list[Identity] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)


def _replacement(person: Person, employers: Mapping[str, UUID]) -> Amendment:
    known = Known(spans_of(person.coverage, employers), person.contributions)
    return Amendment(person.id_number, person.name, lambda _: known)


def spans_of(stated: Iterable[StatedSpan], employers: Mapping[str, UUID]) -> tuple[Span, ...]:
    return tuple(
        Span(s.first_day, s.last_day, s.category, employers.get(s.employer_uscc), s.is_student) for s in stated
    )


async def amend_persons(office: Office, tx: Tx, amendments: Sequence[Amendment], cause: str) -> dict[str, UUID]:
    """Amend what is known of persons, in the order given; answers the reference of each number."""
    indexes = {office.index(amendment.id_number): amendment.id_number for amendment in amendments}
    if not indexes:
        return {}
    on_file = await store.lock(tx, [(new_id(), index) for index in sorted(indexes)])
    now, writing = office.clock.now(), _Writing()
    by_index: dict[bytes, list[Amendment]] = {}
    for amendment in amendments:
        by_index.setdefault(office.index(amendment.id_number), []).append(amendment)
    for index in sorted(by_index):
        _amend(office, tx, on_file[index], by_index[index], now, cause, writing)
    await store.save(tx, writing.identities, writing.versions, writing.recorded)
    return {number: on_file[index].id for index, number in indexes.items()}


def _amend(  # noqa: PLR0917  # what it reads, and where it writes
    office: Office,
    tx: Tx,
    person: OnFile,
    amendments: Sequence[Amendment],
    now: datetime,
    cause: str,
    writing: _Writing,
) -> None:
    """One person: who she is is sealed anew if it changed, what is known gets a row and an event if it changed."""
    version, at = person.version, rules.instant_after(now, person.recorded_at)
    identity = _identity(office, person, amendments)
    if identity is not None:
        writing.identities.append(identity)
        if person.sealed is None:
            version += 1
            tx.emit(events.person_recorded(Told(person.id, version, at, cause)))
    known = person.known
    for amendment in amendments:
        known = amendment.after(known)
    first_day = rules.first_difference(person.known, known)
    if person.recorded_at is None:  # reported for the first time, be it with nothing but who she is
        first_day = first_day or BEGINNING
    if first_day is not None:
        version += 1
        writing.recorded.append(Recorded(person.id, at, known))
        tx.emit(events.coverage_changed(Told(person.id, version, at, cause), first_day))
    if version > person.version:
        writing.versions.append(Version(person.id, version))


def _identity(office: Office, person: OnFile, amendments: Sequence[Amendment]) -> Identity | None:
    """Who she is, sealed, if that is new. Who was erased stays so: what is reported of her hangs on her reference."""
    stated = [f"{one.id_number}\n{one.name}".encode() for one in amendments if one.name is not None]
    if not stated or person.is_erased:
        return None
    context = person.id.bytes
    if person.wrapped is None:
        sealer, wrapped = office.sealer.new_key(context)
        return Identity(person.id, sealer.seal(stated[-1], context), wrapped)
    sealer = office.sealer.unwrap(person.wrapped, context)
    if person.sealed is not None and sealer.open(person.sealed, context) == stated[-1]:
        return None
    return Identity(person.id, sealer.seal(stated[-1], context), None)
