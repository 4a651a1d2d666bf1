"""The certificate on paper, read by another library than the one that sets it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from services.certification.credential import address
from services.certification.issued import Issued
from services.certification.paper import Press, press_of, qr
from services.kit.errors import Invalid, Refused
from services.kit.messages import Language
from tests.certification.paper import FONTS, ISSUED, KEYS, URL

CODE = address(ISSUED.number, URL, KEYS)


@pytest.fixture(scope="module")
def press() -> Press:
    return press_of(FONTS)


def opened(pdf: bytes) -> Any:
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    return document[0]


def words(pdf: bytes) -> str:
    return re.sub(r"\s+", " ", opened(pdf).get_textpage().get_text_bounded())


def test_all_that_the_certificate_says_stands_on_one_page_in_both_languages(press: Press) -> None:
    said = words(press.pdf(replace(ISSUED, tier="示范"), CODE))

    for part in (ISSUED.number, ISSUED.employer, ISSUED.uscc, ISSUED.scheme, "示范", "2026-12-01", "2029-11-30"):
        assert part in said
    assert ISSUED.office.zh in said
    assert ISSUED.office.en in said
    assert "2029年11月30日" in said.replace(" ", "")
    assert "等级 Tier" in said


def test_a_scheme_without_tiers_leaves_no_empty_line(press: Press) -> None:
    assert "Tier" not in words(press.pdf(ISSUED, CODE))


def test_the_printed_code_is_read_back_as_it_was_given(press: Press) -> None:
    page = opened(press.pdf(ISSUED, CODE)).render(scale=200 / 72).to_numpy()

    assert [found.text for found in zxingcpp.read_barcodes(page)] == [CODE]


def test_the_same_certificate_is_the_same_bytes_on_any_press(press: Press) -> None:
    first = press.pdf(ISSUED, CODE)
    press.pdf(replace(ISSUED, number="BJ-FFE-2026-000124"), CODE)

    assert press.pdf(ISSUED, CODE) == press_of(FONTS).pdf(ISSUED, CODE) == first


def test_markup_in_a_name_is_only_letters(press: Press) -> None:
    name = '#panic("x") *某* $a_1$ <b> \\ "公司"'

    assert name in words(press.pdf(replace(ISSUED, employer=name), CODE))


@pytest.mark.parametrize("length", [119, 120])
def test_a_name_of_up_to_a_hundred_characters_fits_on_the_page(press: Press, length: int) -> None:
    long = replace(ISSUED, employer="某" * length, tier="示范")

    assert words(press.pdf(long, CODE)).replace(" ", "").count("某") == length


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        (replace(ISSUED, employer="某" * 121), "PAPER_TEXT_TOO_LONG", "employer"),
        (replace(ISSUED, employer="\U00020bb7野有限公司"), "PAPER_CHARACTER_MISSING", "employer"),
        (replace(ISSUED, tier="\n"), "PAPER_CHARACTER_MISSING", "tier"),
    ],
)
def test_what_cannot_be_printed_is_told_and_not_printed_as_boxes(
    press: Press, wrong: Issued, code: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        press.pdf(wrong, CODE)

    assert [(reason.code, reason.field) for reason in refused.value.reasons] == [(code, field)]


def test_without_the_font_there_is_no_press(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        press_of(tmp_path)

    assert "fonts-wqy-microhei" in refused.value.reasons[0].text(Language.ZH)


def test_an_address_too_long_for_a_code_is_told() -> None:
    assert qr.svg("x" * 2_331).startswith("<svg")
    with pytest.raises(Invalid) as refused:
        qr.svg("x" * 2_332)

    assert refused.value.reasons[0].code == "PAPER_CODE_TOO_LONG"
