"""Showing what is on file of one: found, looked at whether it is for who asks, and audited before it is answered."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from services.kit.auth import Principal
from services.kit.errors import NotFound, unseen
from services.kit.messages import reason
from services.registry.model.shown import ShownEmployer, ShownHousehold, ShownPerson, ShownProvider
from services.registry.store import showing
from services.registry.usecases.office import Asker, Office


class _Found(Protocol):
    @property
    def county(self) -> str: ...


class Look(NamedTuple):
    """Who asks, what for, and as of which instant."""

    who: Principal
    purpose: str
    known_at: datetime


_OnFile = TypeVar("_OnFile", bound=_Found)


async def show_person(office: Office, reference: UUID | None, id_number: str, look: Look) -> ShownPerson:
    index = office.index(id_number) if id_number else None
    found = await showing.person(office.database, reference, index, look.known_at)
    one = _hers(found, look.who, "PERSON_NOT_FOUND", "person" if reference else "person_id_number")
    return await _audited(office, "GetPerson", look, one, [one.id])


async def show_household(office: Office, reference: UUID, look: Look) -> ShownHousehold:
    found = await showing.household(office.database, reference, look.known_at)
    one = _hers(found, look.who, "HOUSEHOLD_NOT_FOUND", "household")
    return await _audited(office, "GetHousehold", look, one, one.persons)


async def show_employer(office: Office, reference: UUID | None, uscc: str, look: Look) -> ShownEmployer:
    one = await showing.employer(office.database, reference, uscc, look.known_at)
    if one is None or look.who.sources is not None or not look.who.sees_employer(one.uscc, one.county):
        raise _unseen("EMPLOYER_UNKNOWN", "employer" if reference else "uscc", is_there=one is not None)
    return await _audited(office, "GetEmployer", look, one, [one.id])


async def show_provider(office: Office, reference: UUID | None, code: str, look: Look) -> ShownProvider:
    found = await showing.provider(office.database, reference, code, look.known_at)
    one = _hers(found, look.who, "PROVIDER_UNKNOWN", "provider" if reference else "code")
    return await _audited(office, "GetProvider", look, one, [one.id])


def _hers(found: _OnFile | None, who: Principal, code: str, field: str) -> _OnFile:
    """What is bound to no source and no employer; of what has no county, whoever sees all counties."""
    if found is None or who.employers is not None or not who.sees(source="", county=found.county):
        raise _unseen(code, field, is_there=found is not None)
    return found


def _unseen(code: str, field: str, *, is_there: bool) -> NotFound:
    return unseen(reason(code, field), is_there=is_there)


async def _audited(office: Office, method: str, look: Look, one: _OnFile, subjects: Collection[UUID]) -> _OnFile:
    await office.audit(method, Asker(look.who.name, look.purpose), subjects)
    return one
