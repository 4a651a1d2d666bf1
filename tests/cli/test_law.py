from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.claims.rules import LAW
from services.cli.main import app
from services.kit.law import lay_over
from tests.kit.law_files import write

SHIPPED = Path(__file__).parents[2] / "services" / "claims" / "parameters"
OVERRIDE = """metadata:
  status: confirmed
  reference:
    2022-05-25: [{title: 市规定, title_en: City rule, href: "https://example.org"}]
values:
  2022-05-25: {value: 700000}
"""
CAP = "allowance/base/cap_monthly.yaml"


def law(*arguments: str) -> Result:
    """The command with nothing in its environment."""
    nothing: dict[str, str | None] = dict.fromkeys(os.environ)
    return CliRunner(env={**nothing, "PATH": os.environ["PATH"]}).invoke(app, ["law", *arguments])


def data(*arguments: str) -> Any:
    return json.loads(law(*arguments, "--output", "json").stdout)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write(tmp_path / "city", OVERRIDE, CAP)


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    folder = write(tmp_path / "wrong", OVERRIDE.replace("700000", "7000.00"), CAP)
    return write(folder, OVERRIDE, "allowance/base/cap_monthy.yaml")


# --- list ----------------------------------------------------------------------------------------------------------


def test_every_parameter_stands_on_one_line_with_what_is_in_force() -> None:
    result = law("list", "--prefix", "leave.m", "--on", "2026-01-01")

    assert result.exit_code == 0
    [line] = [line for line in result.stdout.splitlines() if "leave.maternity.base_days" in line]
    assert line.split()[:5] == ["leave.maternity.base_days", "98", "day", "2012-04-28", "confirmed"]
    assert "Special Rules on the Labour Protection of Female Employees" in line


def test_amounts_are_shown_in_yuan_and_written_in_fen() -> None:
    shown = law("list", "--prefix", "child_care_allowance.yearly")
    [row] = data("list", "--prefix", "child_care_allowance.yearly")["parameters"]

    assert "3,600.00   yuan" in shown.stdout
    assert (row["value"], row["unit"]) == ("360000", "currency-CNY-fen")


def test_the_list_ends_with_its_counts() -> None:
    whole = data("list", "--on", "2026-11-01")

    assert whole["count"] == len(whole["parameters"]) == len(LAW.parameters)
    placeholders = [row for row in whole["parameters"] if row.get("status") == "placeholder"]
    assert whole["placeholders"] == len(placeholders) > whole["mandatory"] > 0
    told = law("list", "--on", "2026-11-01").stderr.strip()
    assert told == (
        f"{whole['count']} parameters, {whole['placeholders']} of them placeholders ({whole['mandatory']} mandatory)"
    )


def test_what_is_listed_can_be_chosen() -> None:
    placeholders = data("list", "--status", "placeholder", "--on", "2026-11-01")["parameters"]
    unset = data("list", "--unset", "--on", "2026-11-01")["parameters"]
    early = data("list", "--prefix", "leave.maternity.local_days", "--on", "2022-05-24")["parameters"]

    assert {row["status"] for row in placeholders} == {"placeholder"}
    assert {row["value"] for row in unset} == {None}
    assert len(unset) < len(placeholders) < len(LAW.parameters)
    assert [row["in_force"] for row in early] == [False]
    assert "not in force" in law("list", "--prefix", "leave.maternity.local_days", "--on", "2022-05-24").stdout


def test_the_list_is_of_a_citys_law_and_in_chinese(city: Path) -> None:
    result = law("list", "--prefix", "allowance.base.", "--law", str(city), "--language", "zh-CN")

    assert "7,000.00" in result.stdout
    assert "市规定" in result.stdout
    assert "未确定" in result.stdout
    assert "占位 1 项" in result.stderr


def test_a_wrong_law_is_told_and_nothing_is_listed(wrong: Path) -> None:
    result = law("list", "--law", str(wrong))

    assert result.exit_code == 2
    assert f"LAW_NOT_WHOLE {wrong}/{CAP}:6 values.2022-05-25.value: '7000.00'" in result.stderr
    assert "LAW_PARAMETER_UNKNOWN_NEAR" in result.stderr
    assert result.stdout == ""


