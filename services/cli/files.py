"""Reading a user's file: YAML, JSON or one JSON object a line, into rows that know where they came from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from services.cli.failures import Exit, Failure, coded

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="- is standard input")]
_LINES = {".ndjson", ".jsonl"}
_YAML = {".yaml", ".yml"}


@dataclass(frozen=True, slots=True)
class Row:
    """`number` counts from 1; in a file of lines it is the line. `place` names file and number for a person."""

    number: int
    place: str
    content: object


class _Loader(yaml.SafeLoader):
    """Keeps scalars as text, but for true, false and null: the JSON mapping takes numbers and times as text.

    So an unquoted ID number, division code or timestamp stays what was written. A key given twice is refused.
    """


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    return _once(
        [(loader.construct_scalar(key), loader.construct_object(value, deep=True)) for key, value in node.value]
    )


def _scalar(loader: _Loader, node: yaml.ScalarNode) -> object:
    return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
for _tag in ("int", "float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _scalar)


def read_rows(path: Path) -> list[Row]:
    """The rows of a file; `-` is standard input. Raises Failure if it cannot be read as a whole."""
    name = "stdin" if str(path) == "-" else path.name
    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        rows = list(parse_rows(raw.decode("utf-8-sig"), name))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Failure(Exit.USAGE, [coded("CLI_FILE_UNREADABLE", name, problem=_brief(error))]) from error
    if not rows:
        raise Failure(Exit.USAGE, [coded("CLI_FILE_EMPTY", name)])
    return rows


def parse_rows(text: str, name: str) -> Iterator[Row]:
    """Raises ValueError or YAMLError. What is not named by its ending is told by how it begins."""
    suffix = Path(name).suffix.lower()
    if suffix in _LINES or (suffix not in _YAML and _is_lines(text)):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield Row(number, f"{name}:{number}", _json(line, f"{name}:{number}"))
        return
    if suffix not in _YAML and text.lstrip()[:1] in {"{", "["}:
        documents = [_json(text, name)]
    else:
        documents = list(yaml.load_all(text, _Loader))
    items = [item for document in documents for item in (document if isinstance(document, list) else [document])]
    for number, item in enumerate((item for item in items if item is not None), 1):
        yield Row(number, f"{name}[{number}]", item)


def write_errors(path: Path, errors: Iterable[Mapping[str, object]]) -> None:
    """What was not taken, one JSON object a line. Where there is nothing to tell, a file of a run before is removed: it
    would say that something is still wrong.
    """
    text = "".join(json.dumps(error, ensure_ascii=False) + "\n" for error in errors)
    if text:
        path.write_text(text, "utf-8")
    else:
        path.unlink(missing_ok=True)


def _is_lines(text: str) -> bool:
    """Two or more lines, of which the first is a JSON object by itself."""
    first, _, rest = text.strip().partition("\n")
    try:
        return bool(rest) and isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"{place}: {error}") from error


def _once(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} is given twice")
        found[str(key)] = value
    return found


def _brief(error: Exception) -> str:
    """Where and what, without the text of the file: it may hold personal data."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return str(error)
