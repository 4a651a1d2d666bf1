"""`cradle claims replay`: what it refuses, and that it says why in both languages before it asks any database."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from services.claims.usecases.replay import Asked
from services.cli.main import app

NOWHERE = "postgresql://nobody:secret-word@127.0.0.1:1"
PARAMETERS = Path(__file__).parents[2] / "services" / "claims" / "parameters"


def replay(*arguments: object, **env: str | None) -> Result:
    given = {"DATABASE_URL": NOWHERE, "LANG": "C", "CRADLE_LAW_OVERRIDES": None, **env}
    return CliRunner(env=given).invoke(app, ["claims", "replay", *map(str, arguments)])


def test_help_needs_no_settings() -> None:
    assert replay("--help", DATABASE_URL=None).exit_code == 0


def test_the_address_of_the_database_is_all_it_needs_and_is_told_to_be_missing() -> None:
    result = replay(DATABASE_URL=None)

    assert result.exit_code == 2
    assert "DATABASE_URL" in result.stderr
    assert "SEALING_KEY" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sample", "5", "--all"], "CLI_AGAIN_CHOICE --sample"),
        (["--county", "110101"], "COUNTY_UNKNOWN --county"),
        (["--since", "2026-02-30"], "--since"),
        (["--sample", "0"], "--sample"),
        (["--jobs", "0"], "--jobs"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], said: str) -> None:
    result = replay(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_database_that_is_away_ends_with_4_and_says_no_password(tmp_path: Path) -> None:
    result = replay("--checkpoint", tmp_path / "c")

    assert result.exit_code == 4
    assert "CLI_DATABASE_AWAY DATABASE_URL" in result.stderr
    assert "127.0.0.1:1/cradle_claims" in result.stderr
    assert "secret-word" not in result.stderr
    assert not (tmp_path / "c").exists()


def test_interrupted_it_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("services.cli.replay.decide_again", interrupted)

    result = replay("--checkpoint", tmp_path / "c")

    assert result.exit_code == 130
    assert f"the same command goes on from the checkpoint {tmp_path / 'c'}" in result.stderr


# --- a draft that is no law ------------------------------------------------------------------------------------------


def draft(folder: Path, name: str, text: str) -> Path:
    file = folder.joinpath(*name.split(".")).with_suffix(".yaml")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return folder


def values(value: str, since: str = "2026-01-01") -> str:
    return f"""metadata:
  status: {{{since}: confirmed}}
  reference:
    {since}: [{{title: 草案, title_en: Draft}}]
values:
  {since}: {{value: {value}}}
"""


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("leave.maternity.bass_days", values("108"), "LAW_PARAMETER_UNKNOWN_NEAR"),
        ("leave.maternity.base_days", values("many"), "LAW_NOT_WHOLE"),
        ("leave.maternity.base_days", values("108", "2026-02-30"), "LAW_"),
        ("leave.maternity.base_days", "values: [", "LAW_"),
    ],
)
def test_a_wrong_file_of_a_draft_is_told_with_its_line_in_both_languages(
    tmp_path: Path, name: str, text: str, code: str
) -> None:
    folder = draft(tmp_path, name, text)

    english, chinese = replay("--law", folder), replay("--law", folder, "--language", "zh-CN")
    told = json.loads(replay("--law", folder, "--output", "json").stdout)["error"]

    assert english.exit_code == chinese.exit_code == told["exit_code"] == 2
    assert told["reasons"][0]["code"].startswith(code)
    assert f"{name.rpartition('.')[2]}.yaml:" in told["reasons"][0]["field"]
    assert told["reasons"][0]["text_en"] in english.stderr
    assert told["reasons"][0]["text_zh"] in chinese.stderr


def test_a_whole_draft_that_lacks_a_parameter_is_refused_with_its_name(tmp_path: Path) -> None:
    for file in PARAMETERS.rglob("*.yaml"):
        copied = tmp_path / file.relative_to(PARAMETERS)
        if file.name != "base_days.yaml":
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(file.read_bytes())

    result = replay("--law", tmp_path)

    assert result.exit_code == 2
    assert "LAW_PARAMETER_MISSING" in result.stderr
    assert "leave.maternity.base_days" in result.stderr


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    draft(tmp_path, "leave.maternity.base_days", values("many"))
    draft(tmp_path, "allowance.divisor", values("-3"))

    assert len(json.loads(replay("--law", tmp_path, "--output", "json").stdout)["error"]["reasons"]) == 2


# --- the checkpoint --------------------------------------------------------------------------------------------------


def test_the_checkpoint_is_named_by_what_is_asked_for() -> None:
    same, other = Asked(county="610302"), Asked(county="610303")

    assert same.checkpoint(NOWHERE) == Asked(county="610302").checkpoint(NOWHERE)
    assert len({asked.checkpoint(NOWHERE) for asked in (same, other, Asked(), Asked(sample=5))}) == 4
    assert same.checkpoint(NOWHERE) != same.checkpoint("postgresql://nobody@127.0.0.1:2")
    assert "secret-word" not in orjson.dumps(same.as_data(NOWHERE)).decode()


def test_a_checkpoint_of_another_replay_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("my diary\n")

    result = replay("--checkpoint", tmp_path / "c")

    assert result.exit_code == 2
    assert "REPLAY_CHECKPOINT_OTHER --checkpoint" in result.stderr
    assert (tmp_path / "c").read_text() == "my diary\n"


@pytest.mark.parametrize("option", ["--checkpoint", "--changes"])
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, option: str) -> None:
    other = [] if option == "--checkpoint" else ["--checkpoint", tmp_path / "c"]

    result = replay(option, tmp_path / "nowhere" / "file", *other)

    assert result.exit_code == 2
    assert f"REPLAY_FILE {option}" in result.stderr
