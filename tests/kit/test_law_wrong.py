"""What is wrong with files of the law: every problem, each with its file, line, path and code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.kit.law import ParameterError, load
from services.kit.messages import Language
from tests.kit.law_files import GOOD, NAME, found, loaded, of_unit, write

Problem = tuple[int, str, str]  # line, path, code

STATUSES = "  status: {2020-01-01: confirmed}\n"
WRONG: dict[str, tuple[str, list[Problem]]] = {
    "a key given twice": (
        GOOD.replace("values:", "description: again\nvalues:"),
        [(9, "description", "LAW_KEY_TWICE")],
    ),
    "a date given twice": (
        GOOD.replace("  2022-05-25: {value: 158}", "  2020-01-01: {value: 158}"),
        [
            (11, "values.2020-01-01", "LAW_KEY_TWICE"),
            (8, "metadata.reference.2022-05-25", "LAW_DATE_WITHOUT_VALUE"),
        ],
    ),
    "an unknown key": (GOOD + "colour: red\n", [(12, "colour", "LAW_KEY_UNKNOWN")]),
    "an unknown key of the metadata": (
        GOOD.replace("  unit:", "  colour: red\n  unit:"),
        [(3, "metadata.colour", "LAW_KEY_UNKNOWN")],
    ),
    "an unknown key of a citation": (
        GOOD.replace("title_en: Revised", "title_en: Revised, page: 3"),
        [(8, "metadata.reference.2022-05-25[0].page", "LAW_KEY_UNKNOWN")],
    ),
    "an unknown key beside a value": (
        GOOD.replace("{value: 98}", "{value: 98, unit: week}"),
        [(10, "values.2020-01-01.unit", "LAW_KEY_UNKNOWN")],
    ),
    "a value without its key": (
        GOOD.replace("{value: 98}", "{val: 98}"),
        [(10, "values.2020-01-01.val", "LAW_KEY_UNKNOWN"), (10, "values.2020-01-01.value", "LAW_KEY_MISSING")],
    ),
    "a bare value": (GOOD.replace("{value: 98}", "98"), [(10, "values.2020-01-01", "LAW_NOT_MAPPING")]),
    "no description": (GOOD.split("\n", 1)[1], [(1, "description", "LAW_KEY_MISSING")]),
    "an empty description": (GOOD.replace("Days of leave", ""), [(1, "description", "LAW_NOT_TEXT")]),
    "no metadata": (
        "description: d\nvalues:\n  2020-01-01: {value: 98}\n",
        [(1, "metadata", "LAW_KEY_MISSING")],
    ),
    "no values": (
        GOOD.split("values", 1)[0],
        [
            (1, "values", "LAW_KEY_MISSING"),
            (7, "metadata.reference.2020-01-01", "LAW_DATE_WITHOUT_VALUE"),
            (8, "metadata.reference.2022-05-25", "LAW_DATE_WITHOUT_VALUE"),
        ],
    ),
    "no unit, key date, status and reference": (
        "description: d\nmetadata: {}\nvalues: {2020-01-01: {value: 1}}\n",
        [
            (2, "metadata.unit", "LAW_KEY_MISSING"),
            (2, "metadata.key_date", "LAW_KEY_MISSING"),
            (2, "metadata.status", "LAW_KEY_MISSING"),
            (2, "metadata.reference", "LAW_KEY_MISSING"),
        ],
    ),
    "an unknown unit": (GOOD.replace("unit: day", "unit: week"), [(3, "metadata.unit", "LAW_NOT_ONE_OF")]),
    "an unknown key date": (GOOD.replace(": event", ": easter"), [(4, "metadata.key_date", "LAW_NOT_ONE_OF")]),
    "an unknown status": (GOOD.replace("confirmed", "certain"), [(5, "metadata.status", "LAW_NOT_ONE_OF")]),
    "an unknown status of a date": (
        GOOD.replace("  status: confirmed\n", "  status:\n    2020-01-01: confirmed\n    2022-05-25: certain\n"),
        [(7, "metadata.status.2022-05-25", "LAW_NOT_ONE_OF")],
    ),
    "a date without status": (
        GOOD.replace("  status: confirmed\n", STATUSES),
        [(5, "metadata.status.2022-05-25", "LAW_STATUS_MISSING")],
    ),
    "a status without value": (
        GOOD.replace("  status: confirmed\n", STATUSES.replace("}", ", 2022-05-25: secondary, 2024-01-01: secondary}")),
        [(5, "metadata.status.2024-01-01", "LAW_DATE_WITHOUT_VALUE")],
    ),
    "a list of statuses": (GOOD.replace("confirmed", "[confirmed]"), [(5, "metadata.status", "LAW_NOT_ONE_OF")]),
    "mandatory, perhaps": (
        GOOD.replace("  unit:", "  mandatory: perhaps\n  unit:"),
        [(3, "metadata.mandatory", "LAW_NOT_ONE_OF")],
    ),
    "last looked up on no day": (
        GOOD.replace("  unit:", "  last_value_still_valid_on: lately\n  unit:"),
        [(3, "metadata.last_value_still_valid_on", "LAW_NOT_DATE")],
    ),
    "dates out of order": (
        GOOD.replace("  2022-05-25: {value: 158}\n", "").replace("values:\n", "values:\n  2022-05-25: {value: 158}\n"),
        [(11, "values.2020-01-01", "LAW_DATE_ORDER")],
    ),
    "no date": (
        "description: d\nmetadata: {unit: day, key_date: event, status: confirmed, reference: {}}\nvalues: {}\n",
        [(3, "values", "LAW_NO_DATE")],
    ),
    "a day that does not exist": (
        GOOD.replace("2022-05-25", "2022-02-29"),
        [(11, "values.2022-02-29", "LAW_NOT_DATE")],
    ),
    "a date of another spelling": (
        GOOD.replace("2022-05-25", "20220525"),
        [(11, "values.20220525", "LAW_NOT_DATE")],
    ),
    "a date without citation": (
        GOOD.replace('    2022-05-25: [{title: 新条例, title_en: Revised, href: "https://example.org"}]\n', ""),
        [(6, "metadata.reference.2022-05-25", "LAW_CITATION_MISSING")],
    ),
    "an empty list of citations": (
        GOOD.replace("[{title: 条例, title_en: Regulations}]", "[]"),
        [(7, "metadata.reference.2020-01-01", "LAW_CITATION_MISSING")],
    ),
    "a citation that is no list": (
        GOOD.replace("[{title: 条例, title_en: Regulations}]", "条例"),
        [(7, "metadata.reference.2020-01-01", "LAW_NOT_LIST")],
    ),
    "a citation in one language": (
        GOOD.replace("条例, title_en: Regulations", "条例"),
        [(7, "metadata.reference.2020-01-01[0].title_en", "LAW_KEY_MISSING")],
    ),
    "a citation without a value": (
        GOOD.replace("values:", "    2024-01-01: [{title: a, title_en: b}]\nvalues:"),
        [(9, "metadata.reference.2024-01-01", "LAW_DATE_WITHOUT_VALUE")],
    ),
    "metadata that is a text": (
        GOOD.split("metadata")[0] + "metadata: x\nvalues: {2020-01-01: {value: 1}}\n",
        [(2, "metadata", "LAW_NOT_MAPPING")],
    ),
    "a list instead of a mapping": ("- description: d\n", [(1, "", "LAW_NOT_MAPPING")]),
    "nothing": ("", [(1, "", "LAW_NOT_MAPPING")]),
    "no YAML": ("description: [\n\n", [(3, "", "LAW_FILE_UNREADABLE")]),
    "an alias": (
        GOOD.replace("98}", "&days 98}").replace("{value: 158}", "{value: *days}"),
        [(11, "", "LAW_FILE_UNREADABLE")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_with_its_line_and_path(tmp_path: Path, text: str, expected: list[Problem]) -> None:
    with pytest.raises(ParameterError) as raised:
        loaded(tmp_path, text)

    assert found(raised.value, tmp_path) == [(NAME, *problem) for problem in expected]


@pytest.mark.parametrize(
    ("unit", "value", "code"),
    [
        ("day", "98.5", "LAW_NOT_WHOLE"),
        ("day", "98.0", "LAW_NOT_WHOLE"),
        ("day", "1e2", "LAW_NOT_WHOLE"),
        ("day", "1_000", "LAW_NOT_WHOLE"),
        ("day", "0x10", "LAW_NOT_WHOLE"),
        ("day", "010", "LAW_NOT_WHOLE"),
        ("day", "-1", "LAW_NOT_WHOLE"),
        ("day", "1:30", "LAW_NOT_WHOLE"),
        ("day", '""', "LAW_NOT_WHOLE"),
        ("day", "many", "LAW_NOT_WHOLE"),
        ("day", "٣", "LAW_NOT_WHOLE"),
        ("working-day", "1.5", "LAW_NOT_WHOLE"),
        ("month", "1.5", "LAW_NOT_WHOLE"),
        ("year", "1.5", "LAW_NOT_WHOLE"),
        ("times", "1.5", "LAW_NOT_WHOLE"),
        ("currency-CNY-fen", "23250.00", "LAW_NOT_WHOLE"),
        ("/1", "9.2e-1", "LAW_NOT_DECIMAL"),
        ("/1", ".inf", "LAW_NOT_DECIMAL"),
        ("/1", "-.inf", "LAW_NOT_DECIMAL"),
        ("/1", ".nan", "LAW_NOT_DECIMAL"),
        ("/1", "nan", "LAW_NOT_DECIMAL"),
        ("/1", ".5", "LAW_NOT_DECIMAL"),
        ("/1", "5.", "LAW_NOT_DECIMAL"),
        ("/1", "1_0.5", "LAW_NOT_DECIMAL"),
        ("hour", "1e0", "LAW_NOT_DECIMAL"),
        ("boolean", "yes", "LAW_NOT_FLAG"),
        ("boolean", "1", "LAW_NOT_FLAG"),
        ("date", "2025-9-1", "LAW_NOT_DATE"),
        ("date", "2025-02-29", "LAW_NOT_DATE"),
        ("date", "20250901", "LAW_NOT_DATE"),
        ("day", "[1]", "LAW_NOT_ONE_VALUE"),
        ("day", "{a: 1}", "LAW_NOT_ONE_VALUE"),
        ("codes", "A", "LAW_NOT_LIST"),
        ("codes", "[a b]", "LAW_NOT_CODE"),
        ("codes", "[A, [B]]", "LAW_NOT_LIST"),
        ("codes", "[A, A]", "LAW_CODE_TWICE"),
    ],
)
def test_a_value_that_is_none_of_its_unit_is_told(tmp_path: Path, unit: str, value: str, code: str) -> None:
    with pytest.raises(ParameterError) as raised:
        loaded(tmp_path, of_unit(unit, value))

    assert found(raised.value, tmp_path) == [(NAME, 3, "values.2020-01-01.value", code)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (of_unit("code", "A"), (2, "metadata.codes", "LAW_CODES_MISSING")),
        (of_unit("code", "A", "codes: null, "), (2, "metadata.codes", "LAW_CODES_MISSING")),
        (of_unit("code", "A", "codes: A, "), (2, "metadata.codes", "LAW_NOT_LIST")),
        (of_unit("code", "A", "codes: [B, C], "), (3, "values.2020-01-01.value", "LAW_NOT_ONE_OF")),
        (of_unit("codes", "[B, A]", "codes: [B, C], "), (3, "values.2020-01-01.value", "LAW_NOT_ONE_OF")),
    ],
)
def test_codes_are_those_of_the_list(tmp_path: Path, text: str, problem: Problem) -> None:
    with pytest.raises(ParameterError) as raised:
        loaded(tmp_path, text)

    assert found(raised.value, tmp_path) == [(NAME, *problem)]


def test_every_problem_of_every_file_is_told_in_readable_lines(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("98", "98.5").replace("unit: day", "unit: day\n  colour: red"))
    write(tmp_path, GOOD.replace("confirmed", "certain"), "other.yaml")

    with pytest.raises(ParameterError) as raised:
        load(tmp_path)

    known = "unit, key_date, status, mandatory, codes, reference, last_value_still_valid_on, notes"
    plain = "a value of this unit has no point, exponent or underscore (amounts are in fen)"
    assert str(raised.value).splitlines() == [
        f"{tmp_path}/leave/base_days.yaml:4 metadata.colour: There is no such key; there are: {known}",
        f"{tmp_path}/leave/base_days.yaml:11 values.2020-01-01.value: '98.5' is no whole number; {plain}.",
        f"{tmp_path}/other.yaml:5 metadata.status: 'certain' is none of: confirmed, secondary, placeholder",
    ]
    assert re.search("[\u4e00-\u9fff]", raised.value.problems[0].told(Language.ZH))


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("description: 产假".encode("gb18030"))

    with pytest.raises(ParameterError) as raised:
        load(tmp_path)

    assert found(raised.value, tmp_path) == [("a.yaml", 1, "", "LAW_FILE_UNREADABLE")]


@pytest.mark.parametrize("name", ["leave.yml", "leave.base.yaml", "leave days/a.yaml", "LEAVE.YAML"])
def test_a_file_that_would_be_overlooked_or_misnamed_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterError) as raised:
        loaded(tmp_path, GOOD, name)

    assert found(raised.value, tmp_path) == [(name, 1, "", "LAW_FILE_NAME")]


def test_a_node_says_no_more_than_nodes_do(tmp_path: Path) -> None:
    write(tmp_path, "description: d\nvalues: {}\n", "leave/index.yaml")

    with pytest.raises(ParameterError) as raised:
        loaded(tmp_path)

    assert found(raised.value, tmp_path) == [("leave/index.yaml", 2, "values", "LAW_KEY_UNKNOWN")]


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as raised:
        load(tmp_path / "nowhere")

    assert found(raised.value, tmp_path) == [("nowhere", 0, "", "LAW_FOLDER_EMPTY")]


@pytest.mark.parametrize(
    ("name", "unit", "meant", "given", "code"),
    [
        ("a.base_days", "day", "9999", "10000", "LAW_TOO_LARGE"),
        ("a.order", "/1", "9999", "9999.1", "LAW_TOO_LARGE"),
        ("a.until_age_years", "year", "100", "101", "LAW_TOO_LARGE"),
        ("a.cap", "currency-CNY-fen", "999999999999", "1000000000000", "LAW_TOO_LARGE"),
        ("a.divisor", "/1", "1", "0", "LAW_DIVISOR_BELOW_ONE"),
        ("a.wage_divisor", "/1", "1", "0.99", "LAW_DIVISOR_BELOW_ONE"),
        ("a.pct", "/1", "1", "1.01", "LAW_SHARE_ABOVE_ONE"),
        ("a.employer_rate", "/1", "1", "50", "LAW_SHARE_ABOVE_ONE"),
        ("a.rate.primary", "/1", "1", "92", "LAW_SHARE_ABOVE_ONE"),
    ],
)
def test_a_number_that_cannot_be_meant_is_told(
    tmp_path: Path, name: str, unit: str, meant: str, *, given: str, code: str
) -> None:
    file = name.replace(".", "/") + ".yaml"
    law = loaded(tmp_path, of_unit(unit, meant), file)

    with pytest.raises(ParameterError) as in_file:
        loaded(tmp_path, of_unit(unit, given), file)
    with pytest.raises(ParameterError) as for_a_case:
        law.given({name: given})

    assert found(in_file.value, tmp_path) == [(file, 3, "values.2020-01-01.value", code)]
    assert [(one.field, one.code) for one in for_a_case.value.problems] == [(name, code)]


def test_what_is_given_for_a_case_must_fit(tmp_path: Path) -> None:
    law = loaded(tmp_path, of_unit("day", "1"), "a/b.yaml")

    with pytest.raises(ParameterError) as raised:
        law.given({"a.b": "1.5", "a.c": "1"})

    assert [(one.file, one.field, one.code) for one in raised.value.problems] == [
        ("", "a.b", "LAW_NOT_WHOLE"),
        ("", "a.c", "LAW_PARAMETER_UNKNOWN_NEAR"),
    ]
    assert "perhaps: a.b" in str(raised.value)
