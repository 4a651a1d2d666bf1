"""Pages of a list, one after the other, as far as a command wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

PAGE: Final = 500  # how many are asked for at a time


def pages(call: Callable[[Any], Any], name: str, wanted: Any, limit: int, page_size: int = PAGE) -> Iterator[Any]:
    while limit > 0:
        wanted.page_size = min(limit, page_size)
        page = call(wanted)
        found = getattr(page, name)
        yield from found
        limit -= len(found)
        wanted.page_token = page.next_page_token
        if not page.next_page_token:
            return
