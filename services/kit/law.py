"""Law as data: parameters by date, each with its citation, in the OpenFisca shape.

A file `parameters/<a>/<b>.yaml` is the parameter `a.b`. Text becomes Decimal, never float; a key twice, an unknown
key or unit, dates out of order or a date without citation stop the start; a date before the first value raises.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, get_args

import orjson
import yaml

Status = Literal["confirmed", "secondary", "placeholder"]
Value = Decimal | bool | date | None

_KEYS: Final = {"description", "metadata", "values"}
_METADATA_KEYS: Final = {"unit", "key_date", "status", "mandatory", "reference", "last_value_still_valid_on", "notes"}
_CITATION_KEYS: Final = {"title", "title_en", "href"}
_UNITS: Final = {"day", "month", "currency-CNY-fen", "boolean", "date", "/1"}
_KEY_DATES: Final = {"event", "decision"}


class ParameterError(ValueError):
    """A parameter file is wrong; says which file and where."""


class NotInForce(LookupError):
    """No value is in force on that date."""


@dataclass(frozen=True)
class Dated:
    """A value in force: since when, by which citation, how sure."""

    name: str
    value: Value
    since: date
    citation: str  # in Chinese, the law's own language
    citation_en: str
    status: Status

    @cached_property
    def stamp(self) -> tuple[str, str, str, Status]:
        """Name, value, date and status as a trace notes them."""
        return self.name, _text(self.value) or "", self.since.isoformat(), self.status

    @property
    def number(self) -> Decimal:
        if not isinstance(self.value, Decimal):
            raise TypeError(f"{self.name} is not a number")
        return self.value

    @property
    def count(self) -> int:
        return int(self.number)


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    description: str
    unit: str
    key_date: str
    status: Status
    mandatory: bool
    dates: tuple[date, ...]
    values: tuple[Dated, ...]

    def at(self, day: date) -> Dated:
        """The value in force on a day. Raises NotInForce before the first."""
        index = bisect_right(self.dates, day)
        if not index:
            raise NotInForce(f"{self.name} has no value on {day}")
        return self.values[index - 1]


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """The effective law: every parameter, its canonical JSON, and the digest by which it is known."""

    parameters: Mapping[str, Parameter]
    content: str
    digest: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Law) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __getitem__(self, name: str) -> Parameter:
        return self.parameters[name]

    @property
    def first_day(self) -> date:
        """From here on every parameter has a value."""
        return max(parameter.dates[0] for parameter in self.parameters.values())


class _Strict(yaml.SafeLoader):
    """Keeps scalars as text and refuses a key given twice."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_scalar(key_node))
        if key in found:
            raise ParameterError(f"line {key_node.start_mark.line + 1}: {key} is given twice")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _scalar(loader: _Strict, node: yaml.ScalarNode) -> object:
    return loader.construct_scalar(node)


_Strict.add_constructor("tag:yaml.org,2002:map", _mapping)
for _tag in ("int", "float", "bool", "timestamp"):
    _Strict.add_constructor(f"tag:yaml.org,2002:{_tag}", _scalar)


