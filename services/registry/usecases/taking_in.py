"""Taking in what the offices send: each record is recorded, known already, or returned with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.db import Tx
from services.kit.messages import Reason, few, reason
from services.registry import rules, store
from services.registry.model import (
    ArrearsStatement,
    CoverageStatement,
    Employer,
    Household,
    Known,
    Level,
    Outcome,
    PaidStatement,
    Person,
    Provider,
    Received,
    Settled,
    StatedSpan,
    Statement,
)
from services.registry.usecases import households, recording, standing
from services.registry.usecases.amending import Amended, Amendment, amend, named, replacement, spans_of
from services.registry.usecases.office import Office

METHOD: Final = "BatchTakeInCoverage"
Reasons = tuple[Reason, ...]
Stated = Mapping[int, Statement]  # by place in the batch


async def take_in(office: Office, tx: Tx, batch: Sequence[Received]) -> list[Settled]:
    """Settle every record of the batch and write down what became of it.

    Employers and institutions go first, so that a person may hang on one that the same batch brings.
    """
    stated = {place: one.statement for place, one in enumerate(batch) if one.statement is not None}
    causes = {place: one.position or METHOD for place, one in enumerate(batch)}
    outcomes = await _institutions(office, tx, stated, causes) | await _persons(office, tx, stated, causes)
    outcomes |= await _arrears(office, tx, stated, causes)
    settled = [_settled(one, outcomes.get(place, one.reasons)) for place, one in enumerate(batch)]
    await store.save_statements(tx, settled)
    return settled


class _DryRun(Exception):
    """Rolls back what was only tried."""


async def dry_run(office: Office, batch: Sequence[Received]) -> list[Settled]:
    """What would become of the batch: it is taken in, and taken back before anybody can see it."""
    settled: list[Settled] = []
    try:
        async with office.database.transaction() as tx:
            settled = await take_in(office, tx, batch)
            raise _DryRun
    except _DryRun:
        return settled


def _settled(received: Received, outcome: bool | Reasons) -> Settled:
    if isinstance(outcome, tuple):
        return Settled(received, Outcome.RETURNED, tuple(few(outcome)))
    return Settled(received, Outcome.RECORDED if outcome else Outcome.UNCHANGED)


async def _institutions(office: Office, tx: Tx, stated: Stated, causes: Mapping[int, str]) -> dict[int, bool | Reasons]:
    """Whether each employer and each institution is known otherwise than before."""
    employers = {place: one for place, one in stated.items() if isinstance(one, Employer)}
    providers = {place: one for place, one in stated.items() if isinstance(one, Provider)}
    changed = await recording.record_employers(office, tx, [(one, causes[place]) for place, one in employers.items()])
    altered = await recording.record_providers(office, tx, providers.values())
    return {
        **{place: one.uscc in changed for place, one in employers.items()},
        **{place: one.code in altered for place, one in providers.items()},
    }


async def _arrears(office: Office, tx: Tx, stated: Stated, causes: Mapping[int, str]) -> dict[int, bool | Reasons]:
    given = {place: one for place, one in stated.items() if isinstance(one, ArrearsStatement)}
    changed = await standing.record_arrears(office, tx, [(one, causes[place]) for place, one in given.items()])
    unknown = (reason("EMPLOYER_UNKNOWN", "arrears.employer_uscc"),)
    return {place: changed.get(one.uscc, unknown) for place, one in given.items()}


# --- persons ------------------------------------------------------------------------------------------------------


class _Register(NamedTuple):
    """What persons hang on: the employers that are known, and the levels of institutions on days."""

    employers: Mapping[str, UUID]
    levels: Mapping[tuple[str, date], Level | None]


async def _persons(office: Office, tx: Tx, stated: Stated, causes: Mapping[int, str]) -> dict[int, bool | Reasons]:
    register = await _register(tx, stated.values())
    planned = {place: _amendments(one, register, causes[place]) for place, one in stated.items()}
    outcomes: dict[int, bool | Reasons] = {p: plan for p, plan in planned.items() if isinstance(plan, tuple) and plan}
    plans = {place: plan for place, plan in planned.items() if isinstance(plan, list)}
    amended = iter(await amend(office, tx, [one for plan in plans.values() for one in plan]))
    taken = {place: [next(amended) for _ in plan] for place, plan in plans.items()}
    told = await _households(office, tx, stated, taken, causes)
    return outcomes | {place: _outcome(results, told.get(place, False)) for place, results in taken.items()}


def _outcome(results: Sequence[Amended], told: bool) -> bool | Reasons:  # one of two ways to change
    refused = tuple(one.refused for one in results if one.refused is not None)
    return refused or told or any(one.changed for one in results)


async def _register(tx: Tx, stated: Iterable[Statement]) -> _Register:
    usccs: set[str] = set()
    births: set[tuple[str, date]] = set()
    for one in stated:
        match one:
            case Person() | CoverageStatement():
                usccs |= {span.employer_uscc for span in one.coverage}
            case PaidStatement():
                usccs.add(one.employer_uscc)
            case Household():
                births |= {(child.provider_code, child.birth_date) for child in one.children if child.provider_code}
            case _:
                pass
    return _Register(await store.employers_of(tx, sorted(usccs)), await store.levels_on(tx, sorted(births)))


def _amendments(statement: Statement, register: _Register, cause: str) -> list[Amendment] | Reasons:
    """What a statement changes about persons, or why it cannot; nothing of an employer's or an institution's."""
    match statement:
        case Person():
            unknown = _unknown(statement.coverage, register, "person")
            return unknown or [replacement(statement, register.employers, cause)]
        case CoverageStatement():
            unknown = _unknown(statement.coverage, register, "coverage")
            return unknown or [
                named(statement.id_number, statement.name, partial(_covered, statement, register), cause)
            ]
        case PaidStatement():
            if statement.employer_uscc and statement.employer_uscc not in register.employers:
                return (reason("EMPLOYER_UNKNOWN", "contributions.employer_uscc"),)
            # Who collects money does not correct names: the one it gives is kept of somebody not known yet.
            identity = f"{statement.id_number}\n{statement.name}"
            return [Amendment(statement.id_number, identity, False, partial(_paid, statement), cause)]
        case Household():
            return _birthplaces(statement, register) or households.amendments(statement, cause)
        case _:
            return ()


def _unknown(spans: Iterable[StatedSpan], register: _Register, path: str) -> Reasons:
    return tuple(
        [
            reason("EMPLOYER_UNKNOWN", f"{path}.{span.place}")
            for span in spans
            if span.employer_uscc and span.employer_uscc not in register.employers
        ]
    )


def _birthplaces(household: Household, register: _Register) -> Reasons:
    found = []
    for place, child in enumerate(household.children):
        birth = (child.provider_code, child.birth_date)
        if child.provider_code and register.levels.get(birth) is None:
            code = "BIRTHPLACE_CLOSED" if birth in register.levels else "BIRTHPLACE_UNKNOWN"
            found.append(reason(code, f"household.children[{place}].provider_code"))
    return tuple(found)


def _covered(statement: CoverageStatement, register: _Register, known: Known) -> Known:
    return Known(spans_of(statement.coverage, register.employers), known.contributions)


def _paid(statement: PaidStatement, known: Known) -> Known | Reason:
    taken_back = [month for month, _ in statement.taken_back]
    place = rules.not_on_file(known.contributions, statement.paid, taken_back)
    if place is not None:
        return reason("CONTRIBUTION_NOT_ON_FILE", f"contributions.taken_back[{place}].month")
    after = rules.with_payments(
        known.contributions, statement.paid, dict(statement.taken_back), statement.reported_to_month
    )
    return Known(known.coverage, after)


async def _households(
    office: Office, tx: Tx, stated: Stated, taken: Mapping[int, Sequence[Amended]], causes: Mapping[int, str]
) -> dict[int, bool]:
    """Whether each household is known otherwise than before."""
    given = [
        (one, taken[place], causes[place])
        for place, one in stated.items()
        if place in taken and isinstance(one, Household)
    ]
    changed = await households.record(office, tx, given)
    return {
        place: results[0].person in changed for place, results in taken.items() if isinstance(stated[place], Household)
    }
