"""The law as data: what a file says, by date, and how it is kept for ever."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.law import Citation, Dated, NotInForce, Unset, from_content, load
from tests.kit.law_files import GOOD, loaded, of_unit, write

# As the first version stored it; determinations rest on it for ever.
OLD_CONTENT = (
    '{"allowance.divisor":{"description":"Days a month counts","metadata":{"key_date":"event","mandatory":"true",'
    '"reference":{"2022-05-25":[{"title":"占位","title_en":"placeholder"}]},"status":"placeholder","unit":"/1"},'
    '"values":{"2022-05-25":{"value":"3E+1"}}},'
    '"leave.base_days":{"description":"Days of leave","metadata":{"key_date":"event","mandatory":"false",'
    '"reference":{"2012-04-28":[{"title":"条例","title_en":"Regulations"}],'
    '"2022-05-25":[{"title":"新条例","title_en":"Revised"}]},"status":"confirmed","unit":"day"},'
    '"values":{"2012-04-28":{"value":"98"},"2022-05-25":{"value":null}}},'
    '"payee.from":{"description":"Paid directly","metadata":{"key_date":"decision","mandatory":"true",'
    '"reference":{"2022-05-25":[{"title":"占位","title_en":"placeholder"}]},"status":"placeholder","unit":"date"},'
    '"values":{"2022-05-25":{"value":"2025-09-01"}}},'
    '"payee.is_paid":{"description":"Whether","metadata":{"key_date":"decision","mandatory":"true",'
    '"reference":{"2022-05-25":[{"title":"占位","title_en":"placeholder"}]},"status":"secondary","unit":"boolean"},'
    '"values":{"2022-05-25":{"value":"true"}}}}'
)
OLD_DIGEST = "c14150fcb19bb6bf51399a0daca444847bc0890f7b42e1fe80c79509d62971e8"


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    law = loaded(tmp_path)

    assert list(law.parameters) == ["leave.base_days"]


def test_files_of_nodes_are_no_parameters(tmp_path: Path) -> None:
    write(tmp_path, "description: Everything\nmetadata: {order: [leave]}\n", "index.yaml")
    write(tmp_path, "", "leave/index.yaml")

    assert list(loaded(tmp_path).parameters) == ["leave.base_days"]


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
    with pytest.raises(NotInForce, match=r"leave\.base_days has no value before 2020-01-01") as raised:
        loaded(tmp_path)["leave.base_days"].at(date(2019, 12, 31))

    assert raised.value.name == "leave.base_days"


def test_a_value_carries_since_when_by_which_citations_and_how_sure(tmp_path: Path) -> None:
    text = GOOD.replace('href: "https://example.org"}', 'href: "https://example.org"}, {title: 批复, title_en: Reply}')

    dated = loaded(tmp_path, text)["leave.base_days"].at(date(2023, 1, 1))

    assert (dated.since, dated.citation, dated.citation_en) == (date(2022, 5, 25), "新条例", "Revised")
    assert dated.citations == (Citation("新条例", "Revised", "https://example.org"), Citation("批复", "Reply"))
    assert dated.stamp == ("leave.base_days", "158", "2022-05-25", "confirmed")


def test_a_status_may_go_by_date(tmp_path: Path) -> None:
    text = GOOD.replace("status: confirmed", "status: {2020-01-01: placeholder, 2022-05-25: secondary}")

    parameter = loaded(tmp_path, text)["leave.base_days"]

    assert [dated.status for dated in parameter.values] == ["placeholder", "secondary"]
    assert parameter.status == "placeholder"


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        ("day", "98", Decimal(98)),
        ("working-day", "0", Decimal(0)),
        ("times", '"2"', Decimal(2)),
        ("hour", "0.5", Decimal("0.5")),
        ("/1", "0.1", Decimal("0.1")),
        ("/1", "0.6667", Decimal("0.6667")),
        ("/1", "30.40", Decimal("30.40")),
        ("currency-CNY-fen", "2325000", Decimal(2325000)),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("date", "2025-09-01", date(2025, 9, 1)),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("codes", "[A, B-1]", ("A", "B-1")),
        ("codes", "[]", ()),
        ("codes", "null", None),
        ("day", "null", None),
        ("day", "~", None),
    ],
)
def test_text_becomes_what_its_unit_says_and_never_a_float(tmp_path: Path, unit: str, text: str, value: object) -> None:
    law = loaded(tmp_path, of_unit(unit, text))

    found = law["leave.base_days"].at(date(2020, 1, 1)).value
    assert found == value
    assert type(found) is type(value)
    assert str(found) == str(value)
    assert from_content(law.content)["leave.base_days"].values == law["leave.base_days"].values


def test_a_code_is_one_of_its_list(tmp_path: Path) -> None:
    dated = loaded(tmp_path, of_unit("code", "FLAT", "codes: [FLAT, ORDINARY], "))["leave.base_days"].values[0]

    assert dated.code == "FLAT"


def test_what_is_read_is_of_its_kind() -> None:
    def dated(value: object) -> Dated:
        return Dated("a", value, date.min, "t", "e", "confirmed")  # type: ignore[arg-type]

    assert dated(Decimal("1.5")).number == Decimal("1.5")
    assert dated(Decimal(3)).count == 3
    assert dated(False).flag is False
    assert dated("A").code == "A"
    assert dated(("A", "B")).codes == ("A", "B")
    assert dated(date(2025, 9, 1)).day == date(2025, 9, 1)
    assert dated(("A", "B")).stamp == ("a", "A,B", "0001-01-01", "confirmed")
    with pytest.raises(TypeError, match="a is no Decimal"):
        _ = dated(True).number


@pytest.mark.parametrize("kind", ["number", "count", "flag", "code", "codes", "day"])
def test_what_nobody_has_set_raises_when_it_is_read(kind: str) -> None:
    dated = Dated("a.b", None, date.min, "t", "e", "placeholder")

    assert not dated.is_set
    assert dated.stamp == ("a.b", "", "0001-01-01", "placeholder")
    with pytest.raises(Unset, match=r"^a\.b$") as raised:
        getattr(dated, kind)
    assert raised.value.name == "a.b"


# --- the one form that is hashed and stored ----------------------------------------------------------------------


def test_the_digest_is_that_of_the_content_and_stays(tmp_path: Path) -> None:
    one, two = loaded(tmp_path / "one"), loaded(tmp_path / "two", GOOD.replace("  unit: day\n", "  unit:   day\n"))

    assert one == two
    assert hash(one) == hash(two)
    assert from_content(one.content) == one


def test_the_law_as_first_stored_comes_back_for_ever() -> None:
    law = from_content(OLD_CONTENT)

    assert law.digest == OLD_DIGEST
    assert law.content == OLD_CONTENT
    assert law["allowance.divisor"].at(date(2025, 1, 1)).number == 30
    assert law["leave.base_days"].at(date(2020, 2, 29)).count == 98
    assert not law["leave.base_days"].at(date(2022, 5, 25)).is_set
    assert law["payee.from"].at(date(2025, 1, 1)).day == date(2025, 9, 1)
    assert law["payee.is_paid"].at(date(2025, 1, 1)).flag


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{value: 158}", "{value: 159}"),
        ("{value: 158}", "{value: null}"),
        ("2022-05-25", "2022-05-26"),
        ("confirmed", "placeholder"),
        ("status: confirmed", "status: {2020-01-01: confirmed, 2022-05-25: secondary}"),
        ("unit: day", "unit: month"),
        ("key_date: event", "key_date: decision"),
        ("新条例", "旧条例"),
        ("title_en: Revised", "title_en: Amended"),
        ("https://example.org", "https://example.org/1"),
        ("Regulations}]", "Regulations}, {title: a, title_en: b}]"),
        ("  unit:", "  mandatory: true\n  unit:"),
        ("Days of leave", "Days of rest"),
    ],
)
def test_the_digest_changes_with_what_the_law_says(tmp_path: Path, old: str, new: str) -> None:
    changed = loaded(tmp_path / "two", GOOD.replace(old, new))

    assert loaded(tmp_path / "one").digest != changed.digest
    assert from_content(changed.content) == changed


def test_the_digest_does_not_change_with_a_remark(tmp_path: Path) -> None:
    remarks = "  notes: looked up again\n  last_value_still_valid_on: 2026-11-01\n  unit:"

    remarked = loaded(tmp_path / "two", GOOD.replace("  unit:", remarks))

    assert remarked == loaded(tmp_path / "one")
    assert remarked["leave.base_days"].notes == "looked up again"
    assert remarked["leave.base_days"].last_value_still_valid_on == date(2026, 11, 1)


def test_the_digest_changes_with_the_name_of_a_parameter(tmp_path: Path) -> None:
    assert loaded(tmp_path / "one").digest != loaded(tmp_path / "two", name="leave/other_days.yaml").digest


def test_a_directory_may_be_linked(tmp_path: Path) -> None:
    write(tmp_path / "kept")
    (tmp_path / "law").mkdir()
    (tmp_path / "law" / "leave").symlink_to(tmp_path / "kept" / "leave")

    assert list(load(tmp_path / "law").parameters) == ["leave.base_days"]


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
