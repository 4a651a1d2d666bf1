"""The single values of the public format of facts: as text of a file or as JSON and protobuf have them.

Each refuses by a code what does not fit, and repeats nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BeforeValidator

# Four digits are more than any count of a claim has, fifteen more than any sum: what is longer is a slip.
_WHOLE: Final = re.compile(r"-?[0-9]{1,4}")
_MONEY: Final = re.compile(r"-?[0-9]{1,15}")
_YEAR: Final = re.compile(r"(?:19|20|21)[0-9]{2}")
_DATE: Final = re.compile(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}")
_MONTH: Final = r"((?:19|20|21)[0-9]{2})-(0[1-9]|1[0-2])"
_SPAN: Final = re.compile(rf"{_MONTH}(?:\.\.{_MONTH})?")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,4}(?:\.[0-9]{1,6})?")
_TEXT_MAX: Final = 64


class Unfit(ValueError):
    """What was given is no such value; a code says what it should be."""

    def __init__(self, why: str, **values: str) -> None:
        super().__init__(why)
        self.why = why
        self.values = values


def _number(pattern: re.Pattern[str], why: str) -> Callable[[object], int]:
    def read(given: object) -> int:
        text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
        if not isinstance(text, str) or not pattern.fullmatch(text):
            raise Unfit(why)
        return int(text)

    return read


def _decimal(given: object) -> Decimal:
    """Never of a float: it has lost what was written."""
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise Unfit("FACT_NOT_NUMBER")
    return Decimal(text)


def _day(given: object) -> date:
    if not isinstance(given, str) or not _DATE.fullmatch(given):
        raise Unfit("FACT_NOT_DATE")
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise Unfit("FACT_NOT_DATE") from None


def _span(given: object) -> tuple[int, int]:
    """Both ends as year * 12 + month - 1, in the order they were given."""
    match = _SPAN.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise Unfit("FACT_NOT_MONTHS")
    year, month, last_year, last_month = match.groups()
    first = int(year) * 12 + int(month) - 1
    return first, int(last_year) * 12 + int(last_month) - 1 if last_year else first


def _month(given: object) -> int:
    if not isinstance(given, str) or ".." in given:
        raise Unfit("FACT_NOT_MONTHS")
    return _span(given)[0]


def _flag(given: object) -> bool:
    if isinstance(given, bool):
        return given
    if not isinstance(given, str) or given not in {"true", "false"}:
        raise Unfit("FACT_NOT_FLAG")
    return given == "true"


def _text(given: object) -> str:
    if not isinstance(given, str) or len(given) > _TEXT_MAX or not given.isprintable():
        raise Unfit("FACT_NOT_TEXT")
    return given


def code(codes: type[StrEnum]) -> BeforeValidator:
    known = {code.value: code for code in codes}

    def read(given: object) -> StrEnum:
        """A code of one digit may come without quotes."""
        text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
        if not isinstance(text, str) or text not in known:
            raise Unfit("FACT_NOT_CODE", known=", ".join(known))
        return known[text]

    return BeforeValidator(read)


Whole = Annotated[int, BeforeValidator(_number(_WHOLE, "FACT_NOT_WHOLE"))]
Fen = Annotated[int, BeforeValidator(_number(_MONEY, "FACT_NOT_MONEY"))]
Number = Annotated[Decimal, BeforeValidator(_decimal)]
Year = Annotated[int, BeforeValidator(_number(_YEAR, "FACT_NOT_YEAR"))]
Day = Annotated[date, BeforeValidator(_day)]
Month = Annotated[int, BeforeValidator(_month)]
Span = Annotated[tuple[int, int], BeforeValidator(_span)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, BeforeValidator(_text)]
