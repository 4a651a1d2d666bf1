"""Page tokens: the last one shown, and which question it belongs to, so that no page continues another question."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.message import Message

from services.kit.errors import Invalid
from services.kit.messages import reason

_MARK: Final = 8
_NUMBER: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def token_of(last: bytes, request: Message) -> str:
    return base64.urlsafe_b64encode(last + _question(request)).decode()


def last_of(token: str, request: Message, size: int) -> bytes | None:
    """The last one shown, of so many bytes; None for the first page.

    Raises Invalid for a token that is none, or another question's.
    """
    if not token:
        return None
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except ValueError:
        raw = b""
    if len(raw) != size + _MARK:
        raise not_a_token()
    if raw[size:] != _question(request):
        raise Invalid(reason("PAGE_TOKEN_OTHER_FILTERS", "page_token"))
    return raw[:size]


def page_token(last: int, request: Message) -> str:
    """Of a list in order of number."""
    return token_of(last.to_bytes(_NUMBER, "big"), request)


def read_page_token(token: str, request: Message) -> int | None:
    """The last one shown; None for the first page. Raises Invalid for a token that is none, or another question's."""
    last = last_of(token, request, _NUMBER)
    if last is not None and last[0] & 0x80:
        raise not_a_token()  # no number of ours
    return None if last is None else int.from_bytes(last, "big")


def counted(instant: datetime) -> int:
    """An instant in microseconds, which is as finely as the database keeps it."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(microseconds: int) -> datetime:
    """Raises Invalid for a token that nobody was given."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise not_a_token() from None


def not_a_token() -> Invalid:
    return Invalid(reason("PAGE_TOKEN_INVALID", "page_token"))


def _question(request: Message) -> bytes:
    """The filters without the page; how many are shown may change from page to page."""
    filters = type(request)()
    filters.CopyFrom(request)
    filters.ClearField("page_token")
    filters.ClearField("page_size")
    return hashlib.sha256(filters.SerializeToString(deterministic=True)).digest()[:_MARK]
