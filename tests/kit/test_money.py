"""Money is integer fen, rounded once, half away from zero."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.money import half_up, yuan


@pytest.mark.parametrize(
    ("amount", "fen"),
    [
        ("0", 0),
        ("0.49", 0),
        ("0.4999999999999999999999999999", 0),
        ("0.5", 1),
        ("0.51", 1),
        ("1.5", 2),
        ("2.5", 3),  # a banker would say 2
        ("-0.49", 0),
        ("-0.5", -1),
        ("-1.5", -2),
        ("-2.5", -3),
        ("2123333.333333333333", 2123333),
    ],
)
def test_halves_go_away_from_zero(amount: str, fen: int) -> None:
    assert half_up(Decimal(amount)) == fen


@given(st.integers(-(10**12), 10**12), st.integers(1, 400), st.sampled_from([30, 31, 365]))
def test_rounding_agrees_with_fractions(wage: int, days: int, divisor: int) -> None:
    exact = Fraction(wage * days, divisor)
    expected = (abs(exact) + Fraction(1, 2)).__floor__() * (1 if exact >= 0 else -1)

    assert half_up(wage * Decimal(days) / Decimal(divisor)) == expected


def test_rounding_is_not_led_astray_by_another_rounding_mode() -> None:
    with localcontext(rounding="ROUND_FLOOR"):
        assert half_up(Decimal("0.5")) == 1


@pytest.mark.parametrize(
    ("fen", "shown"),
    [
        (0, "0.00"),
        (1, "0.01"),
        (99, "0.99"),
        (100, "1.00"),
        (1_960_000, "19,600.00"),
        (123_456_789, "1,234,567.89"),
        (-1, "-0.01"),
        (-100, "-1.00"),
        (-123_456, "-1,234.56"),
    ],
)
def test_fen_are_shown_to_people_in_yuan(fen: int, shown: str) -> None:
    assert yuan(fen) == shown
