"""Reading a folder of crosswalk versions. Everything that is wrong is told at once, with file, line and path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

from services.claims.wire.platform.crosswalk.model import (
    CONFIDENCES,
    TARGETS,
    CodeSet,
    Confidence,
    Crosswalk,
    Disposition,
    Entry,
    Limits,
    Sender,
)
from services.kit.law.page import Page, below, open_page
from services.kit.law.problems import ParameterError, Problem, at
from services.kit.law.values import day_of
from services.kit.messages import reason

_KEYS: Final = ("version", "valid_from", "description", "sources", "sets", "lists", "senders", "limits", "fields")
_ENTRY: Final = ("to", "confidence", "source")
_LIMIT: Final = ("value", "confidence", "source")
_SET: Final = ("codes", "prefixes")
_LIMITS: Final = (
    "rounding_fen",
    "gestation_unclear_weeks",
    "gestation_weeks_least",
    "gestation_weeks_most",
    "delivery_weeks_least",
)
IGNORED: Final = ("PERSONAL", "TRANSPORT", "GONE", "OTHER_FUND", "UNUSED")
MAPPED: Final = "MAPPED"
_TOTALS: Final = ("hospital", "source")
_DIVISION: Final = re.compile(r"[0-9]{6}")
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,3}")
_FIELD: Final = re.compile(r"[A-Za-z0-9_]+(\[\])?(\.[A-Za-z0-9_]+(\[\])?)*")


def load(folder: Path) -> tuple[Crosswalk, ...]:
    """Every version in the folder, in order of its first day. Raises ParameterError with all that is wrong."""
    pages = [open_page(path) for path in sorted(folder.glob("*.yaml"))]
    found = [_Reader(page).crosswalk() for page in pages]
    problems = [problem for page in pages for problem in page.problems]
    if not pages:
        problems.append(at(str(folder), 0, "", reason("LAW_FOLDER_EMPTY")))
    versions = sorted((one for one in found if one is not None), key=lambda one: one.valid_from)
    problems += _twice(folder, versions)
    if problems:
        raise ParameterError(problems)
    return tuple(versions)


def _twice(folder: Path, versions: Sequence[Crosswalk]) -> Iterator[Problem]:
    for one, other in pairwise(versions):
        if one.valid_from == other.valid_from:
            yield at(str(folder), 0, "valid_from", reason("CROSSWALK_SAME_DAY", one=one.version, other=other.version))


class _Reader:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.sources: Mapping[str, Any] = {}

    def crosswalk(self) -> Crosswalk | None:
        """The version, or None with its problems noted on the page."""
        if self.page.content is None:
            if not self.page.problems:
                self.page.wrong("", reason("LAW_NOT_MAPPING"))
            return None
        raw = self.page.mapping("", self.page.content, _KEYS, _KEYS)
        given: dict[str, Any] = {key: raw.get(key) for key in _KEYS}
        self.page.words("description", given["description"])
        self.sources = self._mapping("sources", given["sources"])
        sources = {name: self._source(name, one) for name, one in self.sources.items()}
        sets = self._sets("sets", given["sets"])
        for missing in [name for name in TARGETS if name not in sets]:
            self.page.wrong(f"sets.{missing}", reason("LAW_KEY_MISSING"))
        lists = {name: self._sets(f"lists.{name}", one) for name, one in self._mapping("lists", given["lists"]).items()}
        senders = self._senders(given["senders"], lists)
        limits = self._limits(given["limits"])
        fields = self._fields(given["fields"])
        version = self._version(given["version"])
        try:
            valid_from = day_of(given["valid_from"])
        except ValueError:
            self.page.wrong("valid_from", reason("LAW_NOT_DATE", given=given["valid_from"]))
            return None
        if self.page.problems:
            return None
        return Crosswalk(version, valid_from, sources, sets, lists, senders, limits, fields)

    def _version(self, given: Any) -> str:
        version = self.page.words("version", given)
        if version and version != Path(self.page.file).stem:
            self.page.wrong("version", reason("CROSSWALK_FILE_NAME", given=version))
        return version

    def _mapping(
        self, path: str, given: Any, known: Sequence[str] = (), needed: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        return self.page.mapping(path, given, known, needed)

    def _source(self, name: str, given: Any) -> tuple[str, str]:
        keys = ("title", "title_en")
        one = self._mapping(f"sources.{name}", given, keys, keys)
        title, title_en = [self.page.words(f"sources.{name}.{key}", one[key]) if key in one else "" for key in keys]
        return title, title_en

    def _sets(self, path: str, given: Any) -> dict[str, CodeSet]:
        return {
            name: self._set(below(path, name), name, one)
            for name, one in self._mapping(path, given, tuple(TARGETS)).items()
            if name in TARGETS
        }

    def _set(self, path: str, name: str, given: Any) -> CodeSet:
        one = self._mapping(path, given, _SET)
        codes, prefixes = [
            {
                code: self._entry(f"{path}.{part}.{code}", name, entry)
                for code, entry in self._mapping(f"{path}.{part}", one[part]).items()
            }
            if part in one
            else {}
            for part in _SET
        ]
        return CodeSet(codes, prefixes)

    def _entry(self, path: str, name: str, given: Any) -> Entry:
        one = self._mapping(path, given, _ENTRY, _ENTRY)
        targets = TARGETS[name]
        to = str(one.get("to"))
        if "to" in one and targets is not None:
            self.page.one_of(f"{path}.to", one["to"], targets)
        elif "to" in one and not _DIVISION.fullmatch(to):
            self.page.wrong(f"{path}.to", reason("LAW_NOT_CODE", given=to))
        return Entry(to, *self._cited(path, one))

    def _cited(self, path: str, one: Mapping[str, Any]) -> tuple[Confidence, str]:
        """How sure, and by whose word: one of the sources that the file names."""
        confidence = (
            self.page.one_of(f"{path}.confidence", one["confidence"], CONFIDENCES) if "confidence" in one else ""
        )
        source = self.page.one_of(f"{path}.source", one["source"], tuple(self.sources)) if "source" in one else ""
        return cast("Confidence", confidence), source

    def _senders(self, given: Any, lists: Mapping[str, Any]) -> dict[str, Sender]:
        found = {}
        for name, raw in self._mapping("senders", given).items():
            path = f"senders.{name}"
            one = self._mapping(path, raw, ("lists", "totals"), ("lists", "totals"))
            used = one.get("lists")
            if "lists" in one and not isinstance(used, list):
                self.page.wrong(f"{path}.lists", reason("LAW_NOT_LIST"))
                used = []
            for place, known in enumerate(used or []):
                self.page.one_of(f"{path}.lists[{place}]", known, tuple(lists))
            totals = self.page.one_of(f"{path}.totals", one["totals"], _TOTALS) if "totals" in one else ""
            found[name] = Sender(tuple(map(str, used or [])), totals == "source")
        return found

    def _limits(self, given: Any) -> Limits:
        raw = self._mapping("limits", given, _LIMITS, _LIMITS)
        values = {name: self._limit(name, raw[name]) if name in raw else () for name in _LIMITS}
        one = {name: value[0] if value else 0 for name, value in values.items()}
        return Limits(
            rounding_fen=one["rounding_fen"],
            unclear_weeks=values["gestation_unclear_weeks"],
            weeks_least=one["gestation_weeks_least"],
            weeks_most=one["gestation_weeks_most"],
            delivery_weeks_least=one["delivery_weeks_least"],
        )

    def _limit(self, name: str, given: Any) -> tuple[int, ...]:
        path = f"limits.{name}"
        one = self._mapping(path, given, _LIMIT, _LIMIT)
        self._cited(path, one)
        value = one.get("value")
        texts = value if isinstance(value, list) and name == "gestation_unclear_weeks" else [value]
        for text in texts:
            if not isinstance(text, str) or not _WHOLE.fullmatch(text):
                self.page.wrong(f"{path}.value", reason("LAW_NOT_WHOLE", given=text))
                return ()
        return tuple(map(int, texts))

    def _fields(self, given: Any) -> dict[str, Disposition]:
        raw = self._mapping("fields", given, ("mapped", "ignored"), ("mapped", "ignored"))
        groups = {"mapped": (MAPPED, raw.get("mapped", []))}
        for name, paths in self._mapping("fields.ignored", raw.get("ignored", {}), IGNORED).items():
            groups[f"ignored.{name}"] = (name, paths)
        found: dict[str, Disposition] = {}
        for group, (disposition, paths) in groups.items():
            place = f"fields.{group}"
            if not isinstance(paths, list):
                self.page.wrong(place, reason("LAW_NOT_LIST"))
                continue
            for number, field in enumerate(paths):
                if not isinstance(field, str) or not _FIELD.fullmatch(field):
                    self.page.wrong(f"{place}[{number}]", reason("CROSSWALK_FIELD_FORM"))
                elif field in found:
                    self.page.wrong(f"{place}[{number}]", reason("LAW_CODE_TWICE"))
                else:
                    found[field] = disposition
        return found


SHIPPED: Final = load(Path(__file__).parent)
