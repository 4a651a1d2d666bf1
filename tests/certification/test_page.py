"""The public page: what it shows of each outcome, and that nothing in it can act or come from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from services.certification.issued import Found, Issued, Outcome, Verification, known, unconfirmed, unknown
from services.certification.page import HEADERS, document, page
from services.kit.messages import Language, reason, text
from tests.certification.paper import ISSUED, NOW

KNOWN: tuple[Found, ...] = (Outcome.VALID, Outcome.SUSPENDED, Outcome.REVOKED, Outcome.EXPIRED)
FOUND = [known(outcome, ISSUED, NOW) for outcome in KNOWN] + [unknown(NOW)]
EVIL = "\"'><script>alert(1)</script>&amp;$title</style>"


def shown(found: Verification | None, language: Language = Language.EN, **asked: str) -> Any:
    return html.document_fromstring(page(found, language, **asked))


def words(tree: Any) -> str:
    return " ".join(tree.find("body").text_content().split())


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("found", FOUND, ids=[one.outcome.value for one in FOUND])
def test_each_outcome_is_said_in_words_with_its_reason(found: Verification, language: Language) -> None:
    tree = shown(found, language)
    said = words(tree)

    assert tree.get("lang") == language.value
    assert tree.xpath("//*[@role='status']/p[1]/text()") == [text(f"VERIFIED_{found.outcome}", language)]
    assert found.reasons[0].text(language) in said
    assert "2027-03-01 12:00:00" in said  # Beijing's


@pytest.mark.parametrize("found", FOUND[:-1], ids=[one.outcome.value for one in FOUND[:-1]])
def test_a_certificate_of_ours_is_shown_with_all_that_its_paper_says(found: Verification) -> None:
    said = words(shown(found))

    for part in (ISSUED.number, ISSUED.employer, ISSUED.uscc, ISSUED.scheme, "2026-12-01", "2029-11-30"):
        assert part in said
    assert ISSUED.office.en in said
    assert "Tier" not in said
    assert "示范" in words(shown(replace(found, issued=replace(ISSUED, tier="示范"))))


def test_what_is_not_confirmed_shows_no_employer() -> None:
    found = unconfirmed(reason("CREDENTIAL_SIGNATURE"), NOW)

    assert ISSUED.employer not in page(found, Language.ZH)
    assert json.loads(document(found))["certificate"] is None


def test_before_anything_was_asked_there_is_only_the_question() -> None:
    tree = shown(None)

    assert tree.xpath("//*[@role='status']") == []
    assert len(tree.xpath("//input[@id='number']")) == 1


def test_what_was_asked_stays_in_the_form_and_in_the_other_language() -> None:
    tree = shown(unknown(NOW), number="BJ-1", code="abc")

    assert tree.get_element_by_id("number").get("value") == "BJ-1"
    assert tree.xpath("//header//input[@name='lang']/@value") == ["zh-CN"]
    assert tree.xpath("//header//input[@name='number']/@value") == ["BJ-1"]
    assert tree.xpath("//header//input[@name='code']/@value") == ["abc"]


# --- nothing acts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
def test_whatever_an_employer_is_called_and_whatever_is_asked_is_only_text(language: Language) -> None:
    evil = Issued(
        EVIL, EVIL, EVIL, EVIL, ISSUED.awarded_on, ISSUED.valid_to, replace(ISSUED.office, zh=EVIL, en=EVIL), EVIL
    )
    tree = shown(known(Outcome.VALID, evil, NOW), language, number=EVIL, code=EVIL)

    assert tree.xpath("//script") == []
    assert tree.xpath("//dd/text()")[:5] == [EVIL] * 5
    assert tree.get_element_by_id("number").get("value") == EVIL


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_no_name_adds_an_element(name: str) -> None:
    plain = [one.tag for one in shown(known(Outcome.VALID, ISSUED, NOW)).iter()]
    tree = shown(known(Outcome.VALID, replace(ISSUED, employer=name), NOW), number=name)

    assert [one.tag for one in tree.iter()] == plain


@pytest.mark.parametrize("found", [None, *FOUND])
def test_nothing_is_loaded_run_or_styled_in_place(found: Verification | None) -> None:
    tree = shown(found)

    assert tree.xpath("//script | //img | //link | //iframe | //object | //@src | //@href | //@style") == []
    assert [name for name in tree.xpath("//@*/..") if any(key.startswith("on") for key in name.attrib)] == []
    assert "url(" not in tree.xpath("string(//style)")
    assert "@import" not in tree.xpath("string(//style)")


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    style = shown(None).xpath("string(//style)")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in dict(HEADERS)["content-security-policy"].split(";"))

    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


# --- for everyone ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
def test_it_can_be_read_without_seeing_it(language: Language) -> None:
    tree = shown(FOUND[0], language)

    assert tree.xpath("count(//h1)") == 1
    assert tree.xpath("count(//main)") == 1
    assert tree.xpath("string(//title)")
    assert tree.xpath("//meta[@name='viewport']/@content") == ["width=device-width, initial-scale=1"]
    for field in tree.xpath("//input[not(@type='hidden')]"):
        assert tree.xpath(f"//label[@for='{field.get('id')}']/text()")
        assert tree.get_element_by_id(field.get("aria-describedby")).text
    assert all(button.text for button in tree.xpath("//button"))


@pytest.mark.parametrize(("ink", "paper"), [("#4a4a4a", "#fff"), ("#1a1a1a", "#f6f6f6"), ("#005fcc", "#fff")])
def test_every_ink_stands_out_from_its_paper(ink: str, paper: str) -> None:
    style = shown(None).xpath("string(//style)")

    assert ink in style
    assert paper in style
    assert (brightness(paper) + 0.05) / (brightness(ink) + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def brightness(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# --- for machines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("found", FOUND, ids=[one.outcome.value for one in FOUND])
def test_the_json_says_the_same_with_codes(found: Verification) -> None:
    said = json.loads(document(found))

    assert said["outcome"] == found.outcome.value
    assert said["checked_at"] == "2027-03-01T04:00:00+00:00"
    assert [one["code"] for one in said["reasons"]] == [one.code for one in found.reasons]
    assert said["reasons"][0]["zh-CN"] == found.reasons[0].text(Language.ZH)
    assert (said["certificate"] is None) is (found.issued is None)


def test_the_json_of_a_certificate_is_whole() -> None:
    assert json.loads(document(FOUND[0]))["certificate"] == {
        "number": ISSUED.number,
        "employer": ISSUED.employer,
        "uscc": ISSUED.uscc,
        "scheme": ISSUED.scheme,
        "tier": None,
        "awarded_on": "2026-12-01",
        "valid_to": "2029-11-30",
        "office": {"zh-CN": ISSUED.office.zh, "en": ISSUED.office.en},
    }
