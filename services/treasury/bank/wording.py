"""Text that an ISO 20022 message can carry: what XML 1.0 allows, cut to the length of its element.

Nothing is normalised. Unicode's NFC folds compatibility ideographs that are letters of people's names, and a bank
compares names by character; private-use characters (rare ideographs of GB 18030) stay for the same reason. Lost are
control and format characters, which nobody sees and some of which turn the reading around, surrogates and
non-characters; runs of blanks become one.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_LOST: Final = frozenset({"Cc", "Cf", "Cs"})
_BLANK: Final = frozenset({"Zs", "Zl", "Zp"})


def plain(text: str) -> str:
    """The text as it may stand in a message. Idempotent; most texts come back as they are."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(map(_kept, text)).split())


def cut(text: str, length_max: int) -> str:
    """At most so many characters; a mark is not parted from its letter."""
    if len(text) <= length_max:
        return text
    end = length_max
    while end and unicodedata.combining(text[end]):
        end -= 1
    return text[:end].rstrip()


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in _BLANK or character in "\t\n\r":
        return " "
    return "" if category in _LOST or _is_noncharacter(ord(character)) else character


def _is_noncharacter(point: int) -> bool:
    return point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
