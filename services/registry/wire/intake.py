"""Reading the intake: bytes to a statement, or to the reasons why not; and writing receipts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from cradle.registry.v1 import intake_pb2
from google.protobuf.message import DecodeError
from protovalidate import Validator

from services.kit.dates import from_ms
from services.kit.identifiers import holds_id_number
from services.kit.ids import new_id, stable_id
from services.kit.messages import Reason, reason
from services.kit.outbox import Event
from services.kit.parking import Message
from services.kit.reasons import reason_message
from services.kit.shape import shape_problems
from services.registry.model import Received, Settled, Statement
from services.registry.wire import checks, records

INTAKE: Final = "registry.coverage-intake.v1."
RECEIPT: Final = "registry.coverage-receipt.v1."

_VALIDATOR: Final = Validator()
Digest = Callable[[bytes], bytes]


def intake_topics(offices: Sequence[str]) -> tuple[str, ...]:
    return tuple(INTAKE + office for office in offices)


def read(message: Message, today: date, bytes_max: int, digest: Digest) -> Received:
    """Read one record of an intake topic. What is wrong with it is on the result, coded and located; nothing raises."""
    hashed = digest(message.value)
    number, statement, reasons = _read(message.value, today, bytes_max)
    return Received(
        stable_id(message.position.encode(), hashed),
        message.topic.removeprefix(INTAKE),
        message.position,
        number,
        hashed,
        from_ms(message.timestamp_ms),
        statement,
        tuple(reasons),
    )


def called(  # noqa: PLR0917  # what is read, and what it is read against
    given: intake_pb2.CoverageIntake, caller: str, today: date, now: datetime, bytes_max: int, digest: Digest
) -> Received:
    """The same for a record that came by a call; its office is whoever calls."""
    value = given.SerializeToString(deterministic=True)
    hashed = digest(value)
    number, statement, reasons = _too_large(value, bytes_max) or _shaped(given, today)
    return Received(new_id(), caller, "", number, hashed, now, statement, tuple(reasons))


_Read = tuple[str, Statement | None, Sequence[Reason]]


def _read(value: bytes, today: date, bytes_max: int) -> _Read:
    if not value:
        return "", None, [reason("MESSAGE_EMPTY")]
    if too_large := _too_large(value, bytes_max):
        return too_large
    try:
        intake = intake_pb2.CoverageIntake.FromString(value)
    except DecodeError:
        return "", None, [reason("INTAKE_UNREADABLE")]
    return _shaped(intake, today)


def _too_large(value: bytes, bytes_max: int) -> _Read | None:
    if len(value) <= bytes_max:
        return None
    return "", None, [reason("MESSAGE_TOO_LARGE", size=len(value), limit=bytes_max)]


def _shaped(intake: intake_pb2.CoverageIntake, today: date) -> _Read:
    """A number that is somebody's own is told with all else, and is not repeated back; nor is one of another form."""
    shape = shape_problems(_VALIDATOR, intake)
    statement, problems = (None, shape) if shape else _statement(intake, today)
    about_number = [one for one in problems if one.field == "record_number"]
    if holds_id_number(intake.record_number):
        here = reason("ID_NUMBER_NOT_HERE", "record_number")
        return "", None, [here, *(one for one in problems if one not in about_number)]
    return "" if about_number else intake.record_number, statement, problems


def _statement(intake: intake_pb2.CoverageIntake, today: date) -> tuple[Statement | None, Sequence[Reason]]:
    kind = intake.WhichOneof("record")
    if kind is None:
        return None, [reason("STATEMENT_MISSING")]
    problems_of, statement_of = _KINDS[kind]
    given = getattr(intake, kind)
    problems = problems_of(given, kind, today)
    return None if problems else statement_of(given), problems


_KINDS: Final[Mapping[str, tuple[Callable[[Any, str, date], Sequence[Reason]], Callable[[Any], Statement]]]] = {
    "person": (checks.person_problems, records.person),
    "employer": (checks.employer_problems, records.employer),
    "provider": (lambda given, path, _: checks.provider_problems(given, path), records.provider),
    "contributions": (checks.contribution_problems, records.paid_statement),
    "coverage": (checks.statement_problems, records.coverage_statement),
    "arrears": (checks.arrears_problems, records.arrears_statement),
    "household": (checks.household_problems, records.household),
}


# --- receipts -----------------------------------------------------------------------------------------------------


def receipt(settled: Settled) -> intake_pb2.CoverageReceipt:
    received = settled.received
    message = intake_pb2.CoverageReceipt(
        receipt_id=str(received.receipt_id),
        office=received.office,
        record_number=received.record_number,
        status=intake_pb2.CoverageReceiptStatus.Value(f"COVERAGE_RECEIPT_STATUS_{settled.outcome}"),
        reasons=[reason_message(given) for given in settled.reasons],
    )
    message.receive_time.FromDatetime(received.received_at)
    if received.position:
        topic, partition, offset = received.position.rsplit("/", 2)
        message.position.MergeFrom(
            intake_pb2.CoverageRecordPosition(topic=topic, partition=int(partition), offset=int(offset))
        )
    return message


def receipt_event(settled: Settled, now: datetime) -> Event:
    received = settled.received
    identity: UUID = received.receipt_id
    return Event(
        id=identity,
        aggregate_type="statement",
        aggregate_id=str(identity),
        version=1,
        type="cradle.registry.v1.CoverageReceipt",
        topic=RECEIPT + received.office,
        key=(received.record_number or str(identity)).encode(),
        occurred_at=now,
        causation=received.position,
        payload=receipt(settled).SerializeToString(),
    )
