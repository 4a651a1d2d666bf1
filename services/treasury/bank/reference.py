"""A payment's id as banks carry it: a uuid in 26 characters of Crockford's base32, the end-to-end id of ISO 20022.

128 bits and two leading zero bits, most significant first, so that references sort as the uuid7s they are made of. One
uuid has one spelling: capitals of the alphabet below, the first of them 0 to 7. ISO 20022 leaves Max35Text for it, and
the alphabet lies within every bank's character set.
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

LENGTH: Final = 26
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O and U
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_SPELLING: Final = re.compile(f"[0-7][{_ALPHABET}]{{{LENGTH - 1}}}")


def encode(payment_id: UUID) -> str:
    number = payment_id.int
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def decode(reference: str) -> UUID:
    """Raises ValueError for what `encode` does not write: nothing is guessed about money."""
    if not _SPELLING.fullmatch(reference):
        raise ValueError("no reference of ours")
    number = 0
    for character in reference:
        number = number << 5 | _VALUES[character]
    return UUID(int=number)


def payment_of(reference: str) -> UUID | None:
    """The payment that an answer names, or None: it is another's, and a person looks at it."""
    try:
        return decode(reference)
    except ValueError:
        return None
