"""Numbers that identify: 公民身份号码 (GB 11643) and 统一社会信用代码 (GB 32100), never the same one twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Final

_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10X98765432"

# GB 32100 leaves out I, O, S, V and Z.
USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_USCC_VALUES: Final = {letter: value for value, letter in enumerate(USCC_ALPHABET)}

# GB 11714, the organisation code inside it, counts A as 10 to Z as 35.
_ORG_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_PRIVATE_PREFIXES: Final = frozenset({"91", "92"})


def id_number(area: str, born: date, sequence: int) -> str:
    """Compose an ID number; an even sequence is a woman's."""
    body = f"{area}{born:%Y%m%d}{sequence:03d}"
    return body + id_check_digit(body)


def id_check_digit(body: str) -> str:
    return _ID_CHECKS[sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, body, strict=True)) % 11]


def uscc(prefix: str, area: str, organisation: str) -> str:
    """Compose a code from its department and type, its area, and the eight characters of the organisation."""
    body = prefix + area + organisation + organisation_check(organisation)
    return body + uscc_check(body)


def uscc_check(body: str) -> str:
    total = sum(weight * _USCC_VALUES[letter] for weight, letter in zip(_USCC_WEIGHTS, body, strict=True))
    return USCC_ALPHABET[-total % 31]


def organisation_check(organisation: str) -> str:
    rest = 11 - sum(weight * int(letter, 36) for weight, letter in zip(_ORG_WEIGHTS, organisation, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


@dataclass(slots=True)
class Numbers:
    """Issues numbers and remembers them."""

    issued: set[str] = field(default_factory=set)

    def woman(self, rng: Random, area: str, born: date) -> str:
        return self._person(rng, area, born, 0)

    def man(self, rng: Random, area: str, born: date) -> str:
        return self._person(rng, area, born, 1)

    def employer(self, rng: Random, prefix: str, area: str) -> str:
        while True:
            number = uscc(prefix, area, _organisation(rng, prefix))
            if self._is_new(number):
                return number

    def _person(self, rng: Random, area: str, born: date, parity: int) -> str:
        while True:
            number = id_number(area, born, rng.randrange(2 + parity, 1000, 2))
            if self._is_new(number):
                return number

    def _is_new(self, number: str) -> bool:
        if number in self.issued:
            return False
        self.issued.add(number)
        return True


def _organisation(rng: Random, prefix: str) -> str:
    """Firms registered since 2015 begin with MA; public bodies kept their old digits."""
    if prefix in _PRIVATE_PREFIXES:
        return "MA" + "".join(rng.choices(USCC_ALPHABET, k=6))
    return f"{rng.randrange(10**8):08d}"
