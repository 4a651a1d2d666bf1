from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from services.cli.claims import full_name
from services.cli.main import app, hoisted
from tests.cli import builders

NOWHERE = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "CRADLE_CLAIMS_TARGET": "127.0.0.1:1",
    "CRADLE_REGISTRY_TARGET": "127.0.0.1:1",
    "CRADLE_SOURCES": "hospitals,counter",
    **dict.fromkeys(("CRADLE_TLS_CERTIFICATE", "CRADLE_TLS_KEY", "CRADLE_TLS_AUTHORITIES"), __file__),
    "LANG": "C",
}


def cradle(*arguments: str, **env: str | None) -> Result:
    return CliRunner(env={**NOWHERE, **env}).invoke(app, arguments)


@pytest.mark.parametrize(
    "command",
    [[], ["claims"], ["claims", "submit"], ["registry", "import"], ["parked", "replay"], ["topics"], ["doctor"]],
)
def test_help_needs_no_settings(command: list[str]) -> None:
    result = cradle(*command, "--help", CRADLE_CLAIMS_TARGET=None, KAFKA_BOOTSTRAP_SERVERS=None)

    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_the_help_tells_the_exit_codes() -> None:
    assert "4 a service is unavailable" in " ".join(cradle("--help").stdout.split())


def test_what_is_missing_is_told_all_at_once_with_the_way_to_get_it() -> None:
    result = cradle("claims", "list", CRADLE_CLAIMS_TARGET=None, KAFKA_BOOTSTRAP_SERVERS=None)

    assert result.exit_code == 2
    assert "CRADLE_CLAIMS_TARGET" in result.stderr
    assert "KAFKA_BOOTSTRAP_SERVERS" in result.stderr
    assert "make up" in result.stderr


def test_claims_that_cannot_be_read_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    rows = [builders.claim("A-1", 1), builders.claim("A-2", 2, kind="x")]
    file = builders.write_lines(tmp_path / "claims.ndjson", rows)

    result = cradle("claims", "submit", str(file))

    assert result.exit_code == 2
    assert "CLI_WANTED_CODE claims.ndjson:2 kind" in result.stderr
    assert "Nothing was sent" in result.stderr


def test_an_unknown_source_is_wrong_usage(tmp_path: Path) -> None:
    file = builders.write_lines(tmp_path / "claims.ndjson", [builders.claim("A-1", 1)])

    result = cradle("claims", "submit", str(file), "--source", "elsewhere", "--language", "zh-CN")

    assert result.exit_code == 2
    assert "没有来源 elsewhere；可用的有：hospitals, counter" in result.stderr


def test_a_failure_is_a_json_document_where_json_is_asked_for(tmp_path: Path) -> None:
    result = cradle("claims", "submit", str(tmp_path / "none.json"), "--output", "json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["reasons"][0]["code"] == "CLI_FILE_UNREADABLE"


def coded(command: Any, path: str = "cradle") -> Iterator[tuple[str, bool]]:
    """Every option and argument that is one of several codes, by its command, and whether its case counts."""
    for parameter in command.params:
        if described := getattr(parameter, "type_descriptor", None):
            words = [one for one in get_args(described.annotation) if isinstance(one, str)]
            if words and all(map(str.isupper, words)):
                yield f"{path} {parameter.name}", described.parameter_info.case_sensitive
    for name, inside in getattr(command, "commands", {}).items():
        yield from coded(inside, f"{path} {name}")


def test_codes_are_taken_in_capitals_and_in_small_letters_as_tables_show_them() -> None:
    found = list(coded(get_command(app)))

    assert len(found) > 35
    assert [place for place, case_counts in found if case_counts] == []
    assert cradle("claims", "list", "--state", "pended").exit_code == 4
    assert cradle("claims", "list", "--state", "pend").exit_code == 2


def test_global_options_may_stand_anywhere() -> None:
    assert hoisted(["claims", "list", "--output", "json", "--limit", "1", "--language=en"]) == [
        "--output",
        "json",
        "--language=en",
        "claims",
        "list",
        "--limit",
        "1",
    ]
    assert hoisted(["claims", "show", "--", "--output"]) == ["claims", "show", "--", "--output"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("claims/1", "claims/1"),
        ("hospitals/A-1", "sources/hospitals/claims/A-1"),
        ("sources/hospitals/claims/A-1", "sources/hospitals/claims/A-1"),
        ("A-1", "A-1"),
    ],
)
def test_a_short_name_is_made_whole(given: str, name: str) -> None:
    assert full_name(given) == name
