"""A certificate as it lies on file, and what happened to it."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.certification.model.codes import Happening
from services.certification.model.life import Span


class Fact(NamedTuple):
    """Something that happened. `about` names the one thing that it tells of: of all told about it, the highest `rank`
    counts, whatever was heard first. `source` is who said so, and where: once each.

    `number` "": it is about the employer, whichever certificate it holds. `since` None: it is no longer so.
    """

    employer: UUID
    source: str
    about: str
    rank: int
    happening: Happening
    recorded_on: date
    code: str = ""
    since: date | None = None
    until: date | None = None
    granted: bool = False
    number: str = ""
    document: str = ""
    actor: str = ""


class Certificate(NamedTuple):
    """`now`: as last told, on `told_to`. `version` is the etag. `credential` and `code` are signed."""

    number: str
    serial: int
    employer: UUID
    uscc: str
    employer_name: str
    county: str
    application_id: UUID
    scheme: int
    scheme_digest: str
    awarded_on: date
    version: int
    told_to: date
    now: Span
    credential: str = ""
    code: str = ""


class Report(NamedTuple):
    """A yearly report (年度报告): staff as it was on a day. `in_order` None: not checked yet."""

    number: str
    due_on: date
    attempt: int
    as_at: date
    staff: int
    women: int
    statement: str
    filed_on: date
    filed_by: str
    in_order: bool | None = None
    checked_on: date | None = None
    said: str = ""


class Proposed(NamedTuple):
    """A revocation that a second person has to agree to."""

    veto: str
    on: date
    document: str
    proposed_by: str


class Told(NamedTuple):
    """A change as it is told: how it stands today, and the first day that is answered otherwise than before."""

    number: str
    employer: UUID
    uscc: str
    county: str
    version: int
    first: date
    now: Span
    cause: str
