"""Page tokens: the last one shown, and which question it belongs to, so that no page continues another question."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from google.protobuf.message import Message

from services.kit.errors import Invalid
from services.kit.messages import reason

_ID: Final = 8
_MARK: Final = 8


def page_token(last: int, request: Message) -> str:
    return base64.urlsafe_b64encode(last.to_bytes(_ID, "big") + _question(request)).decode()


def read_page_token(token: str, request: Message) -> int | None:
    """The last one shown; None for the first page. Raises Invalid for a token that is none, or another question's."""
    if not token:
        return None
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except ValueError:
        raw = b""
    if len(raw) != _ID + _MARK or raw[0] & 0x80:
        raise Invalid(reason("PAGE_TOKEN_INVALID", "page_token"))
    if raw[_ID:] != _question(request):
        raise Invalid(reason("PAGE_TOKEN_OTHER_FILTERS", "page_token"))
    return int.from_bytes(raw[:_ID], "big")


def _question(request: Message) -> bytes:
    filters = type(request)()
    filters.CopyFrom(request)
    filters.ClearField("page_token")
    filters.ClearField("page_size")
    return hashlib.sha256(filters.SerializeToString(deterministic=True)).digest()[:_MARK]
