"""Between protobuf and the model."""

from __future__ import annotations

from datetime import date

from cradle.registry.v1 import service_pb2

from services.kit.dates import from_proto, to_proto
from services.kit.identifiers import id_number_problems, plain, uscc_problems
from services.kit.messages import Reason, reason
from services.registry.model import Category, Coverage, Employer, Person, Question


def questions(request: service_pb2.BatchGetCoverageRequest) -> list[Question]:
    return [Question(plain(query.person_id_number), plain(query.employer_uscc)) for query in request.queries]


def answer(coverage: Coverage) -> service_pb2.CoverageAnswer:
    return service_pb2.CoverageAnswer(
        person=str(coverage.person) if coverage.person else "",
        category=service_pb2.Category.Value(f"CATEGORY_{coverage.category or 'UNSPECIFIED'}"),
        insured_by=str(coverage.insured_by) if coverage.insured_by else "",
        employer=str(coverage.employer) if coverage.employer else "",
        average_monthly_wage_fen=dict(coverage.wages),
        paid_months=[service_pb2.MonthSpan(first_month=first, last_month=last) for first, last in coverage.paid_months],
        back_paid=[service_pb2.BackPayment(month=month, paid_on=to_proto(day)) for month, day in coverage.back_paid],
    )


def problems(request: service_pb2.BatchRecordCoverageRequest, today: date) -> list[Reason]:
    """What the records' shapes cannot tell: check digits, and days the calendar does not have."""
    found: list[Reason] = []
    for place, given in enumerate(request.employers):
        found += uscc_problems(plain(given.uscc), f"employers[{place}].uscc")
    for place, insured in enumerate(request.persons):
        found += id_number_problems(plain(insured.person_id_number), f"persons[{place}].person_id_number", today)
        for span, months in enumerate(insured.paid_months):
            if months.first_month > months.last_month:
                found.append(reason("FIELD_OUT_OF_RANGE", f"persons[{place}].paid_months[{span}]"))
        for late, payment in enumerate(insured.back_paid):
            try:
                from_proto(payment.paid_on)
            except ValueError:
                found.append(reason("DATE_INVALID", f"persons[{place}].back_paid[{late}].paid_on"))
    return found


def employer(record: service_pb2.EmployerRecord) -> Employer:
    return Employer(plain(record.uscc), record.name, record.county, dict(record.average_monthly_wage_fen))


def person(record: service_pb2.PersonRecord) -> Person:
    return Person(
        plain(record.person_id_number),
        record.name,
        Category(service_pb2.Category.Name(record.category).removeprefix("CATEGORY_")),
        plain(record.employer_uscc),
        tuple((span.first_month, span.last_month) for span in record.paid_months),
        tuple((late.month, from_proto(late.paid_on)) for late in record.back_paid),
    )
