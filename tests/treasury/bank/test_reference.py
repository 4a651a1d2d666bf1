"""Payment ids in 26 characters, and fen on the wire."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.treasury.bank import amounts
from services.treasury.bank.reference import decode, encode, payment_of


@given(st.uuids())
def test_a_payments_id_comes_back_from_its_reference(payment_id: UUID) -> None:
    reference = encode(payment_id)

    assert len(reference) == 26
    assert decode(reference) == payment_id


@given(st.uuids(), st.uuids())
def test_references_sort_as_their_ids(one: UUID, other: UUID) -> None:
    assert (encode(one) < encode(other)) == (one < other)


def test_a_reference_is_spelt_in_one_way() -> None:
    assert encode(UUID(int=0)) == "0" * 26
    assert encode(UUID(int=2**128 - 1)) == "7" + "Z" * 25
    assert encode(UUID("019c0000-0000-7000-8000-000000000001")) == "01KG000000E008000000000001"


@pytest.mark.parametrize(
    "text",
    ["", "0" * 25, "0" * 27, "8" + "0" * 25, "0" * 25 + "U", "0" * 25 + "o", "0" * 25 + "z", "٠" * 26, "0" * 26 + "\n"],
)
def test_what_is_no_reference_of_ours_is_nobodys(text: str) -> None:
    assert payment_of(text) is None


@given(st.integers(0, amounts.FEN_MAX))
def test_fen_come_back_from_the_wire(amount_fen: int) -> None:
    assert amounts.fen(amounts.decimal(amount_fen), "Amt") == amount_fen


@pytest.mark.parametrize(
    ("text", "amount_fen"),
    [("0", 0), ("0.1", 10), ("19600", 1960000), ("19600.", 1960000), ("0.07000", 7), ("9" * 16 + ".99", 10**18 - 1)],
)
def test_amounts_are_read_to_the_fen(text: str, amount_fen: int) -> None:
    assert amounts.fen(text, "Amt") == amount_fen


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-1.00", "BANK_AMOUNT_NEGATIVE"),
        ("1.001", "BANK_AMOUNT_FRACTION"),
        ("0.00001", "BANK_AMOUNT_FRACTION"),
        ("", "BANK_AMOUNT_MALFORMED"),
        ("1,000.00", "BANK_AMOUNT_MALFORMED"),
        ("1e3", "BANK_AMOUNT_MALFORMED"),
        ("+1", "BANK_AMOUNT_MALFORMED"),
        ("NaN", "BANK_AMOUNT_MALFORMED"),
        ("１", "BANK_AMOUNT_MALFORMED"),
        ("1\n", "BANK_AMOUNT_MALFORMED"),
        ("1" + "0" * 16, "BANK_AMOUNT_MALFORMED"),
        ("1" * 4000, "BANK_AMOUNT_MALFORMED"),
    ],
)
def test_what_is_no_amount_is_told(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        amounts.fen(text, "Ntry[3]/Amt")

    assert [(one.code, one.field) for one in refused.value.reasons] == [(code, "Ntry[3]/Amt")]


@pytest.mark.parametrize("amount_fen", [-1, 10**18])
def test_what_no_message_can_carry_is_not_written(amount_fen: int) -> None:
    with pytest.raises(ValueError, match="18 digits"):
        amounts.decimal(amount_fen)
