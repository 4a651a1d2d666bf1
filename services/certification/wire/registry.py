"""Asking the registry about employers: who one is, and what it knows of the gates of an application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from uuid import UUID

from cradle.registry.v1 import standing_pb2 as pb

from services.certification.model import Answer, Employment, Filed
from services.certification.rules.life import anniversary
from services.kit.dates import from_proto, to_proto
from services.kit.ids import read_id

if TYPE_CHECKING:
    from cradle.registry.v1.standing_pb2_grpc import StandingServiceAsyncStub

REGISTRY: Final = "service/registry"
PURPOSE: Final = "certification"
_EMPLOYERS_MAX: Final = 100  # of one call, by its contract
_BAOJI: Final = "6103"  # GB/T 2260
_CLOSED: Final = pb.VIOLATION_STATE_CLOSED
# 特别规定 art. 5 forbids the dismissal, so a case of it is one of labour protection too.
_LABOUR: Final = (pb.VIOLATION_KIND_LABOUR_PROTECTION, pb.VIOLATION_KIND_PREGNANCY_DISMISSAL)


@dataclass(frozen=True, slots=True)
class Registers:
    """What the other services know, asked when it is needed and kept nowhere."""

    stub: StandingServiceAsyncStub
    deadline_s: float

    async def employment(self, uscc: str, on: date) -> Employment | None:
        """None for an employer that the registry does not know."""
        (found,) = await self._ask([pb.EmployerQuery(uscc=uscc)], on)
        return employment(found) if found.employer else None

    async def gates(self, filed: Sequence[Filed], on: date) -> Mapping[UUID, Sequence[tuple[Answer, str]]]:
        """What it knows of the gates of each, and says itself."""
        found: dict[UUID, Sequence[tuple[Answer, str]]] = {}
        for first in range(0, len(filed), _EMPLOYERS_MAX):
            some = filed[first : first + _EMPLOYERS_MAX]
            queries = [pb.EmployerQuery(reference=str(one.employer)) for one in some]
            for one, standing in zip(some, await self._ask(queries, on), strict=True):
                found[one.id] = [(answer, REGISTRY) for answer in gates(standing, one, on)] if standing.employer else ()
        return found

    async def unpaid_since(self, employers: Sequence[UUID], on: date) -> Mapping[UUID, date | None]:
        """None for one that owes nothing, and for one that it does not know."""
        found: dict[UUID, date | None] = {}
        for first in range(0, len(employers), _EMPLOYERS_MAX):
            some = employers[first : first + _EMPLOYERS_MAX]
            answers = await self._ask([pb.EmployerQuery(reference=str(one)) for one in some], on)
            for one, given in zip(some, answers, strict=True):
                found[one] = from_proto(given.unpaid_since) if given.HasField("unpaid_since") else None
        return found

    async def _ask(self, queries: Sequence[pb.EmployerQuery], on: date) -> Sequence[pb.EmployerStanding]:
        request = pb.BatchGetEmployerStandingRequest(employers=queries, on=to_proto(on), purpose=PURPOSE)
        return (await self.stub.BatchGetEmployerStanding(request, timeout=self.deadline_s)).answers


def employment(given: pb.EmployerStanding) -> Employment:
    return Employment(
        read_id(given.employer),
        given.uscc,
        given.employer_name,
        given.county,
        is_registered=not given.HasField("closed_on"),
        is_in_baoji=given.county.startswith(_BAOJI),
        staffed_since=from_proto(given.insured_since) if given.HasField("insured_since") else None,
    )


def gates(given: pb.EmployerStanding, filed: Filed, on: date) -> Iterator[Answer]:
    """By the names of the scheme. What the registry cannot tell for sure is left to a person."""
    since = anniversary(filed.submitted_on or on, -1)
    recent = [one for one in given.violations if from_proto(one.opened_on) > since and one.state != _CLOSED]
    yield _answer("gate.open_violation.labour", open=_count(recent, *_LABOUR))
    yield _answer("gate.open_violation.discrimination", open=_count(recent, pb.VIOLATION_KIND_DISCRIMINATION))
    late = [one for one in recent if one.HasField("due_on") and from_proto(one.due_on) < on]
    yield _answer("gate.open_violation.union_opinion", overdue=_count(late, pb.VIOLATION_KIND_UNION_OPINION))
    yield _answer("gate.arrears.premium", unpaid_fen=given.unpaid_fen)
    if given.insured >= filed.stated.staff:  # fewer may be new staff, of whom the roster tells
        yield _answer("gate.arrears.insured", insured=filed.stated.staff, liable=filed.stated.staff)


def _count(violations: Sequence[pb.Violation], *kinds: pb.ViolationKind.ValueType) -> int:
    return sum(one.kind in kinds for one in violations)


def _answer(gate: str, **quantities: int) -> Answer:
    return Answer(gate, tuple(sorted((name, (Decimal(value),)) for name, value in quantities.items())))
