"""What the offices state, read into the model; what is wrong with it, coded and located."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cradle.registry.v1 import service_pb2
from google.type.date_pb2 import Date

from services.kit.dates import from_proto, month_of
from services.kit.identifiers import id_number_problems, plain, uscc_problems
from services.kit.messages import Reason, reason
from services.registry import rules
from services.registry.model import (
    BEGINNING,
    GOES_ON,
    Category,
    Contract,
    Contributions,
    Employer,
    Level,
    Months,
    Person,
    Provider,
    StatedSpan,
)
from services.registry.rules import Days


def problems(request: service_pb2.BatchRecordCoverageRequest, today: date) -> list[Reason]:
    """What the records' shapes cannot tell: check digits, days the calendar does not have, spans that overlap."""
    found: list[Reason] = []
    for place, given in enumerate(request.employers):
        found += uscc_problems(plain(given.uscc), f"employers[{place}].uscc")
    for place, insured in enumerate(request.persons):
        found += person_problems(insured, f"persons[{place}]", today)
    for place, institution in enumerate(request.providers):
        found += provider_problems(institution, f"providers[{place}]")
    return found


def person_problems(given: service_pb2.PersonRecord, path: str, today: date) -> list[Reason]:
    found = id_number_problems(plain(given.person_id_number), f"{path}.person_id_number", today)
    if bool(given.category) == bool(given.coverage):  # one of the two says how she is covered
        found.append(reason("COVERAGE_STATED_ONCE" if given.category else "FIELD_REQUIRED", f"{path}.category"))
    return [
        *found,
        *coverage_problems(given.coverage, f"{path}.coverage"),
        *month_problems(given.paid_months, given.back_paid, path, today),
    ]


def coverage_problems(spans: Sequence[service_pb2.CoverageSpan], path: str) -> list[Reason]:
    """Days that are none, spans that overlap, and an employee without an employer."""
    found = [
        reason("DATE_INVALID", f"{path}[{place}].{name}")
        for place, span in enumerate(spans)
        for name in ("first_day", "last_day")
        if span.HasField(name) and not _is_day(getattr(span, name))
    ]
    return found or _overlap([_stated(span, "") for span in spans], path, "COVERAGE_OVERLAPS")


def _overlap(spans: Sequence[Days], path: str, code: str) -> list[Reason]:
    place = rules.first_unfit(spans)
    return [] if place is None else [reason(code, f"{path}[{place}]")]


def month_problems(
    paid: Sequence[service_pb2.MonthSpan], late: Sequence[service_pb2.BackPayment], path: str, today: date
) -> list[Reason]:
    """Spans of months that end before they begin, payments on no day or in the future, or before they were due."""
    found = []
    for place, months in enumerate(paid):
        if months.first_month > months.last_month:
            found.append(reason("FIELD_OUT_OF_RANGE", f"{path}.paid_months[{place}]"))
    for place, payment in enumerate(late):
        found += late_problems(payment, f"{path}.back_paid[{place}]", today)
    return found


def late_problems(payment: service_pb2.BackPayment, path: str, today: date) -> list[Reason]:
    if not _is_day(payment.paid_on):
        return [reason("DATE_INVALID", f"{path}.paid_on")]
    day = from_proto(payment.paid_on)
    if day > today:
        return [reason("DATE_IN_FUTURE", f"{path}.paid_on", today=today)]
    if month_of(day) < payment.month:
        return [reason("PAID_BEFORE_DUE", f"{path}.paid_on")]
    return []


def provider_problems(given: service_pb2.ProviderRecord, path: str) -> list[Reason]:
    found = [
        reason("DATE_INVALID", f"{path}.contracts[{place}].{name}")
        for place, span in enumerate(given.contracts)
        for name in ("first_day", "last_day")
        if span.HasField(name) and not _is_day(getattr(span, name))
    ]
    return found or _overlap([_contract(span) for span in given.contracts], f"{path}.contracts", "CONTRACT_OVERLAPS")


def employer(record: service_pb2.EmployerRecord) -> Employer:
    return Employer(
        plain(record.uscc),
        record.name,
        record.county,
        dict(record.average_monthly_wage_fen),
        dict(record.average_contribution_base_fen),
    )


def provider(record: service_pb2.ProviderRecord) -> Provider:
    contracts = sorted(map(_contract, record.contracts), key=lambda one: one.first_day)
    return Provider(plain(record.code), record.name, record.county, record.account, tuple(contracts))


def person(record: service_pb2.PersonRecord) -> Person:
    paid = months(record.paid_months)
    late = tuple(sorted((payment.month, from_proto(payment.paid_on)) for payment in record.back_paid))
    last = max((*(end for _, end in paid), *(month for month, _ in late)), default=0)
    return Person(
        plain(record.person_id_number),
        record.name,
        _coverage(record),
        Contributions(paid, late, record.reported_to_month or last),
    )


def _coverage(record: service_pb2.PersonRecord) -> tuple[StatedSpan, ...]:
    if not record.coverage:
        uscc = plain(record.employer_uscc)
        return (StatedSpan(BEGINNING, GOES_ON, category(record.category), uscc, place="employer_uscc"),)
    return stated_spans(record.coverage)


def stated_spans(spans: Sequence[service_pb2.CoverageSpan]) -> tuple[StatedSpan, ...]:
    stated = [_stated(span, f"coverage[{place}].employer_uscc") for place, span in enumerate(spans)]
    return tuple(sorted(stated, key=lambda span: span.first_day))


def months(spans: Sequence[service_pb2.MonthSpan]) -> Months:
    return tuple((span.first_month, span.last_month) for span in spans)


def _stated(span: service_pb2.CoverageSpan, place: str) -> StatedSpan:
    return StatedSpan(
        from_proto(span.first_day) if span.HasField("first_day") else BEGINNING,
        from_proto(span.last_day) if span.HasField("last_day") else GOES_ON,
        category(span.category),
        plain(span.employer_uscc),
        span.student,
        place,
    )


def category(value: service_pb2.Category.ValueType) -> Category:
    return Category(service_pb2.Category.Name(value).removeprefix("CATEGORY_"))


def _contract(span: service_pb2.ContractSpan) -> Contract:
    return Contract(
        from_proto(span.first_day),
        from_proto(span.last_day) if span.HasField("last_day") else GOES_ON,
        Level(service_pb2.ProviderLevel.Name(span.level).removeprefix("PROVIDER_LEVEL_")),
    )


def _is_day(value: Date) -> bool:
    try:
        from_proto(value)
    except ValueError:
        return False
    return True
