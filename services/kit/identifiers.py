"""The two numbers everything hangs on: 公民身份号码 (GB 11643) and 统一社会信用代码 (GB 32100)."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Final

from stdnum.cn import ric, uscc

from services.kit.messages import Reason, reason

_LIKE_AN_ID: Final = re.compile(r"(?<![0-9])[0-9]{17}[0-9X](?![0-9])")
_SEPARATORS: Final = re.compile(r"[\s._-]")
_LENGTH: Final = 18
_USCC_ALPHABET: Final = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")


def plain(text: str) -> str:
    """The number without what is no reason to send it back: full-width digits, a lower-case x, stray blanks."""
    if not text or (text.isascii() and text.isalnum()):
        return text.upper()
    return unicodedata.normalize("NFKC", text).strip().upper()


def id_number_problems(number: str, path: str, today: date) -> list[Reason]:
    """What is wrong with a national ID number.

    The area part is not looked up: it is that of first registration and may be abolished since.
    """
    if len(number) != _LENGTH:
        return [reason("ID_NUMBER_LENGTH", path)]
    if not number[:17].isascii() or not number[:17].isdigit() or ric.calc_check_digit(number) != number[17]:
        return [reason("ID_NUMBER_CHECK_DIGIT", path)]
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return [reason("ID_NUMBER_BIRTH_DATE", path)]
    return [reason("ID_NUMBER_BIRTH_DATE", path)] if born > today else []


def holds_id_number(text: str) -> bool:
    """Whether a national ID number stands in a text that should hold none, whatever separates its digits."""
    if len(text) < _LENGTH:
        return False
    folded = plain(text)
    found = [*_LIKE_AN_ID.findall(folded), _SEPARATORS.sub("", folded)]
    return any(len(part) == _LENGTH and not id_number_problems(part, "", date.max) for part in found)


def is_male(id_number: str) -> bool:
    """The last digit of the serial is odd for a man."""
    return int(id_number[16]) % 2 == 1


def uscc_problems(number: str, path: str) -> tuple[Reason, ...]:
    """What is wrong with a unified social credit code."""
    wrong = _uscc_code(number) if len(number) == _LENGTH else "USCC_MALFORMED"
    return (reason(wrong, path),) if wrong else ()


@lru_cache(maxsize=65_536)  # a city has some ten thousand employers, and they come again and again; of one length only
def _uscc_code(number: str) -> str:
    if not _USCC_ALPHABET.issuperset(number):
        return "USCC_MALFORMED"
    return "" if uscc.calc_check_digit(number[:17]) == number[17] else "USCC_CHECK_DIGIT"
