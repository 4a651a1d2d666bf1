"""`cradle cases run` on certification: what is not so is shown, and what cannot be judged is told by its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app

POINTS = (
    "attitude: 6, career: 9, maternity_protection: 16, care_support: 12, work_arrangement: 14, occupational_health: 6"
)
FACTS = f"{{size: SME, dimensions: {{{POINTS}}}}}"
LIFE = "{awarded_on: 2026-06-01, as_of: 2027-07-01}"


def run(folder: Path, facts: str, expect: str, parameters: str = "{}", *options: str) -> Result:
    path = folder / "cases.yaml"
    lines = ["service: certification", "cases:", "- name: One", f"  parameters: {parameters}", f"  facts: {facts}"]
    path.write_text("\n".join([*lines, f"  expect: {expect}", ""]), "utf-8")
    return CliRunner(env={"LANG": None}).invoke(app, ["cases", "run", str(path), "--language", "en", *options])


def problems(folder: Path, facts: str, expect: str, parameters: str = "{}") -> list[tuple[str, int, str]]:
    result = run(folder, facts, expect, parameters, "--output", "json")
    assert result.exit_code == 1
    found: dict[str, Any] = json.loads(result.stdout)
    (one,) = found["results"]
    assert one["status"] == "ERROR"
    return [(error["code"], error["line"], error["path"]) for error in one["errors"]]


def test_what_is_not_so_is_shown_expected_and_got(tmp_path: Path) -> None:
    result = run(tmp_path, FACTS, '{outcome: DECLINED, score: "62.99", reasons: [SCORE_BELOW_THRESHOLD]}')

    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:4] == [
        "       outcome: expected DECLINED, got AWARDED",
        "       reasons: expected [SCORE_BELOW_THRESHOLD], got []",
        "       score: expected 62.99, got 63.00",
    ]


def test_an_application_and_a_life_may_stand_in_one_case(tmp_path: Path) -> None:
    both = FACTS[:-1] + ", " + LIFE[1:]

    assert run(tmp_path, both, "{outcome: AWARDED, state: SUSPENDED, locked_until: null}").exit_code == 0


def test_the_notice_says_what_a_figure_rests_on(tmp_path: Path) -> None:
    result = run(tmp_path, FACTS, "{outcome: AWARDED}", "{}", "--explain")

    assert "Total 63.00 points; 60 are needed  [threshold.new.sme, a placeholder]" in result.stdout
    given = run(tmp_path, FACTS, "{outcome: AWARDED}", "{threshold.new.sme: 63}", "--explain")
    assert "63 are needed  [threshold.new.sme]" in given.stdout
    life = run(tmp_path, LIFE, "{state: SUSPENDED}", "{}", "--explain")
    assert "2027-07-01 SUSPENDED: The yearly report is overdue" in life.stdout


@pytest.mark.parametrize(
    ("facts", "expect", "parameters", "expected"),
    [
        ("{size: SME}", "{outcome: AWARDED}", "{}", [("FACT_MISSING", 5, "facts.dimensions")]),
        (f"{{dimensions: {{{POINTS}}}}}", "{outcome: AWARDED}", "{}", [("FACT_MISSING", 5, "facts.size")]),
        (FACTS.replace("attitude: 6, ", ""), "{score: x}", "{}", [("FACT_MISSING", 5, "facts.dimensions.attitude")]),
        (FACTS.replace("attitude: 6", "attitude: 6e1"), "{score: x}", "{}",
         [("FACT_NOT_NUMBER", 5, "facts.dimensions.attitude")]),
        (FACTS.replace("SME", "SMALL"), "{outcome: AWARDED}", "{}", [("FACT_NOT_CODE", 5, "facts.size")]),
        ("{awarded_on: 2026-06-01}", "{state: ACTIVE}", "{}", [("FACT_MISSING", 5, "facts.as_of")]),
        ("{as_of: 2026-06-01}", "{state: ACTIVE}", "{}", [("FACT_MISSING", 5, "facts.awarded_on")]),
        (LIFE.replace("as_of: 2027", "as_off: 2027"), "{state: ACTIVE}", "{}", [("FACT_UNKNOWN", 5, "facts.as_off")]),
        (LIFE, "{status: ACTIVE}", "{}", [("FACT_UNKNOWN", 6, "expect.status")]),
        (LIFE, "{state: ALIVE}", "{}", [("FACT_NOT_CODE", 6, "expect.state")]),
        (LIFE, "{state: ACTIVE}", "{validity.neu: 4}", [("LAW_PARAMETER_UNKNOWN_NEAR", 4, "parameters.validity.neu")]),
        (LIFE, "{state: ACTIVE}", "{validity.new: four}", [("LAW_NOT_WHOLE", 4, "parameters.validity.new")]),
        ("{annual_reports: 2027-06-01}", "{state: ACTIVE}", "{}", [("FACT_NOT_LIST", 5, "facts.annual_reports")]),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_told_by_code_line_and_path(
    tmp_path: Path, facts: str, expect: str, parameters: str, expected: list[tuple[str, int, str]]
) -> None:
    assert problems(tmp_path, facts, expect, parameters) == expected
