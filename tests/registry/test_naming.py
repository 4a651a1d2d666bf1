"""Whether an account is in its payee's name: what makes no other name, and what does."""

from __future__ import annotations

import pytest

from services.registry.rules import is_holder


@pytest.mark.parametrize(
    "holder",
    ["王小红", " 王 小红 ", "王小红\u3000"],
)
def test_blanks_make_no_other_name(holder: str) -> None:
    assert is_holder(holder, "王小红")


@pytest.mark.parametrize(
    ("holder", "name"),
    [
        ("买买提•艾力", "买买提·艾力"),
        ("买买提艾力", "买买提·艾力"),
        ("宝鸡纺织(集团)有限公司", "宝鸡纺织（集团）有限公司"),
        ("ＡＢＣ贸易", "abc贸易"),
        ("谁都可以", ""),
        ("谁都可以", " "),
    ],
)
def test_neither_do_dots_width_and_case_nor_a_name_that_is_not_known(holder: str, name: str) -> None:
    assert is_holder(holder, name)


@pytest.mark.parametrize(
    ("holder", "name"),
    [
        ("王小江", "王小红"),
        ("王小", "王小红"),
        ("王小红", "王小红宝"),
        ("", "王小红"),
        ("宝鸡纺织公司", "宝鸡纺织有限公司"),
    ],
)
def test_another_sign_makes_another_name(holder: str, name: str) -> None:
    assert not is_holder(holder, name)
