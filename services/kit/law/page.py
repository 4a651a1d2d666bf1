"""A file of the law as plain text that knows its lines, and a list of everything that is wrong with it.

Scalars stay the text they were written in, so no number ever becomes a float on its way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from services.kit.law.problems import Problem, at
from services.kit.messages import Reason, reason

_NULL: Final = "tag:yaml.org,2002:null"


@dataclass(slots=True)
class Page:
    """`content` is made of mappings, lists, texts and None; `lines` has every path inside it."""

    file: str
    content: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, path: str, given: Reason) -> None:
        self.problems.append(at(self.file, self.line(path), path, given))

    def line(self, path: str) -> int:
        """The line of a path, or of what would hold it."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)

    def mapping(
        self, path: str, given: Any, known: Collection[str] = (), needed: Collection[str] = ()
    ) -> Mapping[str, Any]:
        """The mapping, or an empty one. Notes a key that is not known, where keys are, and one that is missing."""
        if not isinstance(given, dict):
            self.wrong(path, reason("LAW_NOT_MAPPING"))
            return {}
        for key in given:
            if known and key not in known:
                self.wrong(below(path, key), reason("LAW_KEY_UNKNOWN", known=", ".join(known)))
        for key in needed:
            if key not in given:
                self.wrong(below(path, key), reason("LAW_KEY_MISSING"))
        return given

    def words(self, path: str, given: Any) -> str:
        """One line or more of text, or none."""
        if not isinstance(given, str) or not given.strip():
            self.wrong(path, reason("LAW_NOT_TEXT"))
            return ""
        return given

    def one_of(self, path: str, given: Any, known: Collection[str]) -> str:
        if not isinstance(given, str) or given not in known:
            self.wrong(path, reason("LAW_NOT_ONE_OF", given=given, known=", ".join(known)))
            return ""
        return given


def below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def open_page(path: Path) -> Page:
    """Read a file. What keeps it from being read is noted like anything else that is wrong."""
    try:
        return page_of(str(path), path.read_bytes())
    except OSError as error:
        page = Page(str(path))
        page.wrong("", reason("LAW_FILE_UNREADABLE", problem=error.strerror or type(error).__name__))
        return page


def page_of(file: str, raw: bytes) -> Page:
    """The page of what a file holds. JSON is read as the YAML it is, but that there a tab is white space."""
    page = Page(file)
    try:
        text = raw.decode("utf-8-sig")
        node = _compose(text.replace("\t", " ") if text.lstrip()[:1] in {"{", "["} else text)
        if node is not None:
            page.content = _content(node, "", page)
    except yaml.MarkedYAMLError as error:
        page.lines[""] = error.problem_mark.line + 1 if error.problem_mark else 1
        page.wrong("", reason("LAW_FILE_UNREADABLE", problem=error.problem or error.context))
    except UnicodeDecodeError:
        page.wrong("", reason("LAW_FILE_UNREADABLE", problem="not UTF-8"))
    except (RecursionError, ValueError, yaml.YAMLError):
        page.wrong("", reason("LAW_FILE_UNREADABLE", problem="not YAML"))
    return page


class _Loader(yaml.SafeLoader):
    """Composes nodes, and nothing that stands for another."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not taken", event.start_mark)  # type: ignore[arg-type]
        return super().compose_node(parent, index)


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _content(node: yaml.Node, path: str, page: Page) -> Any:
    page.lines.setdefault(path, node.start_mark.line + 1)
    match node:
        case yaml.MappingNode():
            return dict(_pairs(node, path, page))
        case yaml.SequenceNode():
            return [_content(item, f"{path}[{number}]", page) for number, item in enumerate(node.value)]
        case _:
            return None if node.tag == _NULL else node.value


def _pairs(node: yaml.MappingNode, path: str, page: Page) -> Iterator[tuple[str, Any]]:
    """The first of a key that is given twice."""
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        line, place = key_node.start_mark.line + 1, below(path, key)
        if key in seen:
            page.problems.append(at(page.file, line, place, reason("LAW_KEY_TWICE")))
            continue
        seen.add(key)
        page.lines[place] = line
        yield key, _content(value_node, place, page)
