"""Page tokens of tasks: by due date, risk and number."""

from __future__ import annotations

import struct
from datetime import date
from typing import Final

from google.protobuf.message import Message

from services.certification.model.filed import Place
from services.kit.paging import last_of, not_a_token, token_of

_PLACE: Final = struct.Struct(">iiq")


def task_token(last: Place, request: Message) -> str:
    return token_of(_PLACE.pack(last.due_on.toordinal(), last.risk, last.ordinal), request)


def read_task_token(token: str, request: Message) -> Place | None:
    """The last one shown; None for the first page. Raises Invalid for a token that is none, or another question's."""
    last = last_of(token, request, _PLACE.size)
    if last is None:
        return None
    due, risk, ordinal = _PLACE.unpack(last)
    try:
        return Place(date.fromordinal(due), risk, ordinal)
    except (ValueError, OverflowError):
        raise not_a_token() from None
