"""Evidence, and staff statistics by CSV: each row by itself, what the file does not name stays,
and nothing is half-saved unasked.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cradle.certification.v1 import application_pb2 as pb
from cradle.certification.v1 import scheme_pb2
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.certification.wire import scheme as wire
from services.cli.certification.statistics import Stated, merged, read
from services.cli.main import app
from tests.certification.files import CRITERION, EXECUTABLE, KIND, pdf
from tests.certification.sheets import LATEST
from tests.certification.test_service import known_employer

CRITERIA = {one.id: wire.criterion(one, LATEST) for one in LATEST.indicators}
TAKEUP = "maternity_protection.father_leave_takeup"


def rows(*given: tuple[str, str, str]) -> list[tuple[int, dict[str, str]]]:
    return [
        (number, dict(zip(("criterion", "quantity", "figures"), one, strict=True)))
        for number, one in enumerate(given, 2)
    ]


def problems(*given: tuple[str, str, str]) -> list[tuple[int, str, str]]:
    return [(row, why.code, why.field) for row, why in read(rows(*given), CRITERIA)[1]]


def test_each_row_is_checked_by_itself_and_empty_ones_are_left_out() -> None:
    stated, wrong = read(rows((TAKEUP, "took", "9"), (TAKEUP, "fathers", ""), ("x", "y", "1")), CRITERIA)

    assert stated == [Stated(2, TAKEUP, "took", ("9",))]
    assert [(row, why.code) for row, why in wrong] == [(4, "CRITERION_UNKNOWN")]


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ((TAKEUP, "mothers", "1"), "QUANTITY_UNKNOWN", "quantity"),
        ((TAKEUP, "took", "-1"), "CLI_STATISTIC_FIGURES", "figures"),
        ((TAKEUP, "took", "50%"), "CLI_STATISTIC_FIGURES", "figures"),
        ((TAKEUP, "took", "1,000"), "CLI_STATISTIC_FIGURES", "figures"),
        ((TAKEUP, "took", "1.0000001"), "CLI_STATISTIC_FIGURES", "figures"),
        ((TAKEUP, "took", "=1+1"), "CLI_STATISTIC_FIGURES", "figures"),
        ((TAKEUP, "took", ";".join("1" * 37)), "TOO_MANY_ITEMS", "figures"),
        (("gate.nursing_room", "rooms", "1"), "CLI_STATISTIC_OF_GATE", "criterion"),
    ],
)
def test_a_row_that_cannot_be_is_told_with_its_column(row: tuple[str, str, str], code: str, field: str) -> None:
    assert problems(row) == [(2, code, field)]


def test_as_many_figures_as_a_quantity_takes_are_read_however_they_are_parted() -> None:
    stated, wrong = read(rows((TAKEUP, "took", "； ".join("1" * 36))), CRITERIA)

    assert (len(stated[0].figures), wrong) == (36, [])


def test_the_second_row_of_a_quantity_is_refused() -> None:
    assert problems((TAKEUP, "took", "1"), (TAKEUP, "took", "1")) == [(3, "CLI_STATISTIC_TWICE", "quantity")]


def test_what_was_saved_of_a_criterion_stays_but_for_what_is_stated() -> None:
    before = [
        pb.Answer(criterion=TAKEUP, quantities=[pb.Quantity(name="took", figures=["1"])]),
        pb.Answer(criterion="x"),
    ]

    (found,) = merged(before, [Stated(2, TAKEUP, "fathers", ("10",))])

    assert {one.name: list(one.figures) for one in found.quantities} == {"took": ["1"], "fathers": ["10"]}


# --- on the running system -------------------------------------------------------------------------------------------


@pytest.fixture
def cradle(stack: Stack) -> Callable[..., Result]:
    def run(*arguments: object) -> Result:
        env = {**stack.environment, "LANG": "C"}
        return CliRunner(env=env).invoke(app, ["certification", *map(str, arguments)])

    return run


def answered(result: Result) -> dict[str, dict[str, list[str]]]:
    data: Any = json.loads(result.stdout)
    return {one["criterion"]: {two["name"]: two["figures"] for two in one["quantities"]} for one in data["answers"]}


@pytest.mark.integration
def test_figures_and_papers_are_handed_in_from_the_command_line(
    cradle: Callable[..., Result], stack: Stack, tmp_path: Path
) -> None:
    code = asyncio.run(known_employer(stack))
    name = json.loads(cradle("apply", code, "--output", "json").stdout)["name"]
    file, errors = tmp_path / "figures.csv", tmp_path / "errors.ndjson"
    asked = ("import", name, file, "--errors", errors)

    assert cradle("template", "--to", file).exit_code == 0
    lines = list(csv.reader(io.StringIO(file.read_text("utf-8-sig"), newline="")))
    wanted = {
        (one.id, two)
        for one in CRITERIA.values()
        if one.kind != scheme_pb2.CRITERION_KIND_GATE
        for two in one.quantities
    }
    assert {(line[0], line[1]) for line in lines[1:]} == wanted
    nothing = cradle(*asked)
    assert (nothing.exit_code, errors.exists()) == (0, False)

    for line in lines[1:]:
        line[2] = "1" if line[0] != TAKEUP else {"took": "many", "fathers": "10"}[line[1]]
    text = "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
    file.write_bytes(text.encode("gb18030"))
    refused = cradle(*asked)
    assert refused.exit_code == 1
    assert answered(cradle("show", name, "--output", "json")) == {}
    told = [json.loads(line) for line in errors.read_text("utf-8").splitlines()]
    wrong = 1 + next(number for number, line in enumerate(lines) if line[2] == "many")
    assert [(one["row"], one["code"], one["field"]) for one in told] == [(wrong, "CLI_STATISTIC_FIGURES", "figures")]

    assert cradle(*asked, "--partial", "--dry-run").exit_code == 1
    assert answered(cradle("show", name, "--output", "json")) == {}
    partial = cradle(*asked, "--partial", "--output", "json")
    assert partial.exit_code == 1
    counts = json.loads(partial.stdout)
    assert (counts["saved_rows"], counts["rejected_rows"]) == (len(wanted) - 1, 1)
    assert answered(cradle("show", name, "--output", "json"))[TAKEUP] == {"fathers": ["10"]}

    file.write_text(f"figures,quantity,criterion\n9,took,{TAKEUP}\n", "utf-8")
    assert cradle(*asked).exit_code == 0
    saved = answered(cradle("show", name, "--output", "json"))
    assert saved[TAKEUP] == {"took": ["9"], "fathers": ["10"]}
    assert {(criterion, two) for criterion, of in saved.items() for two in of} == wanted
    assert f"{TAKEUP},took,9," in cradle("template", name).stdout

    paper = tmp_path / "制度.pdf"
    paper.write_bytes(pdf("by hand"))
    shows = ("--criterion", CRITERION, "--kind", KIND)
    (made,) = json.loads(cradle("evidence", "upload", name, paper, *shows, "--output", "json").stdout)["evidence"]
    assert made["file_name"] in cradle("evidence", "list", name).stdout
    assert cradle("evidence", "fetch", made["name"], "--to", tmp_path / "back.pdf").exit_code == 0
    assert (tmp_path / "back.pdf").read_bytes() == paper.read_bytes()
    there = cradle("evidence", "fetch", made["name"], "--to", tmp_path / "back.pdf")
    assert (there.exit_code, "CLI_FILE_THERE" in there.stderr) == (2, True)
    paper.write_bytes(EXECUTABLE)
    forged = cradle("evidence", "upload", name, paper, *shows)
    assert (forged.exit_code, "EVIDENCE_NOT_AS_SAID" in forged.stderr) == (2, True)
    assert cradle("evidence", "remove", made["name"]).exit_code == 0
    gone = cradle("evidence", "fetch", made["name"], "--to", tmp_path / "gone.pdf")
    assert (gone.exit_code, (tmp_path / "gone.pdf").exists()) == (3, False)

    for content, why in ((b"criterion,figures\n", "CLI_STATISTICS_COLUMNS"), (b"\xff\xff", "CLI_FILE_UNREADABLE")):
        file.write_bytes(content)
        unfit = cradle(*asked)
        assert (unfit.exit_code, why in unfit.stderr) == (2, True)
