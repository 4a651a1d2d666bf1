"""A stored determination decided again, from its own facts, by its own law and rules, and compared to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from services.claims.rules.history import REVISIONS
from services.kit.law import Law

_SHOWN: Final = 120
# What deciding can raise where facts, law and rules do not fit each other.
_DOES_NOT_FIT: Final = (ValueError, LookupError, TypeError, ArithmeticError, AttributeError)


class Difference(NamedTuple):
    """A determination that did not come out as it was stored. `path`: the first place, as in `lines[0].amount_fen`."""

    claim: str
    version: int
    path: str
    stored: str
    again: str


def different(rows: Iterable[Any], laws: Mapping[str, Law | str]) -> list[Difference]:
    """Those that do not come out. A law is its digest's, or the word of what is wrong with it."""
    found = []
    for claim, version, digest, revision, facts, result in rows:
        law, kept = laws[digest], REVISIONS.get(revision)
        if isinstance(law, str):
            found.append(Difference(str(claim), version, "law_digest", digest, law))
        elif kept is None:
            found.append(Difference(str(claim), version, "rules_revision", revision, "UNKNOWN"))
        else:
            try:
                again = kept.again(facts, law)
            except _DOES_NOT_FIT as error:
                found.append(Difference(str(claim), version, "", "", type(error).__name__))
                continue
            if again != result:
                found.append(Difference(str(claim), version, *first_difference(result, again)))
    return found


def first_difference(stored: str, again: str) -> tuple[str, str, str]:
    """The first path at which two results differ, and what stands there."""
    try:
        found = _differs(orjson.loads(stored), orjson.loads(again), "")
    except orjson.JSONDecodeError:
        found = None
    if found is not None:
        path, left, right = found
        return path, _short(left), _short(right)
    at = next((n for n, (left, right) in enumerate(zip(stored, again, strict=False)) if left != right), None)
    at = min(len(stored), len(again)) if at is None else at
    return f"character {at}", _short(stored[at:]), _short(again[at:])


_ABSENT: Final = object()


def _differs(left: Any, right: Any, path: str) -> tuple[str, Any, Any] | None:
    if isinstance(left, dict) and isinstance(right, dict):
        pairs = [
            (f"{path}.{key}".lstrip("."), left.get(key, _ABSENT), right.get(key, _ABSENT))
            for key in sorted(left.keys() | right.keys())
        ]
    elif isinstance(left, list) and isinstance(right, list):
        longer = range(max(len(left), len(right)))
        pairs = [
            (f"{path}[{n}]", left[n] if n < len(left) else _ABSENT, right[n] if n < len(right) else _ABSENT)
            for n in longer
        ]
    else:
        return None if type(left) is type(right) and left == right else (path, left, right)
    return next((found for at, a, b in pairs if (found := _differs(a, b, at)) is not None), None)


def _short(value: Any) -> str:
    if value is _ABSENT:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
