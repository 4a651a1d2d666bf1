"""A city's own values over the law as shipped, a whole law in its place, and how two laws differ."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from services.kit.law import Difference, Law, ParameterError, differences, effective, lay_over, load, read_law
from tests.kit.law_files import GOOD, NAME, found, write

OTHER = GOOD.replace("day\n", "boolean\n  mandatory: true\n").replace("98", "true").replace("158", "false")
OVERRIDE = """metadata:
  status: secondary
  reference:
    2022-05-25: [{title: 市规定, title_en: City rule}]
    2024-02-29: [{title: 市规定二, title_en: City rule 2}]
values:
  2022-05-25: {value: 168}
  2024-02-29: {value: 178}
"""
ADDED = Difference("leave.base_days", "day", date(2024, 2, 29), "added", "value", "", "178")


@pytest.fixture
def base(tmp_path: Path) -> Law:
    return load(write(write(tmp_path / "base"), OTHER, "payee/is_direct.yaml"))


def laid(base: Law, folder: Path, text: str = OVERRIDE, name: str = NAME) -> Law:
    return lay_over(base, write(folder, text, name))


def wrong(base: Law, folder: Path) -> list[tuple[str, int, str, str]]:
    with pytest.raises(ParameterError) as raised:
        read_law(folder, base)
    return found(raised.value, folder)


# --- overrides ---------------------------------------------------------------------------------------------------


def test_an_override_replaces_and_adds_by_date(base: Law, tmp_path: Path) -> None:
    law = laid(base, tmp_path / "city")

    values = law["leave.base_days"].values
    assert [(one.since, int(one.number), one.status, one.citation) for one in values] == [
        (date(2020, 1, 1), 98, "confirmed", "条例"),
        (date(2022, 5, 25), 168, "secondary", "市规定"),
        (date(2024, 2, 29), 178, "secondary", "市规定二"),
    ]
    assert law["leave.base_days"].dates == (date(2020, 1, 1), date(2022, 5, 25), date(2024, 2, 29))
    assert law["leave.base_days"].description == "Days of leave"
    assert law["payee.is_direct"] == base["payee.is_direct"]
    assert base["leave.base_days"].at(date(2024, 2, 29)).count == 158


def test_an_override_may_come_before_the_first_date(base: Law, tmp_path: Path) -> None:
    law = laid(base, tmp_path / "city", OVERRIDE.replace("2022-05-25", "2019-01-01"))

    assert [str(day) for day in law["leave.base_days"].dates] == [
        "2019-01-01",
        "2020-01-01",
        "2022-05-25",
        "2024-02-29",
    ]


def test_an_override_may_repeat_what_it_may_not_change(base: Law, tmp_path: Path) -> None:
    text = OVERRIDE.replace(
        "metadata:", "description: Ours\nmetadata:\n  unit: day\n  key_date: event\n  mandatory: false"
    )

    assert laid(base, tmp_path / "city", text)["leave.base_days"].description == "Ours"


def test_what_an_override_changes_that_is_fixed_is_told(base: Law, tmp_path: Path) -> None:
    fixed = "metadata:\n  unit: month\n  key_date: decision\n  mandatory: true\n  codes: [A]"

    folder = write(tmp_path / "city", OVERRIDE.replace("metadata:", fixed))

    assert wrong(base, folder) == [
        (NAME, 2, "metadata.unit", "LAW_FIXED"),
        (NAME, 3, "metadata.key_date", "LAW_FIXED"),
        (NAME, 4, "metadata.mandatory", "LAW_FIXED"),
        (NAME, 5, "metadata.codes", "LAW_FIXED"),
    ]


def test_every_problem_of_every_override_is_told(base: Law, tmp_path: Path) -> None:
    folder = write(tmp_path / "city", OVERRIDE.replace("168", "16.8").replace("  status: secondary\n", ""))
    write(folder, "values: {2026-01-01: {value: 3}}\n", "payee/is_direct.yaml")
    write(folder, OVERRIDE, "payee/is_directly.yaml")

    assert wrong(base, folder) == [
        (NAME, 1, "metadata.status", "LAW_KEY_MISSING"),
        (NAME, 6, "values.2022-05-25.value", "LAW_NOT_WHOLE"),
        ("payee/is_direct.yaml", 1, "metadata", "LAW_KEY_MISSING"),
        ("payee/is_direct.yaml", 1, "values.2026-01-01.value", "LAW_NOT_FLAG"),
        ("payee/is_directly.yaml", 1, "", "LAW_PARAMETER_UNKNOWN_NEAR"),
    ]


def test_an_unknown_parameter_is_told_with_those_that_may_be_meant(base: Law, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"no parameter leave\.base_day; perhaps: leave\.base_days"):
        laid(base, tmp_path / "city", name="leave/base_day.yaml")
    with pytest.raises(ParameterError, match=r"There is no parameter xyz\.$"):
        laid(base, tmp_path / "other", name="xyz.yaml")


def test_an_override_needs_citations_for_its_own_dates(base: Law, tmp_path: Path) -> None:
    folder = write(tmp_path / "city", OVERRIDE.replace("    2024-02-29: [", "    2025-01-01: ["))

    assert wrong(base, folder) == [
        (NAME, 5, "metadata.reference.2025-01-01", "LAW_DATE_WITHOUT_VALUE"),
        (NAME, 3, "metadata.reference.2024-02-29", "LAW_CITATION_MISSING"),
    ]


def test_no_overrides_at_all_are_a_mistake(base: Law, tmp_path: Path) -> None:
    assert wrong(base, tmp_path / "nowhere") == [("", 0, "", "LAW_FOLDER_EMPTY")]


def test_without_a_directory_the_law_is_the_one_shipped(base: Law, tmp_path: Path) -> None:
    assert effective(base, None) is base
    assert effective(base, write(tmp_path / "city", OVERRIDE)) == lay_over(base, tmp_path / "city")


# --- whole laws --------------------------------------------------------------------------------------------------


def test_a_root_file_makes_a_directory_a_whole_law(base: Law, tmp_path: Path) -> None:
    folder = write(write(tmp_path / "draft", "", "index.yaml"), GOOD.replace("158", "178"))
    write(folder, OTHER, "payee/is_direct.yaml")
    write(folder, OTHER, "payee/of_their_own.yaml")

    law = read_law(folder, base)

    assert set(law.parameters) == {"leave.base_days", "payee.is_direct", "payee.of_their_own"}
    assert law["leave.base_days"].at(date(2024, 1, 1)).count == 178


def test_a_whole_law_that_lacks_parameters_names_each(base: Law, tmp_path: Path) -> None:
    folder = write(write(tmp_path / "draft", "", "index.yaml"), OTHER, "payee/of_their_own.yaml")

    assert wrong(base, folder) == [
        ("leave/base_days.yaml", 0, "", "LAW_PARAMETER_MISSING"),
        ("payee/is_direct.yaml", 0, "", "LAW_PARAMETER_MISSING"),
    ]


def test_a_parameter_that_is_wrong_is_not_missing(base: Law, tmp_path: Path) -> None:
    folder = write(write(tmp_path / "draft", "", "index.yaml"), "description: [")
    write(folder, OTHER, "payee/is_direct.yaml")

    assert wrong(base, folder) == [(NAME, 1, "", "LAW_FILE_UNREADABLE")]


def test_a_whole_law_keeps_units_and_key_dates(base: Law, tmp_path: Path) -> None:
    folder = write(tmp_path / "draft", GOOD.replace("unit: day", "unit: month").replace(": event", ": decision"))
    write(write(folder, "", "index.yaml"), OTHER, "payee/is_direct.yaml")

    assert wrong(base, folder) == [(NAME, 3, "metadata.unit", "LAW_FIXED"), (NAME, 4, "metadata.key_date", "LAW_FIXED")]


# --- differences -------------------------------------------------------------------------------------------------


def test_a_law_differs_from_itself_in_nothing(base: Law) -> None:
    assert differences(base, base) == []


def test_every_difference_is_told_by_parameter_and_date(base: Law, tmp_path: Path) -> None:
    draft = laid(base, tmp_path / "city")

    day = date(2022, 5, 25)
    assert differences(base, draft) == [
        Difference("leave.base_days", "day", day, "changed", "value", "158", "168"),
        Difference("leave.base_days", "day", day, "changed", "status", "confirmed", "secondary"),
        Difference(
            "leave.base_days",
            "day",
            day,
            "changed",
            "citation",
            "新条例 / Revised https://example.org",
            "市规定 / City rule",
        ),
        ADDED,
    ]
    assert differences(draft, base)[-1] == ADDED._replace(change="removed", before="178", after="")


def test_a_parameter_that_is_new_or_gone_is_told_by_its_values(base: Law, tmp_path: Path) -> None:
    draft = load(write(tmp_path / "draft"))

    assert differences(base, draft) == [
        Difference("payee.is_direct", "boolean", date(2020, 1, 1), "removed", "value", "true", ""),
        Difference("payee.is_direct", "boolean", date(2022, 5, 25), "removed", "value", "false", ""),
    ]
    assert [one.change for one in differences(draft, base)] == ["added", "added"]


@pytest.mark.parametrize(
    ("old", "new", "aspect"),
    [
        ("Days of leave", "Days off", "description"),
        ("  unit: day", "  unit: month", "unit"),
        (": event", ": decision", "key_date"),
        ("  unit:", "  mandatory: true\n  unit:", "mandatory"),
        ("  unit: day", "  codes: [A]\n  unit: day", "codes"),
    ],
)
def test_laws_of_different_digests_differ_in_something(tmp_path: Path, old: str, new: str, aspect: str) -> None:
    base, draft = load(write(tmp_path / "one")), load(write(tmp_path / "two", GOOD.replace(old, new)))

    assert base.digest != draft.digest
    assert [(one.since, one.aspect) for one in differences(base, draft)] == [(None, aspect)]
