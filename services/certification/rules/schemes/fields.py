"""The single fields of a scheme's files. What does not fit is noted on its page, with line and path."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

from services.certification.model import Words
from services.kit.law import STATUSES, Status
from services.kit.law.page import Page, below
from services.kit.law.values import Unfit, value_of
from services.kit.messages import Language, reason

CodeT = TypeVar("CodeT", bound=StrEnum)
WORDS: Final = tuple(map(str, Language))


def words(page: Page, path: str, raw: Any) -> Words:
    return Words(*[page.words(below(path, name), raw.get(name)) for name in WORDS])


def code(page: Page, path: str, raw: Any, codes: type[CodeT]) -> CodeT:
    """The code, or the first of them where it is none of them, and so noted."""
    text = page.one_of(path, raw, tuple(map(str, codes)))
    return codes(text) if text else next(iter(codes))


def status(page: Page, path: str, raw: Any) -> Status:
    return cast("Status", page.one_of(path, raw, STATUSES) or "placeholder")


def number(page: Page, path: str, raw: Any) -> Decimal:
    try:
        found = value_of("/1", raw, None)
    except Unfit as error:
        page.wrong(path, error.reason)
        return Decimal(0)
    if not isinstance(found, Decimal):
        page.wrong(path, reason("LAW_KEY_MISSING"))
        return Decimal(0)
    return found


def texts(page: Page, path: str, raw: Any) -> tuple[str, ...]:
    """A list of texts that is not empty."""
    if not isinstance(raw, list) or not raw:
        page.wrong(path, reason("LAW_NOT_LIST"))
        return ()
    return tuple(page.words(f"{path}[{at}]", one) for at, one in enumerate(raw))


def one_or_more(page: Page, path: str, raw: Any) -> tuple[str, ...]:
    return texts(page, path, raw if isinstance(raw, list) else [raw])


def cited(page: Page, path: str, raw: Any, laws: Iterable[str]) -> tuple[str, ...]:
    """Citations as CODE:article, each of a law that the scheme names."""
    found, known = texts(page, path, raw), tuple(laws)
    for at, one in enumerate(found):
        page.one_of(f"{path}[{at}]", one.partition(":")[0], known)
    return found
