"""What each source says that it sent on a day (日对账), reckoned from what it sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from cradle.claims.v1 import intake_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from deploy.demo import city, dirt, sending
from deploy.demo.claims import Submission
from services.kit.dates import SHANGHAI, to_proto
from services.kit.member_key import member_key

DAYS: Final = 7  # the last days before today that are told
_FEN_MAX: Final = 10**12  # a sum beyond it holds somebody's slip of the finger, and is told by nobody
_UNSOUND: Final = -1
_SAME_AGAIN: Final = "resend_identical"


class Day(NamedTuple):
    source: str
    day: date


def told(submissions: Iterable[Submission], today: date) -> Iterator[Submission]:
    """A message of control totals for each source and each of the last days, sent the morning after the last."""
    totals = _by_day(submissions)
    for source in sorted({place.source for place in totals}):
        for back in range(DAYS, 0, -1):
            place = Day(source, today - timedelta(days=back))
            message = totals.get(place) or intake_pb2.ControlTotals(date=to_proto(place.day))
            if not 0 <= message.claimed_fen <= _FEN_MAX:
                continue
            message.submit_time.CopyFrom(sending.timestamp(datetime.combine(today, time(8), SHANGHAI).astimezone(UTC)))
            value = dirt.serialize(intake_pb2.ClaimIntake(control_totals=message))
            yield Submission(source, member_key(f"{source}/{place.day}"), value, "control_totals")


def _by_day(submissions: Iterable[Submission]) -> Mapping[Day, intake_pb2.ControlTotals]:
    totals: dict[Day, intake_pb2.ControlTotals] = defaultdict(intake_pb2.ControlTotals)
    for submission in submissions:
        if submission.truth.startswith(_SAME_AGAIN) or dirt.effect(city.load(), submission.truth) == "FATAL":
            continue  # the same content again is one submission, and what nobody can read belongs to no day
        intake = intake_pb2.ClaimIntake.FromString(submission.value)
        field, at, fen = _stated(intake)
        day = datetime.fromtimestamp(at.seconds, UTC).astimezone(SHANGHAI).date()
        message = totals[Day(submission.source, day)]
        message.date.CopyFrom(to_proto(day))
        setattr(message, field, getattr(message, field) + 1)
        sound = 0 <= message.claimed_fen <= _FEN_MAX and abs(fen) <= _FEN_MAX
        message.claimed_fen = message.claimed_fen + fen if sound else _UNSOUND
    return totals


def _stated(intake: intake_pb2.ClaimIntake) -> tuple[str, Timestamp, int]:
    """Where it is counted, when it was sent, and what it asks for."""
    match intake.WhichOneof("event"):
        case "submit":
            return "submitted", intake.submit.claim.submit_time, intake.submit.claim.claimed_fen
        case "replace":
            return "replaced", intake.replace.claim.submit_time, intake.replace.claim.claimed_fen
        case _:
            return "voided", intake.void.submit_time, 0
