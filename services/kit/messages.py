"""Every sentence a user reads, in Chinese and English, from one catalogue keyed by code (`texts/*.yaml`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Final, NamedTuple

import yaml

REASONS_MAX: Final = 50


class Language(StrEnum):
    ZH = "zh-CN"
    EN = "en"


class _Unkept(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"


@dataclass(frozen=True, slots=True)
class Reason:
    """A coded, located reason. `values` fill the text; they are limits and codes, never personal data."""

    code: str
    field: str = ""
    values: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.code not in CATALOGUE:
            raise KeyError(f"no text for {self.code} in texts/")

    def text(self, language: Language) -> str:
        """One that was kept by an earlier release may lack a value that its sentence names by now."""
        values = {name: _in_words(value, language) if name == "form" else value for name, value in self.values}
        return CATALOGUE[self.code][language].format_map(_Unkept(values))


def _in_words(form: str, language: Language) -> str:
    """Nobody at a counter reads a pattern; the value keeps it, for programs."""
    return CATALOGUE[form][language] if form in CATALOGUE else form


def reason(code: str, field: str = "", /, **values: object) -> Reason:
    return Reason(code, field, tuple((name, str(value)) for name, value in values.items()))


class Kept(NamedTuple):
    """A reason as a table keeps it. Its code may be of another release, and its values may not have been kept."""

    code: str
    field: str = ""
    values: tuple[tuple[str, str], ...] = ()

    def text(self, language: Language) -> str:
        """Empty for a code that is not known here, with an ellipsis for a value that was not kept."""
        return Reason(self.code, self.field, self.values).text(language) if self.code in CATALOGUE else ""


def values_of(reasons: Sequence[Reason]) -> str | None:
    """What fills their texts, as JSON for a column: an object each. None where no text is filled."""
    return json.dumps([dict(one.values) for one in reasons]) if any(one.values for one in reasons) else None


def read_values(column: str | None, count: int) -> list[tuple[tuple[str, str], ...]]:
    """What `values_of` wrote, for so many reasons."""
    return [tuple(one.items()) for one in json.loads(column)] if column else [()] * count


def few(reasons: Sequence[Reason]) -> list[Reason]:
    """As many as a person reads: a small record can be wrong in thousands of places, and its answer must still fit."""
    if len(reasons) <= REASONS_MAX:
        return list(reasons)
    return [*reasons[:REASONS_MAX], more_reasons(len(reasons) - REASONS_MAX)]


def more_reasons(count: int) -> Reason:
    return reason("MORE_REASONS", more=count)


def text(code: str, language: Language, /, **values: object) -> str:
    """The sentence of `code`. Raises KeyError for a code or value the catalogue does not know."""
    return CATALOGUE[code][language].format(**values)


# libyaml's, where PyYAML was built with it: every process of ours starts by reading all texts, and in Python that takes
# 0.4 s.
_LOADER: Final[type[yaml.SafeLoader | yaml.CSafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _load() -> Mapping[str, Mapping[Language, str]]:
    catalogue: dict[str, Mapping[Language, str]] = {}
    for path in sorted(Path(__file__).with_name("texts").glob("*.yaml")):
        for code, entry in yaml.load(path.read_text("utf-8"), _LOADER).items():  # noqa: S506  # a safe one
            if code in catalogue:
                raise ValueError(f"{path.name}: {code} has its text in another file")
            catalogue[code] = {language: entry[language.value] for language in Language}
    for code, entry in catalogue.items():
        names = {
            language: {name for _, name, _, _ in Formatter().parse(entry[language]) if name} for language in Language
        }
        if names[Language.ZH] != names[Language.EN]:
            raise ValueError(f"texts: {code} does not name the same values in both languages")
    return catalogue


CATALOGUE: Final = _load()
