"""Events: what others learn of a change, by reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from cradle.registry.v1 import event_pb2
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.dates import to_proto
from services.kit.ids import new_id
from services.kit.outbox import Event
from services.registry.model import Born, Unpaid, Violation
from services.registry.wire import standing

COVERAGE: Final = "registry.coverage.v1"
PERSON: Final = "registry.person.v1"
EMPLOYER: Final = "registry.employer.v1"


class Told(NamedTuple):
    """About whom an event is, in which order, when, and what caused it: the place of a record, or a method."""

    id: UUID
    version: int
    at: datetime
    cause: str


def coverage_changed(told: Told, first_day: date) -> Event:
    message = event_pb2.CoverageEvent(person=str(told.id), version=told.version)
    message.changed.recorded_at.CopyFrom(_instant(told.at))
    getattr(message.changed, "from").CopyFrom(to_proto(first_day))
    return _event(told, "person", "CoverageChanged", COVERAGE, message)


def person_recorded(told: Told) -> Event:
    message = event_pb2.PersonEvent(person=str(told.id), version=told.version)
    message.recorded.recorded_at.CopyFrom(_instant(told.at))
    return _event(told, "person", "PersonRecorded", PERSON, message)


def person_erased(told: Told) -> Event:
    message = event_pb2.PersonEvent(person=str(told.id), version=told.version)
    message.erased.erased_at.CopyFrom(_instant(told.at))
    return _event(told, "person", "PersonErased", PERSON, message)


def child_born(told: Told, born: Born) -> Event:
    """About the mother; the day of birth stays in the registry, its month is told."""
    message = event_pb2.PersonEvent(person=str(told.id), version=told.version)
    first_day = date(born.birth_month // 12, born.birth_month % 12 + 1, 1)
    message.child_born.MergeFrom(
        event_pb2.ChildBorn(
            child=str(born.child), birth_order=born.birth_order, birth_month_first_day=to_proto(first_day)
        )
    )
    return _event(told, "person", "ChildBorn", PERSON, message)


def household_changed(told: Told, household: UUID, children: int) -> Event:
    message = event_pb2.PersonEvent(person=str(told.id), version=told.version)
    message.household_changed.MergeFrom(event_pb2.HouseholdChanged(household=str(household), children=children))
    return _event(told, "person", "HouseholdChanged", PERSON, message)


def employer_recorded(told: Told, county: str, closed_on: date | None = None) -> Event:
    message = event_pb2.EmployerEvent(employer=str(told.id), version=told.version)
    message.recorded.county = county
    if closed_on is not None:
        message.recorded.closed_on.CopyFrom(to_proto(closed_on))
    message.recorded.recorded_at.CopyFrom(_instant(told.at))
    return _event(told, "employer", "EmployerRecorded", EMPLOYER, message)


def employer_wage_changed(told: Told, years: Sequence[int]) -> Event:
    message = event_pb2.EmployerEvent(employer=str(told.id), version=told.version)
    message.wage_changed.years.extend(years)
    message.wage_changed.recorded_at.CopyFrom(_instant(told.at))
    return _event(told, "employer", "EmployerWageChanged", EMPLOYER, message)


def violation_changed(told: Told, violation: Violation) -> Event:
    message = event_pb2.EmployerEvent(employer=str(told.id), version=told.version)
    message.violation_changed.violation.CopyFrom(standing.to_message(violation))
    message.violation_changed.recorded_at.CopyFrom(_instant(told.at))
    return _event(told, "employer", "ViolationChanged", EMPLOYER, message)


def arrears_changed(told: Told, unpaid: Unpaid) -> Event:
    message = event_pb2.EmployerEvent(employer=str(told.id), version=told.version)
    message.arrears_changed.unpaid_fen = unpaid.fen
    if unpaid.since is not None:
        message.arrears_changed.unpaid_since.CopyFrom(to_proto(unpaid.since))
    message.arrears_changed.recorded_at.CopyFrom(_instant(told.at))
    return _event(told, "employer", "ArrearsChanged", EMPLOYER, message)


def _event(told: Told, aggregate: str, name: str, topic: str, message: Message) -> Event:
    return Event(
        id=new_id(),
        aggregate_type=aggregate,
        aggregate_id=str(told.id),
        version=told.version,
        type=f"cradle.registry.v1.{name}",
        topic=topic,
        key=str(told.id).encode(),
        occurred_at=told.at,
        causation=told.cause,
        payload=message.SerializeToString(),
    )


def _instant(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
