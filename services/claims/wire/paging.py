"""Page tokens of lists in order of uuid."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from google.protobuf.message import Message

from services.kit.paging import last_of, token_of

_SIZE: Final = 16


def page_token(last: UUID, request: Message) -> str:
    return token_of(last.bytes, request)


def read_page_token(token: str, request: Message) -> UUID | None:
    """The last one shown; None for the first page. Raises Invalid for a token that is none, or another question's."""
    last = last_of(token, request, _SIZE)
    return None if last is None else UUID(bytes=last)
