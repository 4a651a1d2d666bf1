"""Bytes to records: one object, an array, or one object after the other; what is broken is told with line and column.

Numbers stay the text they were written in, so no amount ever becomes a float on its way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.kit.messages import Reason, reason

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_NEXT_OBJECT: Final = re.compile(r"^\{", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Record:
    """`line` is where it begins. Either there is content, or a reason why not."""

    line: int
    content: Mapping[str, Any] | None
    problem: Reason | None = None


class _Refused(ValueError):
    def __init__(self, wrong: Reason) -> None:
        super().__init__(wrong.code)
        self.reason = wrong


def records(raw: bytes) -> Iterator[Record]:
    """Every record that can be read, and the place of every one that cannot."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        yield Record(line, None, reason("PLATFORM_NOT_UTF8", line=line))
        return
    start = _after_blank(text, 0)
    if start == len(text):
        yield Record(1, None, reason("PLATFORM_EMPTY"))
    elif text[start] == "[":
        yield from _array(text, start)
    else:
        yield from _sequence(text, start)


def _array(text: str, start: int) -> Iterator[Record]:
    """The items of an array up to the first that is broken; where the next one begins nobody can say."""
    place = _after_blank(text, start + 1)
    if text[place : place + 1] == "]":
        yield Record(_line(text, place), None, reason("PLATFORM_EMPTY"))
        place += 1
    else:
        while True:
            record, place = _one(text, place)
            yield record
            if record.problem is not None and place < 0:
                return
            place = _after_blank(text, place)
            ends, place = text[place : place + 1], place + 1
            if ends == "]":
                break
            if ends != ",":
                yield _broken(text, min(place - 1, len(text)))
                return
            place = _after_blank(text, place)
    if (rest := _after_blank(text, place)) < len(text):
        yield _broken(text, rest)


def _sequence(text: str, start: int) -> Iterator[Record]:
    """Objects one after the other. After a broken one it goes on where a line begins with the next."""
    place = start
    while place < len(text):
        record, after = _one(text, place)
        yield record
        if after < 0:
            following = _NEXT_OBJECT.search(text, text.find("\n", place) if "\n" in text[place:] else len(text))
            after = following.start() if following else len(text)
        place = _after_blank(text, after)


def _one(text: str, place: int) -> tuple[Record, int]:
    """The record at a place, and where it ends; -1 if that cannot be told."""
    line = _line(text, place)
    try:
        content, end = _DECODER.raw_decode(text, place)
    except json.JSONDecodeError as error:
        return Record(line, None, reason("PLATFORM_JSON_BROKEN", line=error.lineno, column=error.colno)), -1
    except _Refused as error:
        return Record(line, None, error.reason), -1
    except RecursionError:
        return Record(line, None, reason("PLATFORM_JSON_BROKEN", line=line, column=1)), -1
    if not isinstance(content, dict):
        return Record(line, None, reason("PLATFORM_NOT_OBJECT")), end
    return Record(line, content), end


def _broken(text: str, place: int) -> Record:
    line, column = _line(text, place), place - (text.rfind("\n", 0, place) + 1) + 1
    return Record(line, None, reason("PLATFORM_JSON_BROKEN", line=line, column=column))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Refused(reason("PLATFORM_KEY_TWICE"))
    return found


def _no_constant(_: str) -> Any:
    raise _Refused(reason("PLATFORM_NOT_A_NUMBER"))


def _after_blank(text: str, place: int) -> int:
    match = _BLANK.match(text, place)
    return match.end() if match else place


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_constant, object_pairs_hook=_once)
