"""A law from a directory of files: `<a>/<b>.yaml` is the parameter `a.b`, in the shape that OpenFisca reads.

Everything that is wrong is told at once. A key twice or unknown, a unit, key date, status or code that does not exist,
a number that is not plain, dates out of order and a date without its citation all keep the law from being read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from glob import glob
from pathlib import Path
from typing import Any, Final, cast

from services.kit.law.compiled import Law, of
from services.kit.law.model import Citation, Dated, Parameter
from services.kit.law.page import Page, below, open_page
from services.kit.law.problems import ParameterError, Problem, at
from services.kit.law.values import (
    KEY_DATES,
    STATUSES,
    UNITS,
    Codes,
    Status,
    Unfit,
    Value,
    day_of,
    value_of,
    within_reason,
)
from services.kit.messages import reason

ROOT: Final = "index.yaml"  # OpenFisca's file of a node; at the root it says that a directory is a whole law

_KEYS: Final = ("description", "metadata", "values")
_METADATA: Final = (
    "unit",
    "key_date",
    "status",
    "mandatory",
    "codes",
    "reference",
    "last_value_still_valid_on",
    "notes",
)
_OVERRIDE_KEYS: Final = ("metadata", "values")
_OVERRIDE_NEEDED: Final = ("status", "reference")
_VALUE: Final = ("value",)
_NEEDED: Final = ("unit", "key_date", "status", "reference")
_CITATION: Final = ("title", "title_en", "href")
_NODE: Final = ("description", "metadata")
_NAME: Final = re.compile(r"[A-Za-z0-9_]+")


def load(folder: Path) -> Law:
    """A whole law. Raises ParameterError with every problem of every file."""
    problems: list[Problem] = []
    found = {name: parameter(page, name, problems) for name, page in pages(folder, problems)}
    return law_of(found, problems)


def law_of(found: Mapping[str, Parameter | None], problems: Sequence[Problem]) -> Law:
    """The law, if nothing is wrong with it. Raises ParameterError."""
    if problems:
        raise ParameterError(problems)
    return of({name: one for name, one in found.items() if one is not None})


def pages(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, Page]]:
    """Every file that is to be a parameter, by name. Notes a file that is not named as one."""
    found = glob("**/*", root_dir=folder, recursive=True)  # noqa: PTH207  # Path.rglob stops at linked directories
    names = [Path(name) for name in sorted(found)]
    files = [path for path in names if path.suffix.lower() in {".yaml", ".yml"}]
    if not files:
        problems.append(at(str(folder), 0, "", reason("LAW_FOLDER_EMPTY")))
    for path in files:
        page, parts = open_page(folder / path), path.with_suffix("").parts
        if path.suffix != ".yaml" or not all(map(_NAME.fullmatch, parts)):
            page.wrong("", reason("LAW_FILE_NAME"))
            problems += page.problems
        elif path.name == ROOT:
            if page.content is not None:
                page.mapping("", page.content, _NODE)
            problems += page.problems
        else:
            yield ".".join(parts), page


def parameter(page: Page, name: str, problems: list[Problem], base: Parameter | None = None) -> Parameter | None:
    """One parameter of a whole law; None, and noted why, if it is wrong. What `base` fixes stays as it is."""
    raw, metadata = _parts(page, _KEYS, _NEEDED)
    unit = page.one_of("metadata.unit", metadata["unit"], UNITS) if "unit" in metadata else ""
    key_date = page.one_of("metadata.key_date", metadata["key_date"], KEY_DATES) if "key_date" in metadata else ""
    if base:
        unchanged(page, metadata, {"unit": base.unit, "key_date": base.key_date})
    description = page.words("description", raw["description"]) if "description" in raw else ""
    mandatory = page.one_of("metadata.mandatory", metadata.get("mandatory", "false"), ("true", "false")) == "true"
    codes = _codes(page, unit, metadata)
    values = _dated_values(page, name, raw, unit, codes)
    notes, valid_on = _remarks(page, metadata)
    problems += page.problems
    if page.problems:
        return None
    dates = tuple(dated.since for dated in values)
    return Parameter(name, description, unit, key_date, mandatory, dates, values, codes, notes, valid_on)


def override(page: Page, base: Parameter, problems: list[Problem]) -> Parameter | None:
    """The parameter with the values that a file lays over it, date by date; None, and noted why, if it is wrong."""
    raw, metadata = _parts(page, _OVERRIDE_KEYS, _OVERRIDE_NEEDED)
    mandatory = "true" if base.mandatory else "false"
    fixed = {"unit": base.unit, "key_date": base.key_date, "mandatory": mandatory, "codes": list(base.codes or ())}
    unchanged(page, metadata, fixed)
    description = page.words("description", raw["description"]) if "description" in raw else base.description
    laid = _dated_values(page, base.name, raw, base.unit, base.codes)
    notes, valid_on = _remarks(page, metadata)
    problems += page.problems
    if page.problems:
        return None
    by_date = {dated.since: dated for dated in (*base.values, *laid)}
    dates = tuple(sorted(by_date))
    return replace(
        base,
        description=description,
        dates=dates,
        values=tuple(by_date[day] for day in dates),
        notes=notes or base.notes,
        last_value_still_valid_on=valid_on or base.last_value_still_valid_on,
    )


def unchanged(page: Page, metadata: Mapping[str, Any], fixed: Mapping[str, Any]) -> None:
    """Note what a file gives and may not change."""
    for key, standing in fixed.items():
        if key in metadata and metadata[key] != standing:
            page.wrong(f"metadata.{key}", reason("LAW_FIXED", base=_shown(standing), given=_shown(metadata[key])))


def _shown(given: Any) -> str:
    return ", ".join(map(str, given)) if isinstance(given, list) else str(given)


def _parts(
    page: Page, needed: Sequence[str], of_metadata: Sequence[str]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The file and its metadata. A file that could not be read was noted already, and has neither."""
    if page.content is None and page.problems:
        return {}, {}
    raw = page.mapping("", page.content, _KEYS, needed)
    if "metadata" not in raw:
        return raw, {}
    return raw, page.mapping("metadata", raw["metadata"], _METADATA, of_metadata)


