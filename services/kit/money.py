"""Money is integer fen. One rounding per line, half up, here."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def half_up(amount_fen: Decimal) -> int:
    """Round to the fen, halves away from zero."""
    return int(amount_fen.to_integral_value(ROUND_HALF_UP))


def yuan(amount_fen: int) -> str:
    """Fen as yuan with two decimals and thousands separators, for people."""
    sign = "-" if amount_fen < 0 else ""
    whole, rest = divmod(abs(amount_fen), 100)
    return f"{sign}{whole:,}.{rest:02d}"
