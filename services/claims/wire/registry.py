"""Asking the registry, and reading its answer and its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from cradle.registry.v1 import event_pb2, service_pb2
from google.protobuf.message import DecodeError

from services.claims.model import Category, Coverage, Institution, Level, Submission
from services.kit.dates import from_proto, to_proto
from services.kit.ids import read_id

COVERAGE: Final = "registry.coverage.v1"
PERSON: Final = "registry.person.v1"
EMPLOYER: Final = "registry.employer.v1"
QUERIES_MAX: Final = 1_000  # of one call, by its contract
PROVIDERS_MAX: Final = 2_000

Visited = tuple[str, date]  # an institution, and the day that is asked for

_CATEGORIES: Final = {service_pb2.Category.Value(f"CATEGORY_{category}"): category for category in Category}
_LEVELS: Final = {service_pb2.ProviderLevel.Value(f"PROVIDER_LEVEL_{level}"): level for level in Level}


class Changed(NamedTuple):
    """A person's coverage is known otherwise since an instant."""

    person: UUID
    version: int
    recorded_at: datetime


class Erased(NamedTuple):
    """A person was erased."""

    person: UUID
    at: datetime


class WagesChanged(NamedTuple):
    """An employer's average wage or contribution base of some years is known otherwise since an instant."""

    employer: str
    version: int
    recorded_at: datetime
    years: tuple[int, ...]


def add_coverage_query(request: service_pb2.BatchGetCoverageRequest, submission: Submission) -> None:
    request.queries.add(
        person_id_number=submission.person_id_number,
        employer_uscc=submission.employer_uscc,
        husband_id_number=submission.husband_id_number,
        on=to_proto(submission.event.date),
    )


def person_query(person: UUID, on: date, husband: str) -> service_pb2.CoverageQuery:
    return service_pb2.CoverageQuery(person=str(person), on=to_proto(on), husband=husband)


def visited(submission: Submission) -> Iterator[Visited]:
    """The institutions a claim names; a stay counts by its day of discharge."""
    for stay in submission.stays:
        yield stay.provider, stay.discharge
    for visit in submission.visits:
        yield visit.provider, visit.date
    for item in submission.items:
        yield item.provider, item.date


def provider_queries(asked: Iterable[Visited]) -> list[service_pb2.ProviderQuery]:
    return [service_pb2.ProviderQuery(code=code, on=to_proto(day)) for code, day in asked]


def institution(answer: service_pb2.ProviderAnswer) -> Institution:
    return Institution(bool(answer.provider), _LEVELS.get(answer.level), answer.provider)


def coverage(answer: service_pb2.CoverageAnswer) -> Coverage:
    return Coverage(
        read_id(answer.person) if answer.person else None,
        _CATEGORIES.get(answer.category),
        answer.insured_by,
        answer.employer,
        tuple([(span.first_month, span.last_month) for span in answer.paid_months]),
        tuple([(late.month, from_proto(late.paid_on)) for late in answer.back_paid]),
        tuple(sorted(answer.average_monthly_wage_fen.items())),
        tuple(sorted(answer.average_contribution_base_fen.items())),
        answer.student,
        answer.person_known or bool(answer.category),
        answer.reported_to_month,
        read_id(answer.husband) if answer.husband else None,
    )


def changed(value: bytes) -> Changed | None:
    """What an event on coverage says. None for an event of a kind that came later than this code.

    Raises ValueError for what is no event: it is ours to send it well, so that is a bug.
    """
    try:
        event = event_pb2.CoverageEvent.FromString(value)
    except DecodeError:
        raise ValueError("not an event on coverage") from None
    if not event.HasField("changed"):
        return None
    return Changed(read_id(event.person), event.version, event.changed.recorded_at.ToDatetime(tzinfo=UTC))


def erased(value: bytes) -> Erased | None:
    """Whom an event on a person says to be erased. None for one that says something else. Raises as `changed`."""
    try:
        event = event_pb2.PersonEvent.FromString(value)
    except DecodeError:
        raise ValueError("not an event on a person") from None
    if not event.HasField("erased"):
        return None
    return Erased(read_id(event.person), event.erased.erased_at.ToDatetime(tzinfo=UTC))


def wages_changed(value: bytes) -> WagesChanged | None:
    """What an event on an employer says of its figures. None for one that says something else. Raises as `changed`."""
    try:
        event = event_pb2.EmployerEvent.FromString(value)
    except DecodeError:
        raise ValueError("not an event on an employer") from None
    if not event.HasField("wage_changed"):
        return None
    told = event.wage_changed
    return WagesChanged(event.employer, event.version, told.recorded_at.ToDatetime(tzinfo=UTC), tuple(told.years))