def _codes(page: Page, unit: str, metadata: Mapping[str, Any]) -> Codes:
    """The codes a parameter may take. One code is chosen from a list; several may be any."""
    if metadata.get("codes") is None:
        if unit == "code":
            page.wrong("metadata.codes", reason("LAW_CODES_MISSING"))
        return None
    try:
        found = value_of("codes", metadata["codes"], None)
    except Unfit as error:
        page.wrong("metadata.codes", error.reason)
        return None
    return cast("Codes", found)


def _remarks(page: Page, metadata: Mapping[str, Any]) -> tuple[str, date | None]:
    """What decides nothing: notes, and on which day somebody last looked whether the value still holds."""
    notes = page.words("metadata.notes", metadata["notes"]) if "notes" in metadata else ""
    given = metadata.get("last_value_still_valid_on")
    return notes, None if given is None else _day(page, "metadata.last_value_still_valid_on", given)


def _dated_values(page: Page, name: str, raw: Mapping[str, Any], unit: str, codes: Codes) -> tuple[Dated, ...]:
    """Every value with its citations and status, as far as they can be read."""
    values = page.mapping("values", raw["values"]) if "values" in raw else {}
    if "values" in raw and not values and isinstance(raw["values"], dict):
        page.wrong("values", reason("LAW_NO_DATE"))
    metadata = raw["metadata"] if isinstance(raw.get("metadata"), dict) else {}
    reference = page.mapping("metadata.reference", metadata["reference"]) if "reference" in metadata else {}
    _no_strays(page, "metadata.reference", reference, values)
    statuses = _statuses(page, metadata["status"], values) if "status" in metadata else {}
    found: list[Dated] = []
    for text, given in values.items():
        since = _day(page, f"values.{text}", text)
        value = _value(page, f"values.{text}", given, name=name, unit=unit, codes=codes)
        cited = _citations(page, text, reference) if "reference" in metadata else []
        if since and found and since <= found[-1].since:
            page.wrong(f"values.{text}", reason("LAW_DATE_ORDER"))
        if since and cited and text in statuses:
            first, *further = cited
            found.append(
                Dated(name, value, since, first.title, first.title_en, statuses[text], first.href, tuple(further))
            )
    return tuple(found)


def _value(page: Page, path: str, given: Any, *, name: str, unit: str, codes: Codes) -> Value:
    inside = page.mapping(path, given, _VALUE, _VALUE)
    try:
        return within_reason(name, unit, value_of(unit, inside["value"], codes)) if unit and "value" in inside else None
    except Unfit as error:
        page.wrong(f"{path}.value", error.reason)
        return None


def _no_strays(page: Page, path: str, given: Iterable[str], values: Mapping[str, Any]) -> None:
    for text in given:
        if text not in values:
            page.wrong(f"{path}.{text}", reason("LAW_DATE_WITHOUT_VALUE"))


def _statuses(page: Page, given: Any, values: Mapping[str, Any]) -> dict[str, Status]:
    """How sure each date's value is: one word for all, or one for each."""
    path = "metadata.status"
    if not isinstance(given, dict):
        return dict.fromkeys(values, cast("Status", page.one_of(path, given, STATUSES)))
    for text in [text for text in values if text not in given]:
        page.wrong(f"{path}.{text}", reason("LAW_STATUS_MISSING"))
    _no_strays(page, path, given, values)
    return {text: cast("Status", page.one_of(f"{path}.{text}", word, STATUSES)) for text, word in given.items()}


def _citations(page: Page, text: str, reference: Mapping[str, Any]) -> list[Citation]:
    path, given = f"metadata.reference.{text}", reference.get(text)
    if given is None or given == []:
        page.wrong(path, reason("LAW_CITATION_MISSING"))
        return []
    if not isinstance(given, list):
        page.wrong(path, reason("LAW_NOT_LIST"))
        return []
    return [_citation(page, f"{path}[{number}]", one) for number, one in enumerate(given)]


def _citation(page: Page, path: str, given: Any) -> Citation:
    cited = page.mapping(path, given, _CITATION, ("title", "title_en"))
    return Citation(**{name: page.words(below(path, name), cited[name]) if name in cited else "" for name in _CITATION})


def _day(page: Page, path: str, given: Any) -> date | None:
    try:
        return day_of(given)
    except ValueError:
        page.wrong(path, reason("LAW_NOT_DATE", given=given))
        return None
