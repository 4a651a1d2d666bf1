"""Pages of a list, one after the other, as far as a command wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

_PAGE_MAX: Final = 500


def pages(call: Callable[[Any], Any], name: str, wanted: Any, limit: int) -> Iterator[Any]:
    while limit > 0:
        wanted.page_size = min(limit, _PAGE_MAX)
        page = call(wanted)
        found = getattr(page, name)
        yield from found
        limit -= len(found)
        wanted.page_token = page.next_page_token
        if not page.next_page_token:
            return
