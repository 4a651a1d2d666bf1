"""Rows and laws as the code of revision 2026.1 stored them, from a file that nothing writes any more."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from services.kit import law as laws
from services.kit.law import Law

_FILE: Final = Path(__file__).parent / "data" / "stored-2026.1.ndjson"


class Row(NamedTuple):
    """A determination as the code of its day wrote it."""

    rules: str
    law: str
    facts: str
    result: str


@cache
def stored() -> tuple[Row, ...]:
    return tuple(Row(one["rules"], one["law"], one["facts"], one["result"]) for one in _lines() if "facts" in one)


@cache
def contents() -> dict[str, str]:
    """The laws, as stored, by digest."""
    return {one["digest"]: one["content"] for one in _lines() if "content" in one}


@cache
def law_of(digest: str) -> Law:
    return laws.from_content(contents()[digest])


def _lines() -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in _FILE.read_text("utf-8").splitlines()]
