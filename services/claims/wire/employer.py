"""Questions about employers, and their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from cradle.claims.v1 import employer_pb2

from services.claims.model.employer import EmployerFacts
from services.kit.dates import from_proto
from services.kit.errors import Invalid
from services.kit.ids import read_id
from services.kit.messages import reason

_YEARS_MOST: Final = 10
_NOTHING: Final = EmployerFacts()


class Asked(NamedTuple):
    employers: Sequence[UUID]
    first_day: date
    last_day: date


def asked(request: employer_pb2.BatchGetEmployerFactsRequest) -> Asked:
    """Raises Invalid for days that are none, and for a period that ends before it begins or is too long."""
    first_day, last_day = _day(request, "first_day"), _day(request, "last_day")
    if last_day < first_day or last_day.year - first_day.year > _YEARS_MOST:
        raise Invalid(
            reason("FIELD_OUT_OF_RANGE", "last_day", bounds=f"≥ {first_day}, ≤ {first_day.year + _YEARS_MOST}-12-31")
        )
    return Asked([read_id(one) for one in request.employers], first_day, last_day)


def _day(request: employer_pb2.BatchGetEmployerFactsRequest, name: str) -> date:
    try:
        return from_proto(getattr(request, name))
    except ValueError:
        raise Invalid(reason("DATE_INVALID", name)) from None


def answers(
    employers: Sequence[UUID], found: Mapping[UUID, EmployerFacts]
) -> employer_pb2.BatchGetEmployerFactsResponse:
    return employer_pb2.BatchGetEmployerFactsResponse(
        answers=[
            employer_pb2.FactsOfEmployer(employer=str(one), **found.get(one, _NOTHING)._asdict()) for one in employers
        ]
    )
