"""What a value may be: units, key dates, statuses, and the text of each. Text becomes Decimal, never a float."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from services.kit.messages import Reason, reason

Status = Literal["confirmed", "secondary", "placeholder"]
Value = Decimal | bool | date | str | tuple[str, ...] | None  # str for a code, a tuple for codes, None where unset

STATUSES: Final[tuple[Status, ...]] = ("confirmed", "secondary", "placeholder")  # surest first
KEY_DATES: Final = ("event", "decision", "discharge", "visit", "item", "birth", "year")
FEN: Final = "currency-CNY-fen"
WHOLE: Final = ("day", "working-day", "month", "year", "times", FEN)
UNITS: Final = (*WHOLE, "hour", "/1", "boolean", "date", "code", "codes")

_FLAGS: Final = {"true": True, "false": False}
_WHOLE_NUMBER: Final = re.compile(r"0|[1-9][0-9]*")
_DECIMAL: Final = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODE: Final = re.compile(r"[A-Z0-9_-]+")

# What is larger is a slip, and so many days, months or years end in no year that there is.
_MOST: Final = {FEN: Decimal(10) ** 12 - 1, "year": Decimal(100)}
_MOST_OF_OTHERS: Final = Decimal(9999)
_DIVISOR: Final = re.compile(r"(.*[._])?divisor")
_SHARE: Final = re.compile(r"(.*[._])?(rate|pct|points|out_of_city)([._].*)?")

Codes = tuple[str, ...] | None  # those a parameter may take; None is any


class Unfit(ValueError):
    """The text is no value of its unit; `reason` says what it should be."""

    def __init__(self, wrong: Reason) -> None:
        super().__init__(wrong.code)
        self.reason = wrong


def value_of(unit: str, given: object, codes: Codes) -> Value:
    """The value that a file gives: a text, a list of texts, or None. Raises Unfit."""
    if given is None:
        return None
    if unit == "codes":
        return _codes(given, codes)
    if not isinstance(given, str):
        raise Unfit(reason("LAW_NOT_ONE_VALUE"))
    if unit == "code":
        return _code(given, codes)
    return _READERS.get(unit, _decimal)(given)


def within_reason(name: str, unit: str, value: Value) -> Value:
    """The value again. Raises Unfit for a number that can be read and cannot be meant: its name says what it does."""
    if isinstance(value, Decimal):
        most = _MOST.get(unit, _MOST_OF_OTHERS)
        if value > most:
            raise Unfit(reason("LAW_TOO_LARGE", given=str(value), most=str(most)))
        if value < 1 and _DIVISOR.fullmatch(name):
            raise Unfit(reason("LAW_DIVISOR_BELOW_ONE", given=str(value)))
        if unit == "/1" and value > 1 and _SHARE.fullmatch(name):
            raise Unfit(reason("LAW_SHARE_ABOVE_ONE", given=str(value)))
    return value


def given_text(unit: str, text: str) -> str | list[str] | None:
    """A value given as one text, in the form that a file gives it: codes by commas, unset as null."""
    if text in {"null", "~"}:
        return None
    return [part.strip() for part in text.split(",") if part.strip()] if unit == "codes" else text.strip()


def day_of(text: object) -> date:
    """Raises ValueError. Only 2022-05-25; other spellings of ISO 8601 are not for people."""
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise ValueError(f"{text} is no date")
    return date.fromisoformat(text)


def text_of(value: Value) -> str:
    """A value as a trace notes it and a person reads it; empty where unset."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case tuple():
            return ",".join(value)
        case _:
            return str(value)


def _whole_number(text: str) -> Decimal:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise Unfit(reason("LAW_NOT_WHOLE", given=text))
    return Decimal(text)


def _decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise Unfit(reason("LAW_NOT_DECIMAL", given=text))
    return Decimal(text)


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise Unfit(reason("LAW_NOT_FLAG", given=text))
    return _FLAGS[text]


def _day(text: str) -> date:
    try:
        return day_of(text)
    except ValueError:
        raise Unfit(reason("LAW_NOT_DATE", given=text)) from None


def _code(text: str, codes: Codes) -> str:
    if codes is None:
        if not _CODE.fullmatch(text):
            raise Unfit(reason("LAW_NOT_CODE", given=text))
    elif text not in codes:
        raise Unfit(reason("LAW_NOT_ONE_OF", given=text, known=", ".join(codes)))
    return text


def _codes(given: object, codes: Codes) -> tuple[str, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str) or not all(isinstance(code, str) for code in given):
        raise Unfit(reason("LAW_NOT_LIST"))
    found = tuple(_code(text, codes) for text in given)
    if len(set(found)) != len(found):
        raise Unfit(reason("LAW_CODE_TWICE"))
    return found


_READERS: Final[dict[str, Callable[[str], Value]]] = {
    **dict.fromkeys(WHOLE, _whole_number),
    "boolean": _flag,
    "date": _day,
}
