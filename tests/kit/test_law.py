"""The loader of the law: what is wrong with a file stops the start, and says which file and where."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.law import Law, NotInForce, ParameterError, from_content, load

GOOD = """description: Days of leave
metadata:
  unit: day
  key_date: event
  status: confirmed
  reference:
    2020-01-01: [{title: 条例, title_en: Regulations}]
    2022-05-25: [{title: 新条例, title_en: Revised, href: "https://example.org"}]
values:
  2020-01-01: {value: 98}
  2022-05-25: {value: 158}
"""


def loaded(folder: Path, text: str = GOOD, name: str = "leave/base_days.yaml") -> Law:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return load(folder)


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    law = loaded(tmp_path)

    assert list(law.parameters) == ["leave.base_days"]


@pytest.mark.parametrize(
    ("day", "value"),
    [
        (date(2020, 1, 1), 98),
        (date(2022, 5, 24), 98),
        (date(2022, 5, 25), 158),
        (date(2022, 5, 26), 158),
        (date(2199, 1, 1), 158),
    ],
)
def test_the_value_is_that_of_the_last_date_not_after_the_day(tmp_path: Path, day: date, value: int) -> None:
    assert loaded(tmp_path)["leave.base_days"].at(day).count == value


def test_a_day_before_the_first_value_raises(tmp_path: Path) -> None:
    with pytest.raises(NotInForce, match=r"leave\.base_days has no value on 2019-12-31"):
        loaded(tmp_path)["leave.base_days"].at(date(2019, 12, 31))


def test_a_value_carries_since_when_and_by_which_citation(tmp_path: Path) -> None:
    dated = loaded(tmp_path)["leave.base_days"].at(date(2023, 1, 1))

    assert (dated.since, dated.citation, dated.citation_en) == (date(2022, 5, 25), "新条例", "Revised")
    assert (dated.name, dated.status) == ("leave.base_days", "confirmed")


def test_the_first_day_is_when_the_last_parameter_begins(tmp_path: Path) -> None:
    loaded(tmp_path)

    law = loaded(tmp_path, GOOD.replace("2020-01-01", "2021-07-01"), "leave/other.yaml")

    assert law.first_day == date(2021, 7, 1)


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        ("day", "98", Decimal(98)),
        ("/1", "0.1", Decimal("0.1")),
        ("currency-CNY-fen", "2325000", Decimal(2325000)),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("date", "2025-09-01", date(2025, 9, 1)),
        ("day", "null", None),
    ],
)
def test_text_becomes_what_its_unit_says_and_never_a_float(tmp_path: Path, unit: str, text: str, value: object) -> None:
    dated = loaded(tmp_path, GOOD.replace("unit: day", f"unit: {unit}").replace("98", text).replace("158", text))

    found = dated["leave.base_days"].at(date(2020, 1, 1)).value
    assert found == value
    assert type(found) is type(value)


WRONG = {
    "a key given twice": (GOOD.replace("values:", "description: again\nvalues:"), "description is given twice"),
    "a date given twice": (GOOD.replace("  2022-05-25: {value: 158}", "  2020-01-01: {value: 158}"), "given twice"),
    "an unknown key": (GOOD + "colour: red\n", "colour is not known here"),
    "an unknown key of the metadata": (GOOD.replace("  unit:", "  colour: red\n  unit:"), "metadata.colour"),
    "an unknown key of a citation": (GOOD.replace("title_en: Revised", "title_en: Revised, page: 3"), "page"),
    "an unknown key beside a value": (GOOD.replace("{value: 98}", "{value: 98, unit: week}"), "unit"),
    "a value misspelt": (GOOD.replace("{value: 98}", "{vaule: 98}"), "vaule"),
    "an unknown unit": (GOOD.replace("unit: day", "unit: week"), "metadata.unit: week"),
    "no unit": (GOOD.replace("  unit: day\n", ""), "metadata.unit"),
    "an unknown status": (GOOD.replace("confirmed", "guessed"), "metadata.status: guessed"),
    "an unknown key date": (GOOD.replace("key_date: event", "key_date: birthday"), "metadata.key_date: birthday"),
    "dates out of order": (GOOD.replace("  2020-01-01: {value: 98}\n", "") + "  2020-01-01: {value: 98}\n", "earliest"),
    "no dates": (
        GOOD.split("  2020-01-01: {value", maxsplit=1)[0].replace("values:", "values: {}"),
        "dates must be given",
    ),
    "a date without citation": (GOOD.replace("    2022-05-25: [{", "    2022-05-26: [{"), "no citation for 2022-05-25"),
    "a citation without English": (GOOD.replace(", title_en: Regulations", ""), "title_en"),
    "a date that does not exist": (GOOD.replace("2022-05-25", "2022-02-30"), "2022-02-30"),
    "a number that is none": (GOOD.replace("98", "ninety"), "ninety is no day"),
    "not a number": (GOOD.replace("98", "nan"), "nan"),
    "an infinite number": (GOOD.replace("98", "Infinity"), "Infinity"),
    "a boolean that is none": (GOOD.replace("unit: day", "unit: boolean"), "98 is no boolean"),
    "a value that is no mapping": (GOOD.replace("{value: 98}", "98"), ""),
    "no values": (GOOD.split("values:", maxsplit=1)[0], "values"),
    "no metadata": ("description: Days of leave\nvalues:\n  2020-01-01: {value: 98}\n", "metadata"),
    "no description": (GOOD.split("\n", 1)[1], "description"),
    "no YAML": ("description: [", ""),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_stops_the_start_and_names_the_file(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ParameterError) as raised:
        loaded(tmp_path, text)

    assert "base_days.yaml" in str(raised.value)
    assert told in str(raised.value)


def test_the_digest_is_that_of_the_content_and_stays(tmp_path: Path) -> None:
    one, two = loaded(tmp_path / "one"), loaded(tmp_path / "two", GOOD.replace("  unit: day\n", "  unit:   day\n"))

    assert one.digest == two.digest
    assert from_content(one.content).digest == one.digest
    assert from_content(one.content) == one


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{value: 158}", "{value: 159}"),
        ("{value: 158}", "{value: null}"),
        ("2022-05-25", "2022-05-26"),
        ("confirmed", "placeholder"),
        ("unit: day", "unit: month"),
        ("key_date: event", "key_date: decision"),
        ("新条例", "旧条例"),
        ("title_en: Revised", "title_en: Amended"),
        ("  unit:", "  mandatory: true\n  unit:"),
    ],
)
def test_the_digest_changes_with_what_the_law_says(tmp_path: Path, old: str, new: str) -> None:
    assert loaded(tmp_path / "one").digest != loaded(tmp_path / "two", GOOD.replace(old, new)).digest


def test_the_digest_changes_with_the_name_of_a_parameter(tmp_path: Path) -> None:
    assert loaded(tmp_path / "one").digest != loaded(tmp_path / "two", name="leave/other_days.yaml").digest


@given(
    st.lists(st.tuples(st.dates(), st.decimals(0, 10**9, places=2)), min_size=1, max_size=6, unique_by=lambda d: d[0])
)
def test_a_law_comes_back_from_its_content(values: list[tuple[date, Decimal]]) -> None:
    content = (
        '{"a":{"description":"d","metadata":{"key_date":"event","mandatory":"true","reference":{'
        + ",".join(f'"{day}":[{{"title":"t","title_en":"e"}}]' for day, _ in sorted(values))
        + '},"status":"placeholder","unit":"/1"},"values":{'
        + ",".join(f'"{day}":{{"value":"{value}"}}' for day, value in sorted(values))
        + "}}}"
    )

    law = from_content(content)

    assert law.content == content
    for day, value in values:
        assert law["a"].at(day).number == value
        assert law["a"].at(min(date.max, day + timedelta(days=0))).since == day
