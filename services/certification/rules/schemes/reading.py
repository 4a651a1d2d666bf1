"""A version of the scheme from its directory, or from what was stored of it; every problem at once, with its place."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson

from services.certification.model import Admission, Dimension, Indicator, IndicatorKind, Scheme, Suspension, Veto
from services.certification.rules.schemes import fields, head
from services.certification.rules.schemes.indicators import Known, indicators
from services.kit.law import ParameterError, Problem, canonical, unknown_parameter
from services.kit.law.page import Page, open_page
from services.kit.law.problems import at
from services.kit.law.values import given_text
from services.kit.messages import reason

_HEAD: Final = "scheme"
_FILES: Final[Mapping[str, tuple[IndicatorKind, Dimension | None]]] = {
    "gates": (IndicatorKind.GATE, None),
    **{str(one): (IndicatorKind.SCORED, one) for one in Dimension},
    "bonus": (IndicatorKind.BONUS, None),
}


def versions(folder: Path) -> dict[int, Scheme]:
    """Every version of a folder, by number. Raises ParameterError."""
    found = [read(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    return {one.version: one for one in found}


def version_on(schemes: Mapping[int, Scheme], day: date) -> Scheme | None:
    """The version that an application submitted on a day goes by; whatever comes later, it stays with that one."""
    in_force = [one for one in schemes.values() if one.in_force_from is not None and one.in_force_from <= day]
    return max(in_force, key=lambda one: (one.in_force_from, one.version), default=None)


def read(folder: Path) -> Scheme:
    """One version. Raises ParameterError with every problem of every file."""
    strays = sorted({path.name for path in folder.iterdir()} - {f"{name}.yaml" for name in (_HEAD, *_FILES)})
    pages = {name: open_page(folder / f"{name}.yaml") for name in (_HEAD, *_FILES)}
    for name in strays:
        pages[_HEAD].problems.append(at(str(folder / name), 0, "", reason("LAW_FILE_NAME")))
    return _scheme(pages)


def from_content(content: str) -> Scheme:
    """The version as it was stored. Deciding again uses this, never the files."""
    return _of(orjson.loads(content))


def given(scheme: Scheme, figures: Mapping[str, str]) -> Scheme:
    """The version with these figures, each by a text, for one case. Raises ParameterError."""
    if not figures:
        return scheme
    content = orjson.loads(scheme.content)
    known = content[_HEAD]["figures"]
    if wrong := [at("", 0, name, unknown_parameter(name, known)) for name in figures if name not in known]:
        raise ParameterError(wrong)
    for name, text in figures.items():
        known[name] |= {"value": given_text(known[name]["unit"], text), "status": "confirmed"}
    return _of(content)


def _of(content: Mapping[str, Any]) -> Scheme:
    return _scheme({name: Page("", content.get(name)) for name in (_HEAD, *_FILES)})


def _scheme(pages: Mapping[str, Page]) -> Scheme:
    page, content = pages[_HEAD], canonical({name: one.content for name, one in pages.items()})
    if unread := [problem for one in pages.values() for problem in one.problems]:
        raise ParameterError(unread)
    raw = page.mapping("", page.content, head.KEYS, head.KEYS)
    laws = head.laws(page, raw)
    drafted = head.day(page, "drafted_on", raw.get("drafted_on"))
    start = raw.get("in_force_from")
    in_force = None if start is None else head.day(page, "in_force_from", start)
    dimensions, kinds = head.dimensions(page, raw), head.evidence_kinds(page, raw)
    found = {name: indicators(pages[name], Known(*of, laws, kinds)) for name, of in _FILES.items()}
    _check_sums(pages, found, {one: of.most for one, of in dimensions.items()})
    _check_ids(pages, found)
    issuer = page.mapping("issuer", raw.get("issuer"), (*fields.WORDS, "status"), (*fields.WORDS, "status"))
    notice = page.mapping("notice", raw.get("notice"), fields.WORDS, fields.WORDS)
    scheme = Scheme(
        page.words("id", raw.get("id")),
        int(fields.number(page, "version", raw.get("version"))),
        fields.words(page, "", raw),
        drafted,
        in_force,
        fields.words(page, "notice", notice),
        fields.words(page, "issuer", issuer),
        laws,
        dimensions,
        head.figures(page, raw, laws, in_force or drafted),
        tuple(one for of_file in found.values() for one in of_file),
        head.terms(page, raw),
        kinds,
        head.events(page, raw, "admission", Admission, laws),
        head.events(page, raw, "vetoes", Veto, laws),
        head.events(page, raw, "suspensions", Suspension, laws),
        head.statements(page, raw),
        content,
        hashlib.sha256(content.encode()).hexdigest(),
    )
    problems: Sequence[Problem] = [problem for one in pages.values() for problem in one.problems]
    if problems:
        raise ParameterError(problems)
    return scheme


def _check_sums(pages: Mapping[str, Page], found: Mapping[str, list[Indicator]], most: Mapping[Dimension, Any]) -> None:
    for dimension, due in most.items():
        if (total := sum(one.points for one in found[dimension])) != due:
            pages[dimension].wrong("indicators", reason("SCHEME_SUM", got=total, due=due))


def _check_ids(pages: Mapping[str, Page], found: Mapping[str, list[Indicator]]) -> None:
    count = Counter(one.id for of_file in found.values() for one in of_file)
    for name, of_file in found.items():
        for place, one in enumerate(of_file):
            if count[one.id] > 1:
                pages[name].wrong(f"indicators[{place}].id", reason("SCHEME_ID_TWICE", id=one.id))
