"""Questions and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from cradle.registry.v1 import office_pb2, service_pb2

from services.kit.dates import from_proto, to_proto
from services.kit.errors import Invalid
from services.kit.identifiers import holds_id_number, plain
from services.kit.ids import read_id
from services.kit.messages import Reason, reason
from services.registry.model import Category, Coverage, Institution, Question
from services.registry.wire.checks import purpose_problems

_CATEGORY: Final[dict[Category | None, service_pb2.Category.ValueType]] = {
    None: service_pb2.CATEGORY_UNSPECIFIED,
    **{category: service_pb2.Category.Value(f"CATEGORY_{category}") for category in Category},
}


def questions(request: service_pb2.BatchGetCoverageRequest) -> list[Question]:
    """Raises Invalid for what is no question: nobody is named, the day or the reference is none, or it is not said what
    for; institutions are asked for without, for they are nobody's.
    """
    problems = purpose_problems(request.purpose, demanded=bool(request.queries))
    read = [_question(query, f"queries[{place}]", problems) for place, query in enumerate(request.queries)]
    if problems:
        raise Invalid(*problems)
    return read


def _question(query: service_pb2.CoverageQuery, path: str, problems: list[Reason]) -> Question:
    if not query.person and not query.person_id_number:
        problems.append(reason("FIELD_REQUIRED", f"{path}.person_id_number"))
    return Question(
        "" if query.person else plain(query.person_id_number),
        plain(query.employer_uscc),
        _day(query, path, problems),
        _reference(query.person, f"{path}.person", problems),
        "" if query.husband else plain(query.husband_id_number),
        _reference(query.husband, f"{path}.husband", problems),
    )


def _day(query: service_pb2.CoverageQuery, path: str, problems: list[Reason]) -> date | None:
    if not query.HasField("on"):
        return None
    try:
        return from_proto(query.on)
    except ValueError:
        problems.append(reason("DATE_INVALID", f"{path}.on"))
        return None


def _reference(text: str, path: str, problems: list[Reason]) -> UUID | None:
    try:
        return read_id(text) if text else None
    except ValueError:
        problems.append(reason("FIELD_MALFORMED", path, form="UUID"))
        return None


def institutions(request: service_pb2.BatchGetCoverageRequest) -> list[tuple[str, date]]:
    """Raises Invalid for a day that the calendar does not have."""
    asked: list[tuple[str, date]] = []
    for place, query in enumerate(request.providers):
        try:
            asked.append((plain(query.code), from_proto(query.on)))
        except ValueError:
            raise Invalid(reason("DATE_INVALID", f"providers[{place}].on")) from None
    return asked


def _add_answer(response: service_pb2.BatchGetCoverageResponse, coverage: Coverage) -> None:
    """A batch has a thousand: each is filled where it is, for what is made beside a message is made and then copied."""
    paid = coverage.contributions
    message = response.answers.add(
        person=_text(coverage.person),
        person_known=coverage.is_known,
        category=_CATEGORY[coverage.category],
        insured_by=_text(coverage.insured_by),
        employer=_text(coverage.employer),
        student=coverage.is_student,
        reported_to_month=paid.reported_to_month,
        husband=_text(coverage.husband),
    )
    for year, fen in coverage.wages:
        message.average_monthly_wage_fen[year] = fen
    for year, fen in coverage.bases:
        message.average_contribution_base_fen[year] = fen
    for first, last in paid.paid_months:
        message.paid_months.add(first_month=first, last_month=last)
    for month, day in paid.back_paid:
        message.back_paid.add(month=month, paid_on=to_proto(day))


def institution(given: Institution) -> service_pb2.ProviderAnswer:
    return service_pb2.ProviderAnswer(
        provider=_text(given.provider),
        level=service_pb2.ProviderLevel.Value(f"PROVIDER_LEVEL_{given.level or 'UNSPECIFIED'}"),
        county=given.county,
    )


def answers(coverage: Sequence[Coverage], institutions_: Sequence[Institution]) -> service_pb2.BatchGetCoverageResponse:
    response = service_pb2.BatchGetCoverageResponse(providers=[institution(one) for one in institutions_])
    for one in coverage:
        _add_answer(response, one)
    return response


# --- erasing ------------------------------------------------------------------------------------------------------


def one_person(request: office_pb2.ErasePersonRequest) -> tuple[str, UUID | None]:
    """The number or the reference of whom is to be erased. Raises Invalid unless exactly one is given."""
    if bool(request.person_id_number) == bool(request.person):
        raise Invalid(reason("PERSON_NAMED_ONCE", "person"))
    problems: list[Reason] = []
    if holds_id_number(request.reason):  # it is kept for ever, in the clear
        problems.append(reason("ID_NUMBER_NOT_HERE", "reason"))
    person = _reference(request.person, "person", problems)
    if problems:
        raise Invalid(*problems)
    return plain(request.person_id_number), person


def erased(person: UUID, at: datetime | None, *, before: bool) -> office_pb2.ErasePersonResponse:
    response = office_pb2.ErasePersonResponse(person=str(person), erased_before=before)
    if at is not None:
        response.erase_time.FromDatetime(at)
    return response


def _text(reference: UUID | None) -> str:
    return str(reference) if reference else ""
