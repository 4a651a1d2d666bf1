"""`cradle claims platform map` needs nothing running, shows every finding, and nobody's data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from tests.builders import MOTHER
from tests.claims.platform.messages import INFO, NAME, SETTLEMENT, settlement, undo


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["claims", "platform", "map", *map(str, arguments), "--language", "en"])


def written(folder: Path, name: str, *messages: object) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in messages), "utf-8")
    return path


def test_a_file_is_mapped_without_settings_and_its_claim_shown_without_her_number(tmp_path: Path) -> None:
    result = run(written(tmp_path, "day.ndjson", settlement(), undo()), "--source", "hospitals")

    assert result.exit_code == 0
    assert "PLATFORM_GESTATION_WHOLE_WEEKS" in result.output
    assert SETTLEMENT in result.output
    assert "SETTLEMENT_UNDONE" in result.output
    assert "2 messages: 2 mapped, 0 not mapped, 0 repeated" in result.output
    assert MOTHER not in result.output
    assert NAME not in result.output


def test_what_is_not_mapped_is_told_with_file_and_line_and_ends_with_1(tmp_path: Path) -> None:
    good, bad = settlement(), settlement({f"{INFO}certno": MOTHER[:17]})

    result = run(written(tmp_path, "day.ndjson", good, bad))

    assert result.exit_code == 1
    assert "day.ndjson:2" in result.output
    assert "PLATFORM_CERTNO_WITHOUT_X" in result.output
    assert MOTHER[:17] not in result.output


def test_as_a_document_it_has_status_findings_and_intake(tmp_path: Path) -> None:
    result = run(written(tmp_path, "a.json", settlement()), "--all", "--output", "json")

    document = json.loads(result.stdout)
    (message,) = document["messages"]
    assert (message["file"], message["line"], message["status"]) == ("a.json", 1, "MAPPED")
    assert (message["claim_number"], message["crosswalk"]) == (SETTLEMENT, "2026.1")
    assert {one["kind"] for one in message["findings"]} == {"DOUBT", "IGNORED"}
    assert all(one["text_zh"] and one["text_en"] and one["field"] for one in message["findings"])
    assert message["intake"][0]["submit"]["claim"]["person_id_number"] == "***"
    assert document["counts"] == {"MAPPED": 1}


def test_half_a_file_gives_what_is_whole_and_the_place_where_it_breaks_off(tmp_path: Path) -> None:
    path = written(tmp_path, "half.ndjson", settlement(), undo())
    path.write_bytes(path.read_bytes()[:-40])

    result = run(path)

    assert result.exit_code == 1
    assert "half.ndjson:2" in result.output
    assert "PLATFORM_JSON_BROKEN" in result.output
    assert "2 messages: 1 mapped, 1 not mapped" in result.output


def test_an_undo_in_one_file_finds_its_settlement_in_another(tmp_path: Path) -> None:
    result = run(written(tmp_path, "1.json", undo()), written(tmp_path, "2.json", settlement()), "--output", "json")

    by_file = {one["file"]: one for one in json.loads(result.stdout)["messages"]}
    assert [list(one) for one in by_file["2.json"]["intake"]] == [["submit"]]
    assert [list(one) for one in by_file["1.json"]["intake"]] == [["void"]]
    assert (by_file["1.json"]["status"], by_file["1.json"]["claim_number"]) == ("MAPPED", SETTLEMENT)


def test_the_void_of_an_early_undo_stands_under_its_own_file(tmp_path: Path) -> None:
    early = undo()
    first, second = written(tmp_path, "1.json", early, early), written(tmp_path, "2.json", settlement())

    result = run(first, second)

    told = [line.split(" ", 1) for line in result.output.splitlines() if "{" in line]
    assert [(place, next(iter(json.loads(record)))) for place, record in told] == [
        ("2.json:1", "submit"),
        ("1.json:1", "void"),
    ]
    assert "3 messages: 2 mapped, 0 not mapped, 1 repeated" in result.output


def test_a_source_that_the_crosswalk_does_not_know_is_told_before_the_messages_are(tmp_path: Path) -> None:
    result = run(written(tmp_path, "day.ndjson", settlement()), "--source", "hospitls")

    assert result.exit_code == 2
    assert "CLI_PLATFORM_SENDER" in result.output
    assert "hospitals, counter, sandbox" in " ".join(result.output.split())


@pytest.mark.parametrize("name", ["nowhere.json"])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    result = run(tmp_path / name)

    assert result.exit_code == 2
    assert "CLI_FILE_UNREADABLE" in result.output
