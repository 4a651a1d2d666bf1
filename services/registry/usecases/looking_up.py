"""Answering who is covered, and what an institution was on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from services.kit.ids import new_id
from services.registry import rules, store
from services.registry.model import Coverage, Institution, Question
from services.registry.store import Asked
from services.registry.usecases.office import Asker, Office


async def get_coverage(
    office: Office, questions: Sequence[Question], known_at: datetime, asker: Asker | None = None
) -> list[Coverage]:
    """Resolve every person and answer in one statement; the reading is audited, one row a call.

    Somebody of whom nothing is known gets a reference in a second statement, which is rare.
    """
    if not questions:
        return []
    hers = [_her(office, question) for question in questions]
    his = [_him(office, question) for question in questions if question.husband_id_number]
    found = await store.coverage(office.database, [*hers, *his], known_at)
    husbands = iter(found[len(hers) :])
    answered = [
        rules.with_husband(coverage, next(husbands)) if question.husband_id_number else coverage
        for question, coverage in zip(questions, found, strict=False)
    ]
    referred = await _refer(office, hers, answered)
    subjects = sorted({coverage.person for coverage in [*referred, *found[len(hers) :]] if coverage.person})
    who = asker or Asker()
    await store.audit(office.database, office.clock.now(), "BatchGetCoverage", who.principal, who.purpose, subjects)
    return referred


def _her(office: Office, question: Question) -> Asked:
    index = office.index(question.id_number) if question.id_number else None
    return Asked(index, question.person, question.employer_uscc, question.on)


def _him(office: Office, question: Question) -> Asked:
    return Asked(office.index(question.husband_id_number), None, "", question.on)


async def _refer(office: Office, asked: Sequence[Asked], answered: Sequence[Coverage]) -> list[Coverage]:
    """The answers with a reference for everybody who was asked for by number."""
    unknown = {one.blind_index for one, answer in zip(asked, answered, strict=True) if answer.person is None}
    indexes = sorted(index for index in unknown if index is not None)
    if not indexes:
        return list(answered)
    given = await store.refer(office.database, [(new_id(), index) for index in indexes])
    return [
        replace(answer, person=given[one.blind_index]) if answer.person is None and one.blind_index else answer
        for one, answer in zip(asked, answered, strict=True)
    ]


async def get_institutions(office: Office, asked: Sequence[tuple[str, date]], known_at: datetime) -> list[Institution]:
    return await store.institutions(office.database, asked, known_at) if asked else []
