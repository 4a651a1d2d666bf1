"""What the shapes of records cannot tell: check digits, days the calendar does not have, what overlaps or cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from cradle.registry.v1 import intake_pb2, service_pb2
from google.type.date_pb2 import Date

from services.kit.dates import YEARS, from_proto, month_of
from services.kit.identifiers import holds_id_number, id_number_problems, is_male, plain, uscc_problems
from services.kit.messages import Reason, reason
from services.registry import rules
from services.registry.rules import Days
from services.registry.wire import records

_IN_ORDER: Final = "first_month ≤ last_month"


def problems(request: service_pb2.BatchRecordCoverageRequest, today: date) -> list[Reason]:
    """What the records' shapes cannot tell: check digits, days the calendar does not have, spans that overlap."""
    found: list[Reason] = []
    for place, given in enumerate(request.employers):
        found += employer_problems(given, f"employers[{place}]", today)
    for place, insured in enumerate(request.persons):
        found += person_problems(insured, f"persons[{place}]", today)
    for place, institution in enumerate(request.providers):
        found += provider_problems(institution, f"providers[{place}]")
    return found


def purpose_problems(purpose: str, *, demanded: bool) -> list[Reason]:
    """What a read is for is kept for ever, in the clear: it names nobody by number."""
    is_missing = demanded and not purpose.strip()
    return [
        *([reason("FIELD_REQUIRED", "purpose")] if is_missing else ()),
        *([reason("ID_NUMBER_NOT_HERE", "purpose")] if holds_id_number(purpose) else ()),
    ]


def employer_problems(given: service_pb2.EmployerRecord, path: str, today: date) -> Sequence[Reason]:
    return [
        *uscc_problems(plain(given.uscc), f"{path}.uscc"),
        *(day_problems(given.closed_on, f"{path}.closed_on", today) if given.HasField("closed_on") else ()),
    ]


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
        if span.HasField(name) and not is_bound(getattr(span, name))
    ]
    return found or _overlap([records.stated_span(span) for span in spans], path, "COVERAGE_OVERLAPS")


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
            found.append(reason("FIELD_OUT_OF_RANGE", f"{path}.paid_months[{place}]", bounds=_IN_ORDER))
    for place, payment in enumerate(late):
        found += late_problems(payment.month, payment.paid_on, f"{path}.back_paid[{place}].paid_on", today)
    return found


def late_problems(month: int, paid_on: Date, path: str, today: date) -> list[Reason]:
    found = day_problems(paid_on, path, today)
    if not found and month_of(from_proto(paid_on)) < month:
        found.append(reason("PAID_BEFORE_DUE", path))
    return found


def day_problems(value: Date, path: str, today: date) -> list[Reason]:
    if not is_day(value):
        return [reason("DATE_INVALID", path)]
    return [reason("DATE_IN_FUTURE", path, last=today)] if from_proto(value) > today else []


def provider_problems(given: service_pb2.ProviderRecord, path: str) -> list[Reason]:
    found = [
        reason("DATE_INVALID", f"{path}.contracts[{place}].{name}")
        for place, span in enumerate(given.contracts)
        for name in ("first_day", "last_day")
        if span.HasField(name) and not is_bound(getattr(span, name))
    ]
    return found or _overlap(
        [records.contract(span) for span in given.contracts], f"{path}.contracts", "CONTRACT_OVERLAPS"
    )


def contribution_problems(given: intake_pb2.ContributionStatement, path: str, today: date) -> list[Reason]:
    found = id_number_problems(plain(given.person_id_number), f"{path}.person_id_number", today)
    for place, payment in enumerate(given.paid):
        found += late_problems(payment.month, payment.paid_on, f"{path}.paid[{place}].paid_on", today)
    for place, taken in enumerate(given.taken_back):
        found += day_problems(taken.taken_back_on, f"{path}.taken_back[{place}].taken_back_on", today)
    return found


def arrears_problems(given: intake_pb2.ArrearsStatement, path: str, today: date) -> list[Reason]:
    found = [*uscc_problems(plain(given.employer_uscc), f"{path}.employer_uscc")]
    for place, one in enumerate(given.arrears):
        at = f"{path}.arrears[{place}]"
        names = [name for name in ("due_on", "deferred_until") if one.HasField(name)]
        wrong = [name for name in names if not is_day(getattr(one, name))]
        found += [reason("DATE_INVALID", f"{at}.{name}") for name in wrong]
        if one.HasField("paid_on"):
            found += day_problems(one.paid_on, f"{at}.paid_on", today)
        if not wrong and "deferred_until" in names and from_proto(one.deferred_until) < from_proto(one.due_on):
            found.append(reason("DATES_OUT_OF_ORDER", f"{at}.deferred_until"))
    return found


def statement_problems(given: intake_pb2.CoverageStatement, path: str, today: date) -> list[Reason]:
    return [
        *id_number_problems(plain(given.person_id_number), f"{path}.person_id_number", today),
        *coverage_problems(given.coverage, f"{path}.coverage"),
    ]


def household_problems(given: intake_pb2.HouseholdStatement, path: str, today: date) -> list[Reason]:
    mother, father = plain(given.mother_id_number), plain(given.father_id_number)
    found = id_number_problems(mother, f"{path}.mother_id_number", today)
    if not found and is_male(mother):
        found.append(reason("MOTHER_IS_MALE", f"{path}.mother_id_number"))
    if father:
        found += id_number_problems(father, f"{path}.father_id_number", today)
    if found:
        return found
    certificates: set[str] = set()
    for place, child in enumerate(given.children):
        found += _child_problems(child, mother, certificates, f"{path}.children[{place}]", today)
    return found


def _child_problems(
    given: intake_pb2.ChildRecord, mother: str, certificates: set[str], path: str, today: date
) -> list[Reason]:
    found = day_problems(given.birth_date, f"{path}.birth_date", today)
    if not found and rules.is_older_than_mother(from_proto(given.birth_date), mother):
        found.append(reason("CHILD_OLDER_THAN_MOTHER", f"{path}.birth_date"))
    number = records.certificate(given.certificate_number)
    if number in certificates:
        found.append(reason("CERTIFICATE_TWICE", f"{path}.certificate_number"))
    certificates.add(number)
    return found


def is_day(value: Date) -> bool:
    """Whether something can have happened or fall due on it; to a database the ends of the calendar are infinite."""
    return is_bound(value) and value.year in YEARS


def is_bound(value: Date) -> bool:
    """Whether it is a day, where a span begins or ends: `9999-12-31` is how some write that it goes on."""
    try:
        from_proto(value)
    except ValueError:
        return False
    return True
