from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.failures import Exit, Failure
from services.cli.files import parse_rows, read_rows, write_errors


def places(text: str, name: str) -> list[tuple[str, object]]:
    return [(row.place, row.content) for row in parse_rows(text, name)]


def test_a_file_of_lines_counts_its_lines_blank_ones_among_them() -> None:
    assert places('{"a": 1}\n\n{"a": 2}\n', "claims.ndjson") == [
        ("claims.ndjson:1", {"a": 1}),
        ("claims.ndjson:3", {"a": 2}),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("claims.json", '[{"a": "1"}, {"a": "2"}]'),
        ("claims.yaml", "- a: 1\n- a: 2\n"),
        ("claims.yml", "a: 1\n---\na: 2\n"),
        ("stdin", '[{"a": "1"},\n {"a": "2"}]'),
        ("stdin", "- {a: 1}\n- {a: 2}\n"),
    ],
)
def test_lists_and_documents_become_rows(name: str, text: str) -> None:
    assert places(text, name) == [(f"{name}[1]", {"a": "1"}), (f"{name}[2]", {"a": "2"})]


def test_lines_on_standard_input_are_told_from_one_json_document() -> None:
    assert [place for place, _ in places('{"a": 1}\n{"a": 2}\n', "stdin")] == ["stdin:1", "stdin:2"]
    assert [place for place, _ in places('{\n"a": 1\n}\n', "stdin")] == ["stdin[1]"]


def test_yaml_keeps_numbers_and_times_as_they_were_written() -> None:
    text = "{county: 061030, id: 61033119930415012X, at: 2026-11-20T09:30:00+08:00, twin: true, none: null}"

    [(_, content)] = places(text, "claim.yaml")

    assert content == {
        "county": "061030",
        "id": "61033119930415012X",
        "at": "2026-11-20T09:30:00+08:00",
        "twin": True,
        "none": None,
    }


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("twice.yaml", b"a: 1\na: 2\n"),
        ("twice.json", b'{"a": 1, "a": 2}'),
        ("cut.json", b'{"a": '),
        ("cut.ndjson", b'{"a": 1}\n{"a": \n'),
        ("cut.yaml", b"a: [1\n"),
        ("latin.yaml", b"a: \xe4\n"),
        ("empty.yaml", b"# nothing\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path, name: str, raw: bytes) -> None:
    (tmp_path / name).write_bytes(raw)

    with pytest.raises(Failure) as failed:
        read_rows(tmp_path / name)

    assert failed.value.exit_code is Exit.USAGE
    assert failed.value.reasons[0].field == name


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    (tmp_path / "claims.json").write_bytes(b'\xef\xbb\xbf{"a": "1"}')

    assert [row.content for row in read_rows(tmp_path / "claims.json")] == [{"a": "1"}]


def test_what_was_not_taken_is_told_anew_and_nothing_to_tell_leaves_no_file(tmp_path: Path) -> None:
    file = tmp_path / "errors.ndjson"

    write_errors(file, [{"row": 1, "text": "缺"}, {"row": 2}])
    assert file.read_text("utf-8") == '{"row": 1, "text": "缺"}\n{"row": 2}\n'
    write_errors(file, [{"row": 3}])
    assert file.read_text("utf-8") == '{"row": 3}\n'
    write_errors(file, [])
    write_errors(file, [])
    assert not file.exists()
