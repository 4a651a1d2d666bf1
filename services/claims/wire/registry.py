"""Asking the registry, and reading its answer."""

from __future__ import annotations

from cradle.registry.v1 import service_pb2

from services.claims.model import Category, Coverage, Submission
from services.kit.dates import from_proto
from services.kit.ids import read_id


def coverage_query(submission: Submission) -> service_pb2.CoverageQuery:
    return service_pb2.CoverageQuery(
        person_id_number=submission.person_id_number,
        employer_uscc=submission.employer_uscc,
    )


def coverage(answer: service_pb2.CoverageAnswer) -> Coverage:
    return Coverage(
        person=read_id(answer.person) if answer.person else None,
        category=Category(service_pb2.Category.Name(answer.category).removeprefix("CATEGORY_"))
        if answer.category
        else None,
        insured_by=answer.insured_by,
        employer=answer.employer,
        paid_months=tuple((span.first_month, span.last_month) for span in answer.paid_months),
        back_paid=tuple((late.month, from_proto(late.paid_on)) for late in answer.back_paid),
        employer_wages=tuple(sorted(answer.average_monthly_wage_fen.items())),
    )
