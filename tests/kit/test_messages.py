"""Every sentence has both languages and takes the same values in each."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from services.claims.model import Category, Payee, ReceiptStatus, State
from services.kit.errors import Invalid
from services.kit.messages import CATALOGUE, REASONS_MAX, Language, Reason, few, reason, text


def names(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_says_something_in_both_languages(code: str) -> None:
    chinese, english = (CATALOGUE[code][language] for language in Language)

    assert re.search(r"[\u4e00-\u9fff]", chinese) or chinese == english  # a name, as Kafka
    assert not re.search(r"[\u4e00-\u9fff]", english)
    assert english.strip()


@pytest.mark.parametrize("code", CATALOGUE)
def test_both_languages_name_the_same_values(code: str) -> None:
    chinese, english = (CATALOGUE[code][language] for language in Language)

    assert names(chinese) == names(english)
    assert all(name.isidentifier() for name in names(chinese))


def test_codes_are_capitals() -> None:
    codes = [code for code in CATALOGUE if not code.startswith("^")]  # those are forms

    assert [code for code in codes if not re.fullmatch(r"[A-Z][A-Z0-9_]+", code)] == []


def test_a_reason_with_a_code_nobody_wrote_a_text_for_cannot_be_made() -> None:
    with pytest.raises(KeyError, match="NO_SUCH_CODE"):
        reason("NO_SUCH_CODE")
    with pytest.raises(KeyError, match="NO_SUCH_CODE"):
        Reason("NO_SUCH_CODE", "field")


def test_values_fill_the_text() -> None:
    given = reason("MESSAGE_TOO_LARGE", size=70_000, limit=65_536)

    assert given.text(Language.EN) == "The message has 70000 bytes, more than the limit of 65536."
    assert "70000" in given.text(Language.ZH)


def test_a_value_that_is_not_given_raises() -> None:
    with pytest.raises(KeyError):
        text("MESSAGE_TOO_LARGE", Language.EN, size=1)


def test_invalid_says_its_codes_and_places() -> None:
    error = Invalid(reason("FIELD_REQUIRED", "claim.county"), reason("MESSAGE_EMPTY"))

    assert str(error) == "FIELD_REQUIRED claim.county, MESSAGE_EMPTY"


@pytest.mark.parametrize(
    "code",
    [
        *(f"OUTCOME_{state}" for state in State),
        *(f"PAYEE_{payee}" for payee in Payee),
        *(f"STEP_PAYEE_{payee}" for payee in (Payee.PERSON, Payee.EMPLOYER)),  # of an allowance
        *(f"CATEGORY_{category}" for category in Category),
    ],
)
def test_every_word_of_the_model_has_its_text(code: str) -> None:
    assert code in CATALOGUE


def test_the_statuses_of_a_receipt_are_those_of_the_submission_table() -> None:
    last = max(Path("services/claims/migrations").glob("*life.sql")).read_text("utf-8")
    listed = re.search(r"submission_status_check CHECK \(status IN\s*\(([^)]*)\)", last)

    assert listed
    assert set(ReceiptStatus) == set(re.findall(r"'(\w+)'", listed[1]))


@pytest.mark.parametrize(("given", "told"), [(0, 0), (REASONS_MAX, REASONS_MAX), (REASONS_MAX + 1, REASONS_MAX + 1)])
def test_what_is_wrong_in_very_many_places_is_told_in_as_many_as_fit(given: int, told: int) -> None:
    found = few([reason("FIELD_REQUIRED", f"items[{number}].code") for number in range(given)])

    assert len(found) == told
    assert (found[-1:] == [reason("MORE_REASONS", more=1)]) == (given > REASONS_MAX)


def test_a_reason_that_was_kept_without_a_value_its_sentence_names_by_now_is_still_told() -> None:
    kept = Reason("FIELD_OUT_OF_RANGE", "revision")

    assert kept.text(Language.EN) == "This value is outside the allowed range (…)."
