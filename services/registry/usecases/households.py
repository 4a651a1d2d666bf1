"""Households: a mother with all her children, stated whole; a birth is told when the child is first stated."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.kit.dates import month_of
from services.kit.db import Tx
from services.kit.ids import new_id
from services.registry import rules, store
from services.registry.model import Born, Child, Household, Known, Members
from services.registry.store import HouseholdOnFile, MembersRow
from services.registry.usecases.amending import Amended, Amendment, named
from services.registry.usecases.office import Office
from services.registry.wire import events
from services.registry.wire.events import Told


def amendments(household: Household, cause: str) -> list[Amendment]:
    """The mother, the father if one is named, and the children: what identifies them, and nothing of their coverage."""
    father = [named(household.father_id_number, "", _as_it_is, cause)] if household.father_id_number else []
    mother = named(household.mother_id_number, household.mother_name, _as_it_is, cause)
    return [mother, *father, *[_child(child, cause) for child in household.children]]


def _child(child: Child, cause: str) -> Amendment:
    identity = f"{child.certificate_number}\n{child.name}\n{child.birth_date}"
    return Amendment(f"certificate/{child.certificate_number}", identity, True, _as_it_is, cause)


def _as_it_is(known: Known) -> Known:
    return known


async def record(office: Office, tx: Tx, given: Sequence[tuple[Household, Sequence[Amended], str]]) -> set[UUID]:
    """Record households with the persons their amendments found; answers the mothers of those that changed.

    The mothers' rows are locked by then.
    """
    stated = {results[0].person: _members(household, results) for household, results, _ in given}
    causes = {results[0].person: cause for _, results, cause in given}
    if not stated:
        return set()
    on_file = await store.households(tx, [(new_id(), mother) for mother in sorted(stated)])
    changed = [mother for mother, members in stated.items() if members != on_file[mother].members]
    rows = [_row(office, on_file[mother], stated[mother]) for mother in changed]
    births = {mother: _born(on_file[mother], stated[mother]) for mother in changed}
    versions = await store.raise_versions(tx, [(mother, len(births[mother]) + 1) for mother in changed])
    for mother, row in zip(changed, rows, strict=True):
        _say_so(tx, mother, versions[mother], row, births[mother], causes[mother])
    await store.save_households(tx, rows)
    return set(changed)


def _members(household: Household, results: Sequence[Amended]) -> Members:
    found = list(results[1:])
    father = found.pop(0).person if household.father_id_number else None
    return Members(
        father,
        tuple(
            [
                Born(one.person, child.birth_order, month_of(child.birth_date))
                for one, child in zip(found, household.children, strict=True)
            ]
        ),
    )


def _row(office: Office, on_file: HouseholdOnFile, members: Members) -> MembersRow:
    return MembersRow(on_file.id, rules.instant_after(office.clock.now(), on_file.recorded_at), members)


def _born(on_file: HouseholdOnFile, members: Members) -> list[Born]:
    known = {child.child for child in on_file.members.children}
    return [child for child in members.children if child.child not in known]


def _say_so(  # noqa: PLR0917  # all of it is said
    tx: Tx, mother: UUID, version: int, row: MembersRow, births: Sequence[Born], cause: str
) -> None:
    for child in births:
        version += 1
        tx.emit(events.child_born(Told(mother, version, row.at, cause), child))
    told = Told(mother, version + 1, row.at, cause)
    tx.emit(events.household_changed(told, row.id, len(row.members.children)))