def load(folder: Path) -> Law:
    """Read every parameter under `folder`. Raises ParameterError with file and place."""
    parameters = {}
    for path in sorted(folder.rglob("*.yaml")):
        name = ".".join(path.relative_to(folder).with_suffix("").parts)
        try:
            parameters[name] = _parameter(name, yaml.load(path.read_text("utf-8"), _Strict))  # noqa: S506  # a safe loader
        except (ParameterError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise ParameterError(f"{path}: {error}") from error
    return of(parameters)


def of(parameters: Mapping[str, Parameter]) -> Law:
    content = canonical({name: _as_data(parameters[name]) for name in sorted(parameters)})
    return Law(parameters, content, hashlib.sha256(content.encode()).hexdigest())


def from_content(content: str) -> Law:
    """The law as it was stored. Deciding again uses this, never the files."""
    return of({name: _parameter(name, raw) for name, raw in orjson.loads(content).items()})


def canonical(data: object) -> str:
    """The one way data becomes JSON where bytes are compared."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()


def _parameter(name: str, raw: Mapping[str, Any]) -> Parameter:
    _only(raw, _KEYS, "", needed=_KEYS)
    metadata = raw["metadata"]
    _only(metadata, _METADATA_KEYS, "metadata", needed={"reference"})
    unit, status = metadata.get("unit"), metadata.get("status")
    if unit not in _UNITS:
        raise ParameterError(f"metadata.unit: {unit} is none of {', '.join(sorted(_UNITS))}")
    if status not in get_args(Status):
        raise ParameterError(f"metadata.status: {status} is none of {', '.join(get_args(Status))}")
    if metadata.get("key_date") not in _KEY_DATES:
        raise ParameterError(
            f"metadata.key_date: {metadata.get('key_date')} is none of {', '.join(sorted(_KEY_DATES))}"
        )
    dates = [_date(text, "values") for text in _only(raw["values"], None, "values")]
    if not dates or dates != sorted(dates):
        raise ParameterError("values: dates must be given, earliest first")
    values = [_dated(name, unit, status, day, raw["values"], metadata["reference"]) for day in dates]
    return Parameter(
        name,
        raw["description"],
        unit,
        metadata["key_date"],
        status,
        metadata.get("mandatory") == "true",
        tuple(dates),
        tuple(values),
    )


def _dated(name: str, unit: str, status: Status, day: date, values: object, reference: object) -> Dated:  # noqa: PLR0917
    place, key = f"metadata.reference.{day}", day.isoformat()
    cited = _only(reference, None, "metadata.reference").get(key)
    if not cited:
        raise ParameterError(f"metadata.reference: no citation for {day}")
    if not isinstance(cited, list):
        raise ParameterError(f"{place}: must be a list of citations")
    first = _only(cited[0], _CITATION_KEYS, place, needed={"title", "title_en"})
    given = _only(_only(values, None, "values")[key], {"value"}, f"values.{day}", needed={"value"})
    value = _value(unit, given["value"], f"values.{day}")
    return Dated(name, value, day, first["title"], first["title_en"], status)


def _only(raw: object, known: set[str] | None, path: str, needed: Collection[str] = ()) -> dict[str, Any]:
    """The mapping `raw`, with no key that is not known and every key that is needed."""
    at = f"{path}." if path else ""
    if not isinstance(raw, dict):
        raise ParameterError(f"{path or 'the file'} must be a mapping")
    for key in raw:
        if known is not None and key not in known:
            raise ParameterError(f"{at}{key} is not known here; known are {', '.join(sorted(known))}")
    for key in sorted(needed):
        if key not in raw:
            raise ParameterError(f"{at}{key} is missing")
    return raw


def _date(text: str, path: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"{path}: {text} is no date") from None


def _value(unit: str, text: str | None, path: str) -> Value:
    if text is None or text in {"", "null", "~"}:
        return None
    try:
        match unit:
            case "boolean":
                return {"true": True, "false": False}[text]
            case "date":
                return date.fromisoformat(text)
            case _:
                number = Decimal(text)
                if not number.is_finite():
                    raise ParameterError(f"{path}: {text} is no {unit}")
                return number
    except (KeyError, ValueError, InvalidOperation):
        raise ParameterError(f"{path}: {text} is no {unit}") from None


def _text(value: Value) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _as_data(parameter: Parameter) -> dict[str, Any]:
    """The parameter as its file has it, in the one form that is hashed and stored."""
    return {
        "description": parameter.description,
        "metadata": {
            "unit": parameter.unit,
            "key_date": parameter.key_date,
            "status": parameter.status,
            "mandatory": "true" if parameter.mandatory else "false",
            "reference": {
                dated.since.isoformat(): [{"title": dated.citation, "title_en": dated.citation_en}]
                for dated in parameter.values
            },
        },
        "values": {dated.since.isoformat(): {"value": _text(dated.value)} for dated in parameter.values},
    }
