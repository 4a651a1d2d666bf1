"""Codes, dates, money and spans of time as words, in the language asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from services.kit.law import Law
from services.kit.messages import CATALOGUE, Language, text
from services.kit.money import yuan

_ENGLISH_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_INDEX: Final = re.compile(r"\[(\d+)\]")
_DAYS: Final = {"days", "fund_days", "window"}
_GESTATION: Final = {"gestation", "limit"}
_MONTHS: Final = {"months", "needed"}
_COUNTED: Final = {"day": "UNIT_DAYS", "month": "UNIT_MONTHS", "times": "UNIT_TIMES"}
_CODES: Final = {"event": "EVENT", "category": "CATEGORY", "surgery": "SURGERY"}


def values(given: Mapping[str, Any], language: Language) -> dict[str, str]:
    """The values of a step as its sentence shows them, each by its name."""
    return {name: value(name, one, language) for name, one in given.items()}


def value(name: str, given: Any, language: Language) -> str:  # noqa: PLR0911  # one answer for each kind of value
    if name.endswith("_fen"):
        return yuan(int(given))
    if name in _DAYS:
        return days(int(given), language)
    if name in _MONTHS:
        return counted("UNIT_MONTHS", int(given), language)
    if name in _GESTATION:
        return gestation(int(given), language)
    if name in _CODES:
        return text(f"{_CODES[name]}_{given}", language)
    match name:
        case "name":
            return parameter(given, language)
        case "fields":
            return listed([field(one, language) for one in str(given).split(", ")], language)
        case "hospital":
            return hospital(given, language)
        case "divisor":
            return _divisor(str(given), language)
        case _:
            said = str(given)
            return day(given, language) if isinstance(given, date) or _DATE.fullmatch(said) else said


def day(given: date | str, language: Language) -> str:
    one = date.fromisoformat(given) if isinstance(given, str) else given
    if language is Language.ZH:
        return f"{one.year}年{one.month}月{one.day}日"
    return f"{one.day} {_ENGLISH_MONTHS[one.month - 1]} {one.year}"


def month(given: int, language: Language) -> str:
    """A month as facts count it: year * 12 + month - 1."""
    year, index = divmod(given, 12)
    return f"{year}年{index + 1}月" if language is Language.ZH else f"{_ENGLISH_MONTHS[index]} {year}"


def days(count: int, language: Language) -> str:
    return counted("UNIT_DAYS", count, language)


def counted(unit: str, count: int, language: Language) -> str:
    return text(f"{unit}_1" if count == 1 else unit, language, count=count)


def gestation(count: int, language: Language) -> str:
    """The length of a pregnancy as a hospital writes it, the days beside it."""
    weeks, rest = divmod(count, 7)
    if not rest:
        return text("UNIT_GESTATION", language, weeks=weeks, count=count)
    code = "UNIT_GESTATION_DAYS_1" if rest == 1 else "UNIT_GESTATION_DAYS"
    return text(code, language, weeks=weeks, rest=rest, count=count)


def hospital(code: str, language: Language) -> str:
    return text("HOSPITAL_IS", language, code=code) if code else text("HOSPITAL_OTHER", language)


def field(path: str, language: Language) -> str:
    """A fact by its path, as `stays[0].discharge_date`."""
    place = _INDEX.search(path)
    code = "PATH_" + _INDEX.sub("", path).replace(".", "_").upper()
    return text(code, language, number=int(place[1]) + 1 if place else "")


def parameter(name: str, language: Language) -> str:
    """A parameter by the longest beginning of its name that has words, with its last part or without."""
    parts = name.upper().split(".")
    for length in range(len(parts), 0, -1):
        for code in ("_".join(["PARAMETER", *parts[:length], parts[-1]]), "_".join(["PARAMETER", *parts[:length]])):
            if code in CATALOGUE:
                return text(code, language)
    return name


def of_parameter(name: str, given: str, law: Law, language: Language) -> str:
    """A parameter's value with its unit; empty where the step's own sentence says it: a switch, a code, a long list."""
    unit = law[name].unit
    if unit in _COUNTED and given.isdecimal():
        return counted(_COUNTED[unit], int(given), language)
    match unit if given else "":
        case "currency-CNY-fen":
            return text("UNIT_YUAN", language, count=yuan(int(given)))
        case "date":
            return day(given, language)
        case "/1":
            return _share(Decimal(given))
        case _:
            return ""


def of(name: str, said: str, language: Language) -> str:
    return f"{name}：{said}" if language is Language.ZH else f"{name}: {said}"


def which(name: str, detail: str, language: Language) -> str:
    return f"{name}（{detail}）" if language is Language.ZH else f"{name} ({detail})"


def listed(parts: Iterable[str], language: Language) -> str:
    return ("、" if language is Language.ZH else ", ").join(parts)


def clauses(parts: Iterable[str], language: Language) -> str:
    return ("，" if language is Language.ZH else ", ").join(part for part in parts if part)


def _share(number: Decimal) -> str:
    """A fraction as percent; what is above 1 is a plain number."""
    return f"{(number * 100).normalize():f}%" if number <= 1 else f"{number.normalize():f}"


def _divisor(given: str, language: Language) -> str:
    """A divisor of several months reads as a fraction: 365 days to 12 months."""
    if "/" not in given:
        return given
    count, months = given.split("/")
    return f"（{count} ÷ {months}）" if language is Language.ZH else f"({count} / {months})"
