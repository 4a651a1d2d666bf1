"""Reading the intake: bytes to a submission, or to the reasons why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from cradle.claims.v1 import claim_pb2, intake_pb2
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from protovalidate import Validator

from services.claims.model import DeliveryMode, Event, EventType, Received, Submission
from services.kit.dates import from_ms, from_proto
from services.kit.identifiers import id_number_problems, is_male, plain, uscc_problems
from services.kit.messages import Reason, reason
from services.kit.parking import Message
from services.kit.rpc import shape_problems

INTAKE: Final = "claims.intake.v1."

# GB/T 2260, list of 2024-11: the twelve counties of Baoji; then codes that are kept because people and feeds still
# carry them: 凤翔县 and 宝鸡县 by what became of them, the whole city, and the local code of 高新区.
COUNTIES: Final = frozenset(
    {
        "610302",
        "610303",
        "610304",
        "610305",
        "610323",
        "610324",
        "610326",
        "610327",
        "610328",
        "610329",
        "610330",
        "610331",
    }
)
ABOLISHED: Final = {"610322": "610305", "610321": "610304"}
WIDER: Final = frozenset({"610300", "610399"})

_LIKE_AN_ID: Final = re.compile(r"(?<![0-9])[0-9]{17}[0-9X](?![0-9])")
_SEPARATORS: Final = re.compile(r"[._-]")
_NUMBER: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")
_MODES: Final = {claim_pb2.DeliveryMode.Value(f"DELIVERY_MODE_{mode}"): mode for mode in DeliveryMode}
_VALIDATOR: Final = Validator()

Digest = Callable[[bytes], bytes]


def intake_topics(sources: Sequence[str]) -> tuple[str, ...]:
    return tuple(INTAKE + source for source in sources)


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of a record, and what is wrong with it."""

    claim_number: str = ""
    revision: int = 0
    submission: Submission | None = None
    reasons: tuple[Reason, ...] = ()


def read(message: Message, today: date, first_day: date, bytes_max: int, digest: Digest) -> Received:
    """Read one record of the intake. What is wrong with it is on the result, coded and located; nothing raises."""
    reading = _read(message.value, today, first_day, bytes_max)
    submission = reading.submission
    return Received(
        message.topic,
        message.partition,
        message.offset,
        message.position,
        message.topic.removeprefix(INTAKE),
        message.value,
        from_ms(message.timestamp_ms),
        digest(submission.content if submission else message.value),
        reading.claim_number,
        reading.revision,
        submission,
        reading.reasons,
    )


def _read(value: bytes, today: date, first_day: date, bytes_max: int) -> Reading:
    if not value:
        return Reading(reasons=(reason("MESSAGE_EMPTY"),))
    if len(value) > bytes_max:
        return Reading(reasons=(reason("MESSAGE_TOO_LARGE", size=len(value), limit=bytes_max),))
    try:
        intake = intake_pb2.ClaimIntake.FromString(value)
    except DecodeError:
        return Reading(reasons=(reason("MESSAGE_UNREADABLE"),))
    return _read_intake(intake, today, first_day)


def _read_intake(intake: intake_pb2.ClaimIntake, today: date, first_day: date) -> Reading:
    kind = intake.WhichOneof("event")
    claim = intake.replace.claim if kind == "replace" else intake.submit.claim
    revision = intake.replace.revision if kind == "replace" else 1
    path = f"{kind}.claim"
    problems = [_amount(problem) for problem in shape_problems(_VALIDATOR, intake)]
    if not _is_number(claim.claim_number):  # it may be anything, so it is not repeated back
        return Reading(reasons=tuple(problems) or (reason("FIELD_MALFORMED", f"{path}.claim_number"),))
    id_number, employer = plain(claim.person_id_number), plain(claim.employer_uscc)
    problems = problems or [
        *_mother_problems(id_number, f"{path}.person_id_number", today),
        *uscc_problems(employer, f"{path}.employer_uscc"),
        *_county_problems(claim.county, f"{path}.county"),
        *_date_problems(claim.event.date, f"{path}.event.date", today, first_day),
        *_submit_time_problems(claim.submit_time, f"{path}.submit_time", today),
    ]
    if problems:
        return Reading(claim.claim_number, revision, reasons=tuple(problems))
    return Reading(claim.claim_number, revision, _submission(claim, revision, id_number, employer))


def _submission(claim: intake_pb2.ClaimSubmission, revision: int, id_number: str, employer: str) -> Submission:
    event = claim.event
    return Submission(
        number=claim.claim_number,
        revision=revision,
        content=content(claim),
        person_id_number=id_number,
        employer_uscc=employer,
        county=ABOLISHED.get(claim.county, claim.county),
        event=Event(
            EventType.DELIVERY,
            from_proto(event.date),
            _MODES[event.delivery_mode],
            event.dystocia,
            event.infants,
            event.birth_order,
            prepregnancy_check=event.prepregnancy_check,
        ),
        own_monthly_wage_fen=claim.own_monthly_wage_fen if claim.HasField("own_monthly_wage_fen") else None,
        claimed_fen=claim.claimed_fen if claim.HasField("claimed_fen") else None,
    )


def _is_number(text: str) -> bool:
    """Whether it is a claim number and not a national ID number in a claim number's place."""
    if not _NUMBER.fullmatch(text):
        return False
    found = [*_LIKE_AN_ID.findall(text.upper()), _SEPARATORS.sub("", text.upper())]
    return all(id_number_problems(part, "", date.max) for part in found)


def content(claim: intake_pb2.ClaimSubmission) -> bytes:
    """What makes it the same claim when it is sent again: all but the submit time, however the numbers are spelt."""
    bare = intake_pb2.ClaimSubmission()
    bare.CopyFrom(claim)
    bare.ClearField("submit_time")
    bare.person_id_number, bare.employer_uscc = plain(claim.person_id_number), plain(claim.employer_uscc)
    return bare.SerializeToString(deterministic=True)


def _amount(problem: Reason) -> Reason:
    if problem.code == "FIELD_OUT_OF_RANGE" and problem.field.endswith("_fen"):
        return reason("AMOUNT_OUT_OF_RANGE", problem.field)
    return problem


def _mother_problems(number: str, path: str, today: date) -> list[Reason]:
    problems = id_number_problems(number, path, today)
    return problems or ([reason("ID_NUMBER_NOT_THE_MOTHER", path)] if is_male(number) else [])


def _county_problems(county: str, path: str) -> list[Reason]:
    if county in COUNTIES or county in ABOLISHED or county in WIDER:
        return []
    return [reason("COUNTY_UNKNOWN", path)]


def _date_problems(value: Date, path: str, today: date, first_day: date) -> list[Reason]:
    try:
        day = from_proto(value)
    except ValueError:
        return [reason("DATE_INVALID", path)]
    if day > today:
        return [reason("DATE_IN_FUTURE", path, today=today)]
    if day < first_day:
        return [reason("DATE_TOO_EARLY", path, first=first_day)]
    return []


def _submit_time_problems(value: Timestamp, path: str, today: date) -> list[Reason]:
    """A day of grace: some senders stamp local time as UTC."""
    limit = (today + timedelta(days=2) - date(1970, 1, 1)).total_seconds()
    return [reason("DATE_IN_FUTURE", path, today=today)] if value.seconds >= limit else []
