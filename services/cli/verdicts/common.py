"""Worked cases judged, whatever service they are of: read, decided by its rules, compared with what is expected."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from services.kit.errors import Invalid
from services.kit.given import Given, path_text
from services.kit.law.page import Page
from services.kit.messages import Language, Reason, reason

SERVICES: Final = ("claims", "certification", "nursery")
_KEYS: Final = ("name", "ref", "law", "parameters", "facts", "expect")
_NEEDED: Final = ("name", "facts", "expect")


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    expected: Any
    got: Any


@dataclass(frozen=True, slots=True)
class Found:
    """What a case came to: its result by name, the digest of its law, and how it is told to a person."""

    figures: Mapping[str, Any]
    digest: str
    notice: Callable[[Language], str]
    differences: tuple[Difference, ...]


Judge = Callable[[Mapping[str, Any], str], Found]  # a case, and its path; raises Invalid


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problems` are why it could not be decided or compared; `cases` is how many it stands for."""

    file: str
    line: int
    name: str
    ref: str = ""
    found: Found | None = None
    problems: tuple[tuple[int, Reason], ...] = ()
    cases: int = 1

    @property
    def differences(self) -> tuple[Difference, ...]:
        return self.found.differences if self.found else ()

    @property
    def status(self) -> str:
        return "ERROR" if self.problems else "FAIL" if self.differences else "ok"


def judge(page: Page, judges: Mapping[str, Judge]) -> list[Verdict]:
    """Every case of one file. Raises Invalid for a file that holds no cases."""
    content = page.content if isinstance(page.content, Mapping) else {}
    service, cases = content.get("service"), content.get("cases")
    wrong = [reason("CASE_KEY_UNKNOWN", name, known="service, cases") for name in content.keys() - {"service", "cases"}]
    if service not in SERVICES:
        wrong.append(reason("CASES_SERVICE_UNKNOWN", "service", known=", ".join(SERVICES)))
    if not isinstance(cases, list) or not cases:
        wrong.append(reason("CASES_NONE", "cases"))
    if wrong or not isinstance(cases, list):
        raise Invalid(*wrong)
    if not isinstance(service, str) or service not in judges:
        problem = (page.line("service"), reason("CASES_SERVICE_NOT_BUILT", "service", service=service))
        return [Verdict(page.file, problem[0], str(service), problems=(problem,), cases=len(cases))]
    return [_judged(page, case, f"cases[{number}]", judges[service]) for number, case in enumerate(cases)]


def _judged(page: Page, raw: object, at: str, judge_of: Judge) -> Verdict:
    case = raw if isinstance(raw, Mapping) else {}
    line, name, ref = page.line(at), _said(case.get("name")), _said(case.get("ref"))
    try:
        _check_keys(raw, at)
        found = judge_of(case, at)
    except Invalid as error:
        problems = tuple((page.line(given.field), _inside(given, at)) for given in error.reasons)
        return Verdict(page.file, line, name, ref, problems=problems)
    return Verdict(page.file, line, name, ref, found)


def texts(given: object, at: str) -> dict[str, str]:
    """Parameters as texts: a list by commas, nothing as null. Raises Invalid."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise Invalid(reason("FACT_NOT_MAPPING", at))
    return {name: _as_one(value) for name, value in given.items()}


def _as_one(value: object) -> str:
    if value is None:
        return "null"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _check_keys(raw: object, at: str) -> None:
    if not isinstance(raw, Mapping):
        raise Invalid(reason("FACT_NOT_MAPPING", at))
    wrong = [
        reason("CASE_KEY_UNKNOWN", path_text([name], at), known=", ".join(_KEYS)) for name in raw if name not in _KEYS
    ]
    wrong += [reason("CASE_KEY_MISSING", f"{at}.{name}") for name in _NEEDED if not raw.get(name)]
    if wrong:
        raise Invalid(*wrong)


def named(expected: Given) -> list[str]:
    """What a case names of what it may expect; null says that there is none."""
    return [name for name in type(expected).model_fields if name in expected.model_fields_set]


def differences(expected: Given, got: Mapping[str, Any], sets: Collection[str] = ("reasons",)) -> Iterator[Difference]:
    """The expected fields that are not so. A field not named is not compared."""
    for name in named(expected):
        wanted = getattr(expected, name)
        if name in sets:
            wanted = wanted or ()
            same = set(wanted) == set(got[name])
        else:
            same = wanted == got[name]
        if not same:
            yield Difference(name, as_text(wanted), as_text(got[name]))


def as_text(value: Any) -> Any:
    """A value as JSON takes it and a case writes it."""
    match value:
        case date():
            return value.isoformat()
        case tuple():
            return sorted(map(str, value))
        case _:
            return value


def _inside(given: Reason, at: str) -> Reason:
    """The reason by its path inside the case."""
    return Reason(given.code, given.field.removeprefix(at).removeprefix("."), given.values)


def _said(value: object) -> str:
    """On one line, for it stands in one; half a character of JSON is none."""
    return " ".join(value.encode("utf-8", "replace").decode().split()) if isinstance(value, str) else ""
