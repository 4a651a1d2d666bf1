"""Page tokens of lists: of applications by number, of tasks by due date, risk and number."""

from __future__ import annotations

import struct
from datetime import date
from typing import Final

from google.protobuf.message import Message

from services.certification.model.filed import Place
from services.kit.paging import last_of, not_a_token, token_of

_NUMBER: Final = struct.Struct(">q")
_PLACE: Final = struct.Struct(">iiq")


def page_token(last: int, request: Message) -> str:
    return token_of(_NUMBER.pack(last), request)


def read_page_token(token: str, request: Message) -> int | None:
    """The last one shown; None for the first page. Raises Invalid for a token that is none, or another question's."""
    last = last_of(token, request, _NUMBER.size)
    return None if last is None else int(_NUMBER.unpack(last)[0])


def task_token(last: Place, request: Message) -> str:
    return token_of(_PLACE.pack(last.due_on.toordinal(), last.risk, last.ordinal), request)


def read_task_token(token: str, request: Message) -> Place | None:
    """As `read_page_token`."""
    last = last_of(token, request, _PLACE.size)
    if last is None:
        return None
    due, risk, ordinal = _PLACE.unpack(last)
    try:
        return Place(date.fromordinal(due), risk, ordinal)
    except (ValueError, OverflowError):
        raise not_a_token() from None
