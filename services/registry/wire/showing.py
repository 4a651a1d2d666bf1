"""What is asked for of one on file, and what is shown of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from cradle.registry.v1 import record_pb2, service_pb2
from google.protobuf.message import Message

from services.kit.dates import from_proto, stamp, to_proto
from services.kit.errors import Invalid
from services.kit.ids import read_id
from services.kit.messages import reason
from services.registry.model import BEGINNING, GOES_ON, Late
from services.registry.model.shown import (
    Identity,
    ShownEmployer,
    ShownHousehold,
    ShownPerson,
    ShownProvider,
    ShownSpan,
)
from services.registry.wire.checks import purpose_problems

Request = (
    record_pb2.GetPersonRequest
    | record_pb2.GetHouseholdRequest
    | record_pb2.GetEmployerRequest
    | record_pb2.GetProviderRequest
)
_IDENTITY: Final = {one: record_pb2.Identity.Value(f"IDENTITY_{one}") for one in Identity}


def purpose(request: Request) -> str:
    """Raises Invalid for one that says nothing, or names somebody: it is kept in the clear."""
    if problems := purpose_problems(request.purpose, demanded=True):
        raise Invalid(*problems)
    return request.purpose


def named(request: Message, reference: str, code: str) -> tuple[UUID | None, str]:
    """The reference or the code, whichever names it. Raises Invalid unless exactly one is given."""
    given, other = getattr(request, reference), getattr(request, code)
    if bool(given) == bool(other):
        raise Invalid(reason("NAMED_ONCE", reference))
    return (reference_of(given, reference), "") if given else (None, other)


def reference_of(text: str, field: str) -> UUID:
    try:
        return read_id(text)
    except ValueError:
        raise Invalid(reason("FIELD_MALFORMED", field, form="UUID")) from None


def day(request: record_pb2.GetPersonRequest) -> date | None:
    try:
        return from_proto(request.on) if request.HasField("on") else None
    except ValueError:
        raise Invalid(reason("DATE_INVALID", "on")) from None


# --- shown -----------------------------------------------------------------------------------------------------------


def person(one: ShownPerson, on: date | None) -> record_pb2.Person:
    paid = one.contributions
    made = record_pb2.Person(
        person=str(one.id),
        identity=_IDENTITY[one.identity],
        version=one.version,
        coverage=[_span(span) for span in (one.coverage if on is None else one.on(on))],
        paid_months=[service_pb2.MonthSpan(first_month=first, last_month=last) for first, last in paid.paid_months],
        back_paid=_months(paid.back_paid),
        taken_back=_months(paid.taken_back),
        reported_to_month=paid.reported_to_month,
        household=str(one.household or ""),
    )
    _stamp(made, record_time=one.recorded_at, erase_time=one.erased_at)
    return made


def _span(one: ShownSpan) -> record_pb2.CoveredSpan:
    span = one.span
    made = record_pb2.CoveredSpan(
        category=service_pb2.Category.Value(f"CATEGORY_{span.category}"),
        employer=str(span.employer or ""),
        employer_uscc=one.employer_uscc,
        student=span.is_student,
    )
    _set_days(made, first_day=span.first_day, last_day=span.last_day)
    return made


def _months(given: Late) -> list[service_pb2.BackPayment]:
    return [service_pb2.BackPayment(month=month, paid_on=to_proto(on)) for month, on in given]


def household(one: ShownHousehold) -> record_pb2.Household:
    made = record_pb2.Household(
        household=str(one.id),
        mother=str(one.mother),
        father=str(one.father or ""),
        children=[
            record_pb2.Child(
                child=str(born.child),
                birth_order=born.birth_order,
                birth_month_first_day=to_proto(date(born.birth_month // 12, born.birth_month % 12 + 1, 1)),
            )
            for born in one.children
        ],
    )
    _stamp(made, record_time=one.recorded_at)
    return made


def employer(one: ShownEmployer) -> record_pb2.Employer:
    made = record_pb2.Employer(
        employer=str(one.id),
        uscc=one.uscc,
        employer_name=one.name,
        county=one.county,
        version=one.version,
        average_monthly_wage_fen=dict(one.wages),
        average_contribution_base_fen=dict(one.bases),
        account_on_file=one.has_account,
    )
    _set_days(made, closed_on=one.closed_on)
    _stamp(made, record_time=one.recorded_at)
    return made


def provider(one: ShownProvider) -> record_pb2.Provider:
    made = record_pb2.Provider(
        provider=str(one.id),
        code=one.code,
        provider_name=one.name,
        county=one.county,
        account_on_file=one.has_account,
    )
    for contract in sorted(one.contracts, key=lambda contract: contract.first_day):
        span = made.contracts.add(level=service_pb2.ProviderLevel.Value(f"PROVIDER_LEVEL_{contract.level}"))
        span.first_day.CopyFrom(to_proto(contract.first_day))
        _set_days(span, last_day=contract.last_day)
    _stamp(made, record_time=one.recorded_at)
    return made


def _set_days(message: Message, **days: date | None) -> None:
    """The ends of the calendar are no days."""
    for name, on in days.items():
        if on is not None and on not in (BEGINNING, GOES_ON):
            getattr(message, name).CopyFrom(to_proto(on))


def _stamp(message: Message, **instants: datetime | None) -> None:
    for name, at in instants.items():
        if at is not None:
            stamp(getattr(message, name), at)
