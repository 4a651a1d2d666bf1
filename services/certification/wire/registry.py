"""Asking the registry and claims about employers: who one is, and what they know of the gates of an application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from uuid import UUID

from cradle.registry.v1 import standing_pb2 as pb

from services.certification.model import Answer, Employment, Filed, Scheme
from services.certification.rules.life import anniversary
from services.certification.rules.periods import assessed
from services.certification.wire import claims
from services.certification.wire.claims import CLAIMS, Period, Women
from services.kit.dates import from_proto, to_proto
from services.kit.ids import read_id

if TYPE_CHECKING:
    from cradle.claims.v1.employer_pb2_grpc import EmployerFactsServiceAsyncStub
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
    """What the other services know, asked when it is needed and kept nowhere. `schemes` by version, for the period."""

    stub: StandingServiceAsyncStub
    women: EmployerFactsServiceAsyncStub
    schemes: Mapping[int, Scheme]
    deadline_s: float

    async def employment(self, uscc: str, on: date) -> Employment | None:
        """None for an employer that the registry does not know."""
        (found,) = await self._ask([pb.EmployerQuery(uscc=uscc)], on)
        return employment(found) if found.employer else None

    async def gates(self, filed: Sequence[Filed], on: date) -> Mapping[UUID, Sequence[tuple[Answer, str]]]:
        """What they know of the gates of each, and say themselves."""
        standing = await self._standing(filed, on)
        periods = {one.id: self._period(one, standing[one.id], on) for one in filed}
        wanted = [(one.employer, period) for one in filed if (period := periods[one.id])]
        women = await claims.ask(self.women, wanted, self.deadline_s)
        found: dict[UUID, Sequence[tuple[Answer, str]]] = {}
        for one in filed:
            period = periods[one.id]
            known = women[one.employer, period] if period else Women()
            found[one.id] = list(gates(standing[one.id], known, one, on)) if standing[one.id].employer else ()
        return found

    async def leaves(self, filed: Filed, on: date) -> int:
        """Maternity leaves that claims knows to have ended in the assessed period."""
        period = self._period(filed, (await self._standing([filed], on))[filed.id], on)
        if period is None:
            return 0
        found = await claims.ask(self.women, [(filed.employer, period)], self.deadline_s)
        return found[filed.employer, period].leaves

    def _period(self, filed: Filed, standing: pb.EmployerStanding, on: date) -> Period | None:
        """The days that are assessed (考核期); None for an employer of which no whole month is known."""
        since = from_proto(standing.insured_since) if standing.HasField("insured_since") else date.min
        period = assessed(self.schemes[filed.scheme], filed.submitted_on or on, since)
        return period.days if period.months > 0 else None

    async def _standing(self, filed: Sequence[Filed], on: date) -> Mapping[UUID, pb.EmployerStanding]:
        found: dict[UUID, pb.EmployerStanding] = {}
        for first in range(0, len(filed), _EMPLOYERS_MAX):
            some = filed[first : first + _EMPLOYERS_MAX]
            answers = await self._ask([pb.EmployerQuery(reference=str(one.employer)) for one in some], on)
            found |= {one.id: answer for one, answer in zip(some, answers, strict=True)}
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
        insured=given.insured,
    )


def gates(given: pb.EmployerStanding, women: Women, filed: Filed, on: date) -> Iterator[tuple[Answer, str]]:
    """By the names of the scheme, and who says it. What they cannot tell for sure is left to a person."""
    since = anniversary(filed.submitted_on or on, -1)
    recent = [one for one in given.violations if from_proto(one.opened_on) > since and one.state != _CLOSED]
    late = [one for one in recent if one.HasField("due_on") and from_proto(one.due_on) < on]
    discrimination = pb.VIOLATION_KIND_DISCRIMINATION
    yield _answer("gate.open_violation.labour", open=_count(recent, *_LABOUR)), REGISTRY
    yield _answer("gate.open_violation.discrimination", open=_count(recent, discrimination)), REGISTRY
    yield _answer("gate.open_violation.union_opinion", overdue=_count(late, pb.VIOLATION_KIND_UNION_OPINION)), REGISTRY
    yield _answer("gate.arrears.premium", unpaid_fen=given.unpaid_fen), REGISTRY
    staff = filed.stated.staff
    if women.uninsured:  # it had women whom it did not insure, whatever is stated now
        yield _answer("gate.arrears.insured", insured=max(0, staff - women.uninsured), liable=staff), CLAIMS
    elif given.insured >= staff:  # fewer may be new staff, of whom the roster tells
        yield _answer("gate.arrears.insured", insured=staff, liable=staff), REGISTRY


def _count(violations: Sequence[pb.Violation], *kinds: pb.ViolationKind.ValueType) -> int:
    return sum(one.kind in kinds for one in violations)


def _answer(gate: str, **quantities: int) -> Answer:
    return Answer(gate, tuple(sorted((name, (Decimal(value),)) for name, value in quantities.items())))
