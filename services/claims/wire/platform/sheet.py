"""A message of the platform, and what is said about it: coded, located, and never with a value that may be personal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from services.claims.wire.platform.crosswalk import Codes
from services.kit.messages import Reason, reason

_STEP: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,47}(\[[0-9]+\])*")
_OURS: Final = re.compile(r"[.\[\]]")  # what paths are made with, and no key has
_DIGITS: Final = re.compile(r"[0-9]{8}")  # a number long enough to be somebody's
_CODE: Final = re.compile(r"-?[0-9A-Za-z.]{1,10}")  # -1 is the platform's answer to what it did not carry out
_EMPTY: Final = re.compile(r"0*(\.0*)?")
_UNKNOWN_MAX: Final = 50
_DEPTH_MAX: Final = 8


class FindingKind(StrEnum):
    DOUBT = "DOUBT"  # mapped, and may be wrong
    IGNORED = "IGNORED"  # not carried over, for a reason
    UNMAPPED = "UNMAPPED"  # cannot be mapped
    CONTRADICTION = "CONTRADICTION"  # two things in the message exclude each other


@dataclass(frozen=True, slots=True)
class Finding:
    kind: FindingKind
    reason: Reason


@dataclass(slots=True)
class Sheet:
    content: Mapping[str, Any]
    codes: Codes
    findings: dict[Finding, None] = field(default_factory=dict)  # in their order, each once; there may be thousands

    def doubt(self, code: str, path: str, /, **values: object) -> None:
        self._tell(FindingKind.DOUBT, code, path, values)

    def unmapped(self, code: str, path: str, /, **values: object) -> None:
        self._tell(FindingKind.UNMAPPED, code, path, values)

    def contradiction(self, code: str, path: str, /, **values: object) -> None:
        self._tell(FindingKind.CONTRADICTION, code, path, values)

    def _tell(self, kind: FindingKind, code: str, path: str, values: Mapping[str, object]) -> None:
        self.findings[Finding(kind, reason(code, path, **values))] = None

    def has(self, path: str) -> bool:
        return self._at(path) is not None

    def stated(self, path: str) -> str:
        """The text at a path, without blanks around it; empty where there is none."""
        given = self._at(path)
        if given is None:
            return ""
        if not isinstance(given, str):
            self.unmapped("PLATFORM_NOT_TEXT", path)
            return ""
        return given.strip()

    def needed(self, path: str) -> str:
        """The text at a path without which nothing can be mapped."""
        if not (found := self.stated(path)):
            self.unmapped("PLATFORM_MISSING", path)
        return found

    def rows(self, path: str) -> Iterator[str]:
        """The paths of the rows of a list."""
        given = self._at(path)
        if given is None:
            return
        if not isinstance(given, list):
            self.unmapped("PLATFORM_NOT_LIST", path)
            return
        yield from (f"{path}[{number}]" for number in range(len(given)))

    def code(self, name: str, path: str) -> str:
        """What a code becomes by the crosswalk; empty, and told, where it becomes nothing."""
        given = self.stated(path)
        if not given:
            return ""
        code, _, label = given.partition(" ")
        found = self.codes.find(name, code)
        if found is None:
            self.unmapped("PLATFORM_CODE_UNKNOWN", path, given=shown(code), version=self.codes.crosswalk.version)
            return ""
        if label:
            self.doubt("PLATFORM_CODE_LABELLED", path, given=shown(code))
        if found.how == "local":
            self.doubt("PLATFORM_CODE_LOCAL", path, given=shown(code), to=found.to)
        elif found.how == "prefix" and name == "med_type":
            self.doubt("PLATFORM_CODE_EXTENDED", path, given=shown(code), to=found.to)
        if found.confidence == "recalled":
            self.doubt("PLATFORM_CODE_RECALLED", path, given=shown(code), to=found.to)
        return found.to

    def same(self, first: str, *others: str) -> None:
        """Note where the same thing is stated twice and differently."""
        stated = self.stated(first)
        for other in others:
            if stated and (again := self.stated(other)) and again != stated:
                self.contradiction("PLATFORM_STATED_TWICE", other, other=first)

    def tell_fields(self) -> None:
        """Note every field with something in it that the crosswalk ignores or does not know."""
        unknown, seen = 0, set()
        for path, value in _leaves(self.content, "", 0):
            generic = re.sub(r"\[\d+\]", "[]", path)
            if generic in seen or _EMPTY.fullmatch(str(value or "").strip()):
                continue
            seen.add(generic)
            disposition = self.codes.crosswalk.fields.get(generic)
            if disposition is None:
                unknown += 1
                if unknown <= _UNKNOWN_MAX:
                    self.unmapped("PLATFORM_FIELD_UNKNOWN", _safe(path))
            elif (code := _IGNORED.get(disposition)) is not None:
                self._tell(FindingKind.IGNORED, code, path, {})
        if unknown > _UNKNOWN_MAX:
            self.unmapped("PLATFORM_FIELDS_UNKNOWN_MORE", "", count=unknown - _UNKNOWN_MAX)

    def _at(self, path: str) -> Any:
        found: Any = self.content
        for step in path.split("."):
            name, _, place = step.partition("[")
            found = found.get(name) if isinstance(found, Mapping) else None
            if place and isinstance(found, Sequence) and not isinstance(found, str):
                found = found[int(place[:-1])]
        return found


_IGNORED: Final = {
    "PERSONAL": "PLATFORM_IGNORED_PERSONAL",
    "TRANSPORT": "PLATFORM_IGNORED_TRANSPORT",
    "GONE": "PLATFORM_IGNORED_GONE",
    "OTHER_FUND": "PLATFORM_IGNORED_OTHER_FUND",
    "UNUSED": "PLATFORM_IGNORED_UNUSED",
}


def shown(code: str) -> str:
    """A code as it may be repeated; whatever is not in the form of one may be anything, a number of somebody's too."""
    return code if _CODE.fullmatch(code) and not _DIGITS.search(code) else "?"


def _safe(path: str) -> str:
    return ".".join(step if _is_key(step) else "?" for step in path.split("."))


def _is_key(step: str) -> bool:
    return bool(_STEP.fullmatch(step)) and not _DIGITS.search(step)


def _leaves(content: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Every value with its path; what is nested deeper than any message of the platform is one value."""
    if isinstance(content, Mapping) and depth < _DEPTH_MAX:
        for key, inside in content.items():
            name = _OURS.sub("?", str(key))
            yield from _leaves(inside, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(content, list) and depth < _DEPTH_MAX:
        for number, inside in enumerate(content):
            yield from _leaves(inside, f"{path}[{number}]", depth + 1)
    else:
        yield path, content
