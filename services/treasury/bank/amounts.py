"""Fen and the decimal yuan of ISO 20022 (ActiveCurrencyAndAmount: at most 18 digits), by digits and never by float."""

from __future__ import annotations

import re
from typing import Final

from services.kit.errors import Invalid
from services.kit.messages import reason

CURRENCY: Final = "CNY"
FEN_MAX: Final = 10**18 - 1  # 18 digits with both decimals, and within a bigint
_DECIMAL: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{0,17}))?")  # DecimalNumber allows more decimals than money has


def decimal(amount_fen: int) -> str:
    """1960000 -> `19600.00`: two decimals, always. Raises ValueError below nothing or above 18 digits."""
    if not 0 <= amount_fen <= FEN_MAX:
        raise ValueError("an amount on the wire has no sign and at most 18 digits")
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def signed(amount_fen: int) -> str:
    """As `decimal`, with a sign where one is due and of any size, as sums may be: for people."""
    whole, rest = divmod(abs(amount_fen), 100)
    return f"{'-' if amount_fen < 0 else ''}{whole}.{rest:02d}"


def fen(text: str, where: str) -> int:
    """`19600.00`, `19600.0`, `19600` -> 1960000. Raises Invalid for a sign, parts of a fen, or what is no number."""
    if text.startswith("-"):
        raise Invalid(reason("BANK_AMOUNT_NEGATIVE", where))
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise Invalid(reason("BANK_AMOUNT_MALFORMED", where))
    whole, fraction = found[1], found[2] or ""
    if fraction[2:].strip("0"):
        raise Invalid(reason("BANK_AMOUNT_FRACTION", where))
    amount_fen = int(whole) * 100 + int(fraction[:2].ljust(2, "0"))
    if amount_fen > FEN_MAX:
        raise Invalid(reason("BANK_AMOUNT_MALFORMED", where))
    return amount_fen
