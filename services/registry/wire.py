"""Between protobuf and the model."""

from __future__ import annotations

from cradle.registry.v1 import service_pb2

from services.kit.dates import from_proto, to_proto
from services.registry.model import Category, Coverage, Employer, Person, Question


def questions(request: service_pb2.BatchGetCoverageRequest) -> list[Question]:
    return [Question(query.person_id_number, query.employer_uscc) for query in request.queries]


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


def employer(record: service_pb2.EmployerRecord) -> Employer:
    return Employer(record.uscc, record.name, record.county, dict(record.average_monthly_wage_fen))


def person(record: service_pb2.PersonRecord) -> Person:
    return Person(
        record.person_id_number,
        record.name,
        Category(service_pb2.Category.Name(record.category).removeprefix("CATEGORY_")),
        record.employer_uscc,
        tuple((span.first_month, span.last_month) for span in record.paid_months),
        tuple((late.month, from_proto(late.paid_on)) for late in record.back_paid),
    )
