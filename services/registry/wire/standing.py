"""Violations as they are stated, and how employers stand: asked and answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from cradle.registry.v1 import standing_pb2
from google.protobuf.message import Message

from services.kit.dates import from_proto, to_proto
from services.kit.errors import Invalid
from services.kit.identifiers import holds_id_number, plain, uscc_problems
from services.kit.ids import read_id
from services.kit.messages import Reason, reason
from services.registry import rules
from services.registry.model import (
    OfEmployer,
    StandingAsked,
    StatedViolation,
    Unpaid,
    Violation,
    ViolationDates,
    ViolationKind,
    ViolationState,
)
from services.registry.wire.checks import day_problems, is_day, purpose_problems

_KINDS: Final = {standing_pb2.ViolationKind.Value(f"VIOLATION_KIND_{kind}"): kind for kind in ViolationKind}
_KIND: Final = {kind: value for value, kind in _KINDS.items()}
_STATE: Final = {state: standing_pb2.ViolationState.Value(f"VIOLATION_STATE_{state}") for state in ViolationState}


def stated(request: standing_pb2.BatchRecordViolationsRequest, authority: str, today: date) -> list[StatedViolation]:
    """Raises Invalid for everything that cannot be."""
    paths = [f"violations[{place}]" for place in range(len(request.violations))]
    if problems := [
        problem
        for path, record in zip(paths, request.violations, strict=True)
        for problem in _problems(record, path, today)
    ]:
        raise Invalid(*problems)
    return [
        StatedViolation(plain(record.employer_uscc), _violation(record, authority), path)
        for path, record in zip(paths, request.violations, strict=True)
    ]


def _problems(record: standing_pb2.ViolationRecord, path: str, today: date) -> Iterator[Reason]:
    yield from uscc_problems(plain(record.employer_uscc), f"{path}.employer_uscc")
    for name in ("number", "decision"):
        if holds_id_number(getattr(record, name)):  # told to others, in the clear
            yield reason("ID_NUMBER_NOT_HERE", f"{path}.{name}")
    if record.HasField("talked_on") and not record.HasField("due_on"):
        yield reason("FIELD_REQUIRED", f"{path}.due_on")
    if record.HasField("upheld_on") and not record.decision:
        yield reason("FIELD_REQUIRED", f"{path}.decision")
    if record.decision and not record.HasField("upheld_on"):
        yield reason("FIELD_REQUIRED", f"{path}.upheld_on")
    wrong = [problem for name in ViolationDates._fields for problem in _day_problems(record, name, path, today)]
    yield from wrong
    if not wrong and (late := rules.first_disorder(_dates(record))):
        yield reason("DATES_OUT_OF_ORDER", f"{path}.{late}")


def _day_problems(record: standing_pb2.ViolationRecord, name: str, path: str, today: date) -> Sequence[Reason]:
    if not record.HasField(name):  # type: ignore[arg-type]  # the names of the message
        return ()
    if name == "due_on":
        return () if is_day(record.due_on) else (reason("DATE_INVALID", f"{path}.{name}"),)
    return day_problems(getattr(record, name), f"{path}.{name}", today)


def _dates(record: standing_pb2.ViolationRecord) -> ViolationDates:
    opened_on, *rest = [_day(record, name) for name in ViolationDates._fields]
    if opened_on is None:
        raise ValueError("a violation without the day it was opened")  # its shape was looked at before
    return ViolationDates(opened_on, *rest)


def _day(message: Message, name: str) -> date | None:
    return from_proto(getattr(message, name)) if message.HasField(name) else None


def _violation(record: standing_pb2.ViolationRecord, authority: str) -> Violation:
    return Violation(authority, record.number, _KINDS[record.kind], _dates(record), record.decision)


# --- questions and answers ----------------------------------------------------------------------------------------


def asked(request: standing_pb2.BatchGetEmployerStandingRequest) -> StandingAsked:
    """Raises Invalid for a day that is none, and for a purpose that names somebody by number."""
    if problems := purpose_problems(request.purpose, demanded=False):
        raise Invalid(*problems)
    if not is_day(request.on):
        raise Invalid(reason("DATE_INVALID", "on"))
    employers = [(read_id(one.reference) if one.reference else None, plain(one.uscc)) for one in request.employers]
    return StandingAsked(tuple(employers), from_proto(request.on), request.insured_for_days)


def answer(known: OfEmployer | None, unpaid: Unpaid, violations: Sequence[Violation]) -> standing_pb2.EmployerStanding:
    if known is None:
        return standing_pb2.EmployerStanding()
    made = standing_pb2.EmployerStanding(
        employer=str(known.id),
        uscc=known.uscc,
        county=known.county,
        employer_name=known.name,
        insured=known.insured,
        unpaid_fen=unpaid.fen,
        violations=[to_message(one) for one in violations],
    )
    _set_days(made, closed_on=known.closed_on, insured_since=known.insured_since, unpaid_since=unpaid.since)
    return made


def to_message(violation: Violation) -> standing_pb2.Violation:
    made = standing_pb2.Violation(
        authority=violation.authority,
        number=violation.number,
        kind=_KIND[violation.kind],
        state=_STATE[rules.state_of(violation.dates)],
        decision=violation.decision,
    )
    _set_days(made, **violation.dates._asdict())
    return made


def _set_days(message: Message, **days: date | None) -> None:
    for name, day in days.items():
        if day is not None:
            getattr(message, name).CopyFrom(to_proto(day))