# --- show ----------------------------------------------------------------------------------------------------------


def test_a_parameter_is_shown_with_every_value_and_citation(city: Path) -> None:
    shown = " ".join(law("show", "allowance.base.cap_monthly", "--law", str(city)).stdout.split())

    assert "key date event" in shown
    assert "2022-05-25 7,000.00 yuan confirmed City rule https://example.org" in shown


def test_codes_notes_and_statuses_are_shown() -> None:
    shown = law("show", "medical.delivery.mode").stdout

    assert "POLICY_FULL, FLAT, ORDINARY" in shown
    assert "FLAT needs medical.flat" in shown
    assert data("show", "medical.delivery.mode")["metadata"]["codes"] == ["POLICY_FULL", "FLAT", "ORDINARY"]


def test_an_unknown_parameter_is_answered_with_those_that_may_be_meant() -> None:
    result = law("show", "allowance.divisr")

    assert result.exit_code == 3
    assert "There is no parameter allowance.divisr; perhaps: allowance.divisor" in result.stderr


# --- diff ----------------------------------------------------------------------------------------------------------


def test_a_draft_is_compared_with_the_law_as_shipped(city: Path) -> None:
    shown = " ".join(law("diff", str(city)).stdout.split())
    found = data("diff", str(city))

    assert "allowance.base.cap_monthly 2022-05-25 value changed unset 7,000.00" in shown
    assert "status changed placeholder confirmed" in shown
    assert [one["aspect"] for one in found["differences"]] == ["value", "status", "citation"]
    assert (found["base"], found["draft"]) == (LAW.digest, lay_over(LAW, city).digest)


def test_two_laws_are_compared(city: Path) -> None:
    [value, *_] = data("diff", str(city), str(SHIPPED))["differences"]

    assert (value["before"], value["after"]) == ("700000", "")


@pytest.mark.parametrize(("language", "told"), [("en", "No difference: both are the same law."), ("zh-CN", "没有差异")])
def test_no_difference_is_said_plainly(language: str, told: str) -> None:
    result = law("diff", str(SHIPPED), "--language", language)

    assert result.exit_code == 0
    assert told in result.stdout


def test_more_than_two_laws_are_not_compared() -> None:
    assert law("diff", "a", "b", "c").exit_code == 2


# --- check ---------------------------------------------------------------------------------------------------------


def test_a_law_in_order_is_told_by_its_counts_and_digest() -> None:
    result = law("check", str(SHIPPED))

    assert result.exit_code == 0
    assert result.stdout.startswith(f"{len(LAW.parameters)} parameters, digest {LAW.digest}, ")
    assert f"of which {len({one.name for one in LAW.unset()})} mandatory." in result.stdout


def test_every_problem_is_told_with_its_place(wrong: Path) -> None:
    result = law("check", str(wrong))

    first, second, last = result.stdout.splitlines()
    assert result.exit_code == 1
    assert first.startswith(f"{wrong}/{CAP}:6 values.2022-05-25.value: '7000.00' is no whole number")
    assert second.startswith(f"{wrong}/allowance/base/cap_monthy.yaml:1: There is no parameter")
    assert last == "Problems: 2."


def test_problems_are_a_document_too(wrong: Path) -> None:
    first = data("check", str(wrong))["problems"][0]

    assert (first["code"], first["line"], first["path"]) == ("LAW_NOT_WHOLE", 6, "values.2022-05-25.value")
    assert first["file"] == f"{wrong}/{CAP}"
    assert first["text_zh"]


def test_the_command_runs_with_nothing_in_its_environment() -> None:
    script = "import sys; from services.cli.main import run; sys.argv[0] = 'cradle'; run()"
    command = [sys.executable, "-c", script, "law", "show", "allowance.divisor"]

    done = subprocess.run(command, env={}, capture_output=True, check=False, timeout=60)

    assert done.returncode == 0
    assert b"allowance.divisor" in done.stdout
