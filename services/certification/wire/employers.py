"""What the registry tells of employers, read as facts about their certificates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from cradle.registry.v1 import event_pb2, standing_pb2
from google.type.date_pb2 import Date

from services.certification.model import Fact, Happening, Suspension, Veto
from services.kit.dates import civil, from_proto
from services.kit.ids import read_id

EMPLOYERS: Final = "registry.employer.v1"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_pb = standing_pb2
# Of what an authority upholds, what the scheme names as a veto.
_VETOES: Final = {_pb.ViolationKind.Value(f"VIOLATION_KIND_{one}"): one for one in Veto if one is not Veto.FALSE_DATA}
# An injury or illness that is recognised; nobody is being investigated (立案调查).
_NO_CASE: Final = frozenset({_pb.VIOLATION_KIND_OCCUPATIONAL_HARM})


def facts(value: bytes) -> list[Fact]:
    """Of one event; none of what says nothing about a certificate. Raises what a message that is none raises."""
    event = event_pb2.EmployerEvent.FromString(value)
    match event.WhichOneof("event"):
        case "violation_changed":
            told = event.violation_changed
            at = told.recorded_at.ToDatetime(UTC)
            return list(_violation(read_id(event.employer), event.version, at, told.violation))
        case "arrears_changed":
            since = _day(event.arrears_changed.unpaid_since) if event.arrears_changed.unpaid_fen else None
            at = event.arrears_changed.recorded_at.ToDatetime(UTC)
            return [_arrears(read_id(event.employer), event.version, at, since)]
        case _:
            return []


def _violation(employer: UUID, version: int, at: datetime, given: standing_pb2.Violation) -> Iterator[Fact]:
    """What is open suspends until it is closed. What is upheld of a veto's kind revokes, whatever is said later."""
    about, on = f"violation/{given.authority}/{given.number}", civil(at)
    if given.kind not in _NO_CASE:
        yield Fact(
            employer, f"registry/{version}", about, version, Happening.SUSPENSION, on, Suspension.VIOLATION_OPENED,
            _day(given.opened_on), _day(given.closed_on), document=given.number, actor=given.authority,
        )  # fmt: skip
    upheld = _day(given.upheld_on)
    if given.kind in _VETOES and upheld:
        yield Fact(
            employer, f"registry/{version}/veto", f"{about}/veto", version, Happening.VETO, on, _VETOES[given.kind],
            upheld, document=given.decision, actor=given.authority,
        )  # fmt: skip


def _arrears(employer: UUID, version: int, at: datetime, since: date | None) -> Fact:
    """Ranked by the instant, for what is asked of the registry itself has no version."""
    return Fact(
        employer, f"registry/{version}", "arrears", instant_rank(at), Happening.ARREARS, civil(at), Suspension.ARREARS,
        since, actor="service/registry",
    )  # fmt: skip


def instant_rank(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def _day(given: Date) -> date | None:
    return from_proto(given) if given.year else None
