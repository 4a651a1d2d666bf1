"""Files of messages in every form they come, whole and broken."""

from __future__ import annotations

import json

import pytest

from services.claims.wire.platform.records import records

ONE, TWO, THREE = ({"n": number} for number in ("1", "2", "3"))


def seen(raw: bytes) -> list[tuple[int, object]]:
    """Line and content of each, or the code and values of what is wrong."""
    found: list[tuple[int, object]] = []
    for one in records(raw):
        if one.content is not None:
            found.append((one.line, dict(one.content)))
        elif one.problem is not None:
            found.append((one.line, (one.problem.code, dict(one.problem.values))))
    return found


def lines(*given: object) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in given)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (json.dumps(ONE).encode(), [(1, ONE)]),
        (json.dumps(ONE, indent=1).encode() + b"\n", [(1, ONE)]),
        (b"\xef\xbb\xbf" + json.dumps(ONE).encode(), [(1, ONE)]),
        (lines(ONE, TWO, THREE), [(1, ONE), (2, TWO), (3, THREE)]),
        (lines(ONE, b"", TWO) + b"\r\n", [(1, ONE), (3, TWO)]),
        (json.dumps([ONE, TWO]).encode(), [(1, ONE), (1, TWO)]),
        (json.dumps([ONE, TWO], indent=1).encode(), [(2, ONE), (5, TWO)]),
    ],
    ids=["one", "indented", "bom", "lines", "blank lines", "array", "indented array"],
)
def test_one_object_an_array_and_lines_are_read(raw: bytes, expected: list[tuple[int, object]]) -> None:
    assert seen(raw) == expected


def test_numbers_stay_the_text_they_were_written_in() -> None:
    assert seen(b'{"a": 3018.240, "b": 1E5, "c": 007}'[:-11] + b"}") == [(1, {"a": "3018.240", "b": "1E5"})]


@pytest.mark.parametrize("raw", [b"", b" \n\t", b"[]"])
def test_nothing_is_told(raw: bytes) -> None:
    assert [what for _, what in seen(raw)] == [("PLATFORM_EMPTY", {})]


def test_a_broken_line_is_told_with_line_and_column_and_the_others_are_read() -> None:
    found = seen(lines(ONE, b'{"n": oops}', TWO))

    assert found == [(1, ONE), (2, ("PLATFORM_JSON_BROKEN", {"line": "2", "column": "7"})), (3, TWO)]


def test_half_a_file_gives_what_is_whole_and_the_place_where_it_breaks_off() -> None:
    array, by_line = json.dumps([ONE, TWO], indent=1).encode(), lines(ONE, TWO)

    assert seen(array[:-8])[0] == (2, ONE)
    assert [what for _, what in seen(array[:-8])][1] == ("PLATFORM_JSON_BROKEN", {"line": "6", "column": "8"})
    assert seen(array[:-2])[:2] == [(2, ONE), (5, TWO)]
    assert seen(array[:-2])[2][1] == ("PLATFORM_JSON_BROKEN", {"line": "7", "column": "3"})
    assert seen(by_line[:-1]) == [(1, ONE), (2, ("PLATFORM_JSON_BROKEN", {"line": "2", "column": "10"}))]


def test_what_follows_an_array_is_told() -> None:
    assert [what for _, what in seen(b'[{"n": "1"}]\nx')] == [
        ONE,
        ("PLATFORM_JSON_BROKEN", {"line": "2", "column": "1"}),
    ]


def test_an_item_that_is_no_object_is_told_and_the_next_read() -> None:
    assert [what for _, what in seen(b'[1, {"n": "2"}]')] == [("PLATFORM_NOT_OBJECT", {}), TWO]


def test_a_key_twice_and_a_number_that_is_none_are_told() -> None:
    found = seen(b'{"n": 1, "n": 2}\n{"n": NaN}\n{"n": "3"}')

    assert [what for _, what in found] == [("PLATFORM_KEY_TWICE", {}), ("PLATFORM_NOT_A_NUMBER", {}), THREE]


def test_another_encoding_is_told_with_its_line() -> None:
    assert seen('{"n": "1"}\n{"姓": "李"}'.encode("gb18030")) == [(2, ("PLATFORM_NOT_UTF8", {"line": "2"}))]


def test_nesting_without_end_is_told() -> None:
    assert [what[0] for _, what in seen(b"[" * 100_000) if isinstance(what, tuple)] == ["PLATFORM_JSON_BROKEN"]
    assert [what[0] for _, what in seen(b'{"a":' * 100_000) if isinstance(what, tuple)] == ["PLATFORM_JSON_BROKEN"]
