"""Answering who is covered, and what an institution was on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.kit.ids import new_id
from services.registry import rules, store
from services.registry.model import Coverage, Institution, Question
from services.registry.store import Asked
from services.registry.usecases.office import Asker, Office


async def get_coverage(
    office: Office, questions: Sequence[Question], known_at: datetime, asker: Asker | None = None
) -> list[Coverage]:
    """Resolve every person and answer in one statement; the reading is audited, one row a call.

    Somebody of whom nothing is known gets a reference in another statement, and employers that this process has not met
    are asked for in one before; both are rare.
    """
    if not questions:
        return []
    employers = await office.employers([question.employer_uscc for question in questions])
    hers = [_her(office, question, employers.get(question.employer_uscc)) for question in questions]
    his = {place: _him(office, question) for place, question in enumerate(questions) if _names_husband(question)}
    asked = [*hers, *his.values()]
    found = await _refer(office, asked, await store.coverage(office.database, asked, known_at))
    husbands = dict(zip(his, found[len(hers) :], strict=True))
    subjects = sorted({coverage.person for coverage in found if coverage.person})
    who = asker or Asker()
    await office.audit("BatchGetCoverage", who, subjects)
    return [_with(husbands.get(place), coverage) for place, coverage in enumerate(found[: len(hers)])]


def _names_husband(question: Question) -> bool:
    return bool(question.husband_id_number or question.husband)


def _with(his: Coverage | None, hers: Coverage) -> Coverage:
    return hers if his is None else rules.with_husband(hers, his)._replace(husband=his.person)


def _her(office: Office, question: Question, employer: UUID | None) -> Asked:
    index = office.index(question.id_number) if question.id_number else None
    return Asked(index, question.person, question.on, employer)


def _him(office: Office, question: Question) -> Asked:
    index = office.index(question.husband_id_number) if question.husband_id_number else None
    return Asked(index, question.husband, question.on)


async def _refer(office: Office, asked: Sequence[Asked], answered: Sequence[Coverage]) -> list[Coverage]:
    """The answers with a reference for everybody who was asked for by number."""
    unknown = {one.blind_index for one, answer in zip(asked, answered, strict=True) if answer.person is None}
    indexes = sorted(index for index in unknown if index is not None)
    if not indexes:
        return list(answered)
    given = await store.refer(office.database, [(new_id(), index) for index in indexes])
    return [
        answer._replace(person=given[one.blind_index]) if answer.person is None and one.blind_index else answer
        for one, answer in zip(asked, answered, strict=True)
    ]


async def get_institutions(office: Office, asked: Sequence[tuple[str, date]], known_at: datetime) -> list[Institution]:
    return await store.institutions(office.database, asked, known_at) if asked else []
