"""Amending what is known of persons: who they are is sealed, what is known gets a row, what changed is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.db import Tx
from services.kit.ids import new_id
from services.kit.messages import Reason
from services.registry import rules, store
from services.registry.model import BEGINNING, Known, Person, Span, StatedSpan
from services.registry.store import Identity, OnFile, Recorded, Version
from services.registry.usecases.office import Office
from services.registry.wire import events
from services.registry.wire.events import Told


class Amendment(NamedTuple):
    """What becomes of what is known of a person, or the reason why nothing can.

    `found_by` is the number she is found by, `identity` who she is: sealed if she is not known yet, or if it
    `is_stated` by somebody who should know.
    """

    found_by: str
    identity: str
    is_stated: bool
    after: Callable[[Known], Known | Reason]
    cause: str  # the place of a record, or a method


class Amended(NamedTuple):
    """What became of an amendment."""

    person: UUID
    changed: bool
    refused: Reason | None = None


def named(id_number: str, name: str, after: Callable[[Known], Known | Reason], cause: str) -> Amendment:
    """An amendment by an office that may or may not have said a name."""
    return Amendment(id_number, f"{id_number}\n{name}", bool(name), after, cause)


def replacement(person: Person, employers: Mapping[str, UUID], cause: str) -> Amendment:
    known = Known(spans_of(person.coverage, employers), person.contributions)
    return named(person.id_number, person.name, lambda _: known, cause)


def spans_of(stated: Iterable[StatedSpan], employers: Mapping[str, UUID]) -> tuple[Span, ...]:
    return tuple(
        [Span(s.first_day, s.last_day, s.category, employers.get(s.employer_uscc), s.is_student) for s in stated]
    )


async def amend(office: Office, tx: Tx, amendments: Sequence[Amendment]) -> list[Amended]:
    """Amend what is known of persons, in the order given; answers what became of each amendment."""
    if not amendments:
        return []
    indexes = [office.index(amendment.found_by) for amendment in amendments]
    # In order of the index: two batches at once then wait, and not in a circle.
    on_file = await store.lock(tx, [(new_id(), index) for index in sorted(set(indexes))])
    persons = {
        index: _Writing(office, person, rules.instant_after(office.clock.now(), person.recorded_at))
        for index, person in on_file.items()
    }
    amended = [persons[index].take(one) for index, one in zip(indexes, amendments, strict=True)]
    for person in persons.values():
        person.say_so(tx)
    await _save(tx, persons.values())
    return amended


async def _save(tx: Tx, persons: Iterable[_Writing]) -> None:
    changed = [person for person in persons if person.is_touched]
    await store.save(
        tx,
        [person.identity for person in changed if person.identity],
        [Version(person.on_file.id, person.version) for person in changed if person.version > person.on_file.version],
        [Recorded(person.on_file.id, person.at, person.known) for person in changed if person.is_recorded],
    )


@dataclass(slots=True)
class _Writing:
    """A person as the amendments of a batch leave her, and what is to be written of that."""

    office: Office
    on_file: OnFile
    at: datetime
    identity: Identity | None = None
    is_touched: bool = False
    cause: str = ""  # of the last change
    text: str | None = None  # who she is, once it was looked at
    known: Known = field(init=False)
    version: int = field(init=False)

    def __post_init__(self) -> None:
        self.known, self.version = self.on_file.known, self.on_file.version

    @property
    def is_recorded(self) -> bool:
        """Whether there is a row to write: something is new, or she was never reported."""
        return self.known != self.on_file.known or self.on_file.recorded_at is None

    def take(self, amendment: Amendment) -> Amended:
        after = amendment.after(self.known)
        if isinstance(after, Reason):
            return Amended(self.on_file.id, changed=False, refused=after)
        is_first = self.on_file.recorded_at is None and not self.is_touched
        is_renamed = self._identify(amendment)
        changed = after != self.known or is_renamed or is_first
        self.known = after
        if changed:
            self.is_touched, self.cause = True, amendment.cause
        return Amended(self.on_file.id, changed)

    def _identify(self, amendment: Amendment) -> bool:
        """Seal who she is, if that is new. Who was erased stays so: what is reported of her hangs on her reference."""
        if self.on_file.is_erased or (self._is_identified and not amendment.is_stated):
            return False
        if self.text is None:
            self.text = self._opened()
        if self.text == amendment.identity:
            return False
        self.text, context = amendment.identity, self.on_file.id.bytes
        wrapped = self.identity.wrapped if self.identity else None
        if wrapped is None and self.on_file.wrapped is None:
            sealer, wrapped = self.office.sealer.new_key(context)
        else:
            sealer = self.office.sealer.unwrap(wrapped or self.on_file.wrapped or b"", context)
        self.identity = Identity(self.on_file.id, sealer.seal(self.text.encode(), context), wrapped)
        return True

    @property
    def _is_identified(self) -> bool:
        return self.identity is not None or self.on_file.sealed is not None

    def _opened(self) -> str:
        """Who she is on file; one who was sealed with the master key is sealed with her own when she is next stated."""
        if self.on_file.sealed is None or self.on_file.wrapped is None:
            return ""
        context = self.on_file.id.bytes
        # A process of the version before, still running, seals with the master key: that is sealed anew too.
        found = self.office.sealer.unwrap(self.on_file.wrapped, context).opened(self.on_file.sealed, context)
        return found.decode() if found is not None else ""

    def say_so(self, tx: Tx) -> None:
        if not self.is_touched:
            return
        if self.identity is not None and self.on_file.sealed is None:
            self.version += 1
            tx.emit(events.person_recorded(Told(self.on_file.id, self.version, self.at, self.cause)))
        first_day = rules.first_difference(self.on_file.known, self.known)
        if self.on_file.recorded_at is None:  # reported for the first time, be it with nothing but who she is
            first_day = first_day or BEGINNING
        if first_day is not None:
            self.version += 1
            tx.emit(events.coverage_changed(Told(self.on_file.id, self.version, self.at, self.cause), first_day))
