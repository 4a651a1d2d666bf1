"""An application as it lies on file, and what was stated in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.certification.model.application import Application
from services.certification.model.codes import Kind
from services.certification.model.facts import Answer


class Stated(NamedTuple):
    """The applicant's word, as far as it has been saved: 0 and "" are not said yet."""

    staff: int = 0
    women: int = 0
    sector: str = ""
    consents: bool = False
    answers: tuple[Answer, ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {**self._asdict(), "answers": [one.as_data() for one in self.answers]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Stated:
        return cls(**{**data, "answers": tuple(map(Answer.from_data, data["answers"]))})


class Employment(NamedTuple):
    """An employer as the registry knows it. `id` is its opaque reference."""

    id: UUID
    uscc: str
    name: str
    county: str
    is_registered: bool
    is_in_baoji: bool
    staffed_since: date | None
    insured: int = 0  # staff insured through it on the day asked for


class Filed(NamedTuple):
    """`number` counts moves and savings: the etag. `scheme` 0: not submitted yet. `round` is of scoring."""

    id: UUID
    number: int
    employer: UUID
    uscc: str
    employer_name: str
    county: str
    kind: Kind
    applicant: str
    application: Application
    stated: Stated = Stated()
    scheme: int = 0
    scheme_digest: str = ""
    submitted_on: date | None = None
    round: int = 1
    proposed_by: str = ""
    certificate: str = ""
    risk: int = 0
    updated_at: datetime | None = None
    ordinal: int = 0


class Looked(NamedTuple):
    """What a look-up of a gate showed. `asked`: a service, or the clerk who looked; `found` the quantities."""

    gate: str
    passed: bool
    found: Answer
    asked: str
    document: str = ""
    at: datetime | None = None


class Asked(NamedTuple):
    """A request for information (补充说明)."""

    question: str
    criteria: tuple[str, ...]
    asked_on: date
    answer: str = ""
    answered_on: date | None = None


class Visit(NamedTuple):
    visited_on: date
    visitors: tuple[str, ...]
    findings: str


class Objected(NamedTuple):
    """An objection; its lead stays sealed. `upheld` None: not settled yet."""

    id: UUID
    filed_on: date
    filed_by: str
    upheld: bool | None = None
    reason: str = ""


class Place(NamedTuple):
    """Where a page of tasks ends. Without a due date a task comes last."""

    due_on: date
    risk: int
    ordinal: int

    @classmethod
    def of(cls, filed: Filed) -> Place:
        return cls(filed.application.due_on or date.max, filed.risk, filed.ordinal)
