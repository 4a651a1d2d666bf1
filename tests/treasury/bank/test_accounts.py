"""What is told of a payee's account without asking a bank."""

from __future__ import annotations

import pytest

from services.treasury.bank.accounts import masked, problems
from services.treasury.bank.wording import cut, plain

BANK_CODE = "102100099996"
CARD = "6222022603001234565"


def codes(name: str = "王小红", account: str = CARD, bank_code: str = BANK_CODE) -> list[tuple[str, str]]:
    return [(one.code, one.field) for one in problems(name, account, bank_code)]


@pytest.mark.parametrize(
    "account",
    [CARD, "6217004260001234566", "61050162010800000123", "2603021009200123456", "9558820200001323775", "NL84-X"],
)
def test_cards_and_accounts_that_can_be_are_taken(account: str) -> None:
    assert codes(account=account) == []


@pytest.mark.parametrize(
    ("account", "code"),
    [
        ("", "BANK_ACCOUNT_EMPTY"),
        ("6222022603001234566", "BANK_CARD_CHECK_DIGIT"),
        ("6222 0226 0300 1234 565", "BANK_ACCOUNT_CHARACTERS"),
        ("６２２２０２２６０３００１２３４５６５", "BANK_ACCOUNT_CHARACTERS"),
        ("=1+1", "BANK_ACCOUNT_CHARACTERS"),
        ("1234", "BANK_ACCOUNT_LENGTH"),
        ("1" * 35, "BANK_ACCOUNT_LENGTH"),
        ("12345\n", "BANK_ACCOUNT_CHARACTERS"),
    ],
)
def test_accounts_that_cannot_be_are_told(account: str, code: str) -> None:
    assert codes(account=account) == [(code, "payee.account")]


@pytest.mark.parametrize("account", ["6" * 5, "1" * 34, "62" + "0" * 13, "62" + "1" * 18])
def test_the_shortest_and_longest_account_and_what_is_just_no_card(account: str) -> None:
    assert codes(account=account) == []


@pytest.mark.parametrize(
    "bank_code",
    [
        "102100099996",  # 工商银行
        "103100000026",  # 农业银行
        "104100000004",  # 中国银行
        "105100000017",  # 建设银行
        "301290000007",  # 交通银行
        "302100011000",  # 中信银行
        "303100000006",  # 光大银行
        "304100040000",  # 华夏银行
        "305100000013",  # 民生银行
        "306581000003",  # 广发银行
        "307584007998",  # 平安银行
        "308584000013",  # 招商银行
        "309391000011",  # 兴业银行
        "310290000013",  # 浦发银行
        "403100000004",  # 邮储银行
    ],
)
def test_the_codes_of_the_national_banks_head_offices_pass(bank_code: str) -> None:
    assert codes(bank_code=bank_code) == []


@pytest.mark.parametrize(
    ("bank_code", "code"),
    [
        ("102100099997", "BANK_CODE_CHECK_DIGIT"),
        ("", "BANK_CODE_LENGTH"),
        ("10210009999", "BANK_CODE_LENGTH"),
        ("1021000999960", "BANK_CODE_LENGTH"),
        ("10210009999X", "BANK_CODE_LENGTH"),
    ],
)
def test_bank_codes_that_cannot_be_are_told(bank_code: str, code: str) -> None:
    assert codes(bank_code=bank_code) == [(code, "payee.bank_code")]


def test_names_are_there_and_fit() -> None:
    assert codes(name=" \u200b\t") == [("BANK_NAME_EMPTY", "payee.name")]
    assert codes(name="王" * 140) == []
    assert codes(name="王" * 141) == [("BANK_NAME_TOO_LONG", "payee.name")]


def test_everything_wrong_is_told_at_once_and_repeats_no_value() -> None:
    found = problems("", "6222022603001234566", "1", "payee")

    assert [one.code for one in found] == ["BANK_NAME_EMPTY", "BANK_CARD_CHECK_DIGIT", "BANK_CODE_LENGTH"]
    assert "6222" not in "".join(map(str, found))


@pytest.mark.parametrize(
    ("account", "shown"),
    [(CARD, "***************4565"), ("12345678", "****5678"), ("123", "**3"), ("1", "*"), ("", "")],
)
def test_a_screen_shows_the_last_four(account: str, shown: str) -> None:
    assert masked(account) == shown


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("欧阳·阿依古丽", "欧阳·阿依古丽"),
        ("隆", "隆"),  # a compatibility ideograph stays the one it is
        ("𠮷田", "𠮷田"),  # outside the basic plane
        ("\ue000", "\ue000"),  # private use, as GB 18030 has them
        ("A\x00B\x0b\x1fC", "ABC"),
        ("王\u202e小", "王小"),  # what turns the reading around
        ("a \t\r\n\u3000b", "a b"),
        ("\ud800x\ufffe", "x"),
    ],
)
def test_text_survives_but_for_what_nobody_sees(text: str, written: str) -> None:
    assert plain(text) == written
    assert plain(written) == written


def test_a_cut_text_keeps_its_marks() -> None:
    assert cut("e\u0301" * 3, 4) == "e\u0301e\u0301"
    assert cut("e\u0301" * 3, 3) == "e\u0301"  # half of the second letter is none of it
    assert cut("ab cd", 3) == "ab"
