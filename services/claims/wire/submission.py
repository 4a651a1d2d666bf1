"""What was not accepted, and the totals of days, in protobuf; and the page tokens of both."""

from __future__ import annotations

import struct
from datetime import date
from typing import Final

from cradle.claims.v1 import receipt_pb2, submission_pb2
from google.protobuf.message import Message

from services.claims.model import Totals
from services.claims.model.submission import NOT_ACCEPTED, DayPlace, Place, Submitted, TotalsOfDay, TotalsState
from services.kit.dates import stamp, to_proto
from services.kit.paging import counted, instant_of, last_of, not_a_token, token_of
from services.kit.reasons import reason_message

STATUSES: Final = {submission_pb2.SubmissionStatus.Value(f"SUBMISSION_STATUS_{one}"): one for one in NOT_ACCEPTED}
STATES: Final = {submission_pb2.ControlTotalsState.Value(f"CONTROL_TOTALS_STATE_{one}"): one for one in TotalsState}
_STATUS: Final = {one: value for value, one in STATUSES.items()}
_STATE: Final = {one: value for value, one in STATES.items()}
_PLACE: Final = struct.Struct(">qq")
_DAY: Final = struct.Struct(">i64s")  # a source is a name of a topic, and no longer than 63


def to_message(one: Submitted) -> submission_pb2.Submission:
    topic, partition, offset = one.position.rsplit("/", 2)
    made = submission_pb2.Submission(
        receipt_id=str(one.receipt_id),
        source=one.source,
        claim_number=one.claim_number,
        revision=one.revision,
        status=_STATUS[one.status],
        reasons=[reason_message(why) for why in one.reasons],
        claim=f"claims/{one.claim_id}" if one.claim_id else "",
        position=receipt_pb2.RecordPosition(topic=topic, partition=int(partition), offset=int(offset)),
        county=one.county,
    )
    stamp(made.receive_time, one.received_at)
    return made


def day_to_message(one: TotalsOfDay) -> submission_pb2.ControlTotalsDay:
    made = submission_pb2.ControlTotalsDay(source=one.source, date=to_proto(one.day), state=_STATE[one.state])
    if one.said and one.taken and one.submitted_at and one.compared_at:
        made.said.CopyFrom(_figures(one.said))
        made.taken.CopyFrom(_figures(one.taken))
        stamp(made.submit_time, one.submitted_at)
        stamp(made.compare_time, one.compared_at)
    return made


def _figures(totals: Totals) -> submission_pb2.ControlTotalsFigures:
    return submission_pb2.ControlTotalsFigures(**totals._asdict())


# --- pages -----------------------------------------------------------------------------------------------------------


def page_token(last: Place, request: Message) -> str:
    return token_of(_PLACE.pack(counted(last.received_at), last.id), request)


def read_page_token(token: str, request: Message) -> Place | None:
    """The last one shown; None for the first page. Raises Invalid for a token that is none, or another question's."""
    raw = last_of(token, request, _PLACE.size)
    if raw is None:
        return None
    microseconds, last = _PLACE.unpack(raw)
    return Place(instant_of(microseconds), last)


def day_token(last: DayPlace, request: Message) -> str:
    return token_of(_DAY.pack(last.day.toordinal(), last.source.encode()), request)


def read_day_token(token: str, request: Message) -> DayPlace | None:
    """As `read_page_token`."""
    raw = last_of(token, request, _DAY.size)
    if raw is None:
        return None
    ordinal, source = _DAY.unpack(raw)
    try:
        return DayPlace(date.fromordinal(ordinal), source.rstrip(b"\0").decode())
    except (ValueError, OverflowError):
        raise not_a_token() from None
