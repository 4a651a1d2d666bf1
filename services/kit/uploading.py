"""A file that a call sends in pieces: the first message says what it is (`file`), all that follow hold its bytes
(`chunk`); the request has both in a oneof `part`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from protovalidate import Validator

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.kit.shape import shape_problems

_VALIDATOR: Final = Validator()


async def announced(parts: AsyncIterator[Any], order: str) -> Any:
    """What will come. Raises Invalid unless the first message says it; `order` is the code for what comes at the wrong
    place.
    """
    first = await anext(parts, None)
    if first is None:
        raise Invalid(reason(order, "file"))
    _check(first, "file", order)
    return first.file


async def pieces(parts: AsyncIterator[Any], order: str) -> AsyncIterator[bytes]:
    """The bytes, as they come. Raises Invalid for a message that holds none."""
    async for part in parts:
        _check(part, "chunk", order)
        yield part.chunk


def _check(part: Any, wanted: str, order: str) -> None:
    if part.WhichOneof("part") != wanted:
        raise Invalid(reason(order, wanted))
    if problems := shape_problems(_VALIDATOR, part):
        raise Invalid(*problems)
