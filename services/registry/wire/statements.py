"""What was returned to offices, in protobuf, and its page tokens."""

from __future__ import annotations

import struct
from typing import Final
from uuid import UUID

from cradle.registry.v1 import intake_pb2, office_pb2
from google.protobuf.message import Message

from services.kit.dates import stamp
from services.kit.paging import counted, instant_of, last_of, token_of
from services.kit.reasons import reason_message
from services.registry.model.statements import Place, Returned

_PLACE: Final = struct.Struct(">q16s")


def to_message(one: Returned) -> office_pb2.ReturnedStatement:
    made = office_pb2.ReturnedStatement(
        receipt_id=str(one.receipt_id),
        office=one.office,
        record_number=one.record_number,
        reasons=[reason_message(why) for why in one.reasons],
    )
    if one.position:
        topic, partition, offset = one.position.rsplit("/", 2)
        made.position.MergeFrom(
            intake_pb2.CoverageRecordPosition(topic=topic, partition=int(partition), offset=int(offset))
        )
    stamp(made.receive_time, one.received_at)
    return made


def page_token(last: Place, request: Message) -> str:
    return token_of(_PLACE.pack(counted(last.received_at), last.receipt_id.bytes), request)


def read_page_token(token: str, request: Message) -> Place | None:
    """The last one shown; None for the first page. Raises Invalid for a token that is none, or another question's."""
    raw = last_of(token, request, _PLACE.size)
    if raw is None:
        return None
    microseconds, last = _PLACE.unpack(raw)
    return Place(instant_of(microseconds), UUID(bytes=last))
