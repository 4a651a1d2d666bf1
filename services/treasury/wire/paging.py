"""Page tokens of lists in order of number."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message

from services.kit.paging import last_of, not_a_token, token_of

_SIZE: Final = 8


def page_token(last: int, request: Message) -> str:
    return token_of(last.to_bytes(_SIZE, "big"), request)


def read_page_token(token: str, request: Message) -> int | None:
    """The last one shown; None for the first page. Raises Invalid for a token that is none, or another question's."""
    last = last_of(token, request, _SIZE)
    if last is not None and last[0] & 0x80:
        raise not_a_token()  # no number of ours
    return None if last is None else int.from_bytes(last, "big")
