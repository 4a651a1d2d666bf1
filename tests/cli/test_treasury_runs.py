"""`cradle treasury runs` and `statement` as two clerks have them, against the whole system."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.cli.failures import Exit
from services.cli.main import app
from tests.treasury.cashier import moved, reference_of, statement

pytestmark = pytest.mark.integration
Desk = Callable[..., Result]


@pytest.fixture(scope="module")
def desk(stack: Stack) -> Desk:
    def run(person: str, *arguments: object) -> Result:
        token = stack.authority.token(person, {"cradle_role": "operator"})
        env = {**stack.environment, "LANG": "C", "CRADLE_TOKEN": token}
        return CliRunner(env=env).invoke(app, ["treasury", *map(str, arguments)])

    return run


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_run_is_planned_shown_refused_to_its_planner_and_cancelled(desk: Desk) -> None:
    # Nobody orders for nurseries yet, so that nothing is planned whatever else stands in the stack.
    where = ("--county", "610331", "--programme", "NURSERY")
    planned = data(desk("li", "runs", "plan", *where, "--output", "json"))
    name, plan_hash = planned["name"], planned["plan_hash"]

    again = desk("li", "runs", "approve", name, "--plan-hash", plan_hash)
    sent = desk("wang", "runs", "send", name)
    shown = desk("wang", "runs", "status", name, "--language", "zh-CN")
    nothing = desk("wang", "runs", "status", name)
    listed = data(desk("wang", "runs", "list", "--limit", 1000, "--output", "json"))["runs"]
    payments = data(desk("wang", "runs", "status", name, "--payments", "--output", "json"))["payments"]
    left = data(desk("wang", "runs", "status", name, "--exceptions", "--output", "json"))["exceptions"]
    foreseen = desk("li", "runs", "cancel", name, "--dry-run")
    nobody_paid = desk("wang", "runs", "approve", name, "--plan-hash", plan_hash, "--dry-run")
    still = data(desk("wang", "runs", "status", name, "--output", "json"))
    cancelled = data(desk("li", "runs", "cancel", name.removeprefix("runs/"), "--output", "json"))

    assert (planned["state"], planned["planned_by"]) == ("RUN_STATE_PLANNED", "person/li")
    assert (again.exit_code, sent.exit_code) == (Exit.USAGE, Exit.USAGE)
    assert "RUN_SECOND_PERSON" in again.output
    assert "已计划" in shown.stdout
    assert "There is nothing to pay." in nothing.stderr
    assert "Another person" not in nothing.stderr
    assert name in [one["name"] for one in listed]
    assert (payments, left) == ([], [])
    assert foreseen.exit_code == 0
    assert "cancelled" in foreseen.stdout
    assert "nothing was changed" in foreseen.stderr
    assert (nobody_paid.exit_code, still["state"]) == (Exit.USAGE, "RUN_STATE_PLANNED")
    assert "RUN_EMPTY" in nobody_paid.output
    assert cancelled["state"] == "RUN_STATE_CANCELLED"


def test_a_statement_is_imported_once_and_what_fits_nothing_is_shown(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "statement.xml"
    stranger: Any = {"end_to_end_id": reference_of(99), "amount_fen": 500}
    file.write_text(statement(moved(stranger), day="2026-11-19"), "utf-8")

    foreseen = desk("li", "statement", "import", file, "--dry-run", "--output", "json")
    first = data(desk("li", "statement", "import", file, "--output", "json"))
    again = desk("li", "statement", "import", file)
    queue = data(desk("wang", "statement", "unmatched", "--output", "json"))["unmatched"]
    shown = desk("wang", "statement", "unmatched")

    assert (first["records"], first["unmatched"], first["is_known"]) == ("1", "1", False)
    assert json.loads(foreseen.stdout) == first
    assert "nothing was changed" in foreseen.stderr
    assert again.exit_code == 0
    assert reference_of(99) in [one["end_to_end_id"] for one in queue]
    assert "none of ours" in " ".join(shown.stdout.split())


def test_a_file_that_is_no_statement_is_refused_with_its_reason(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "letter.xml"
    file.write_text("<letter/>", "utf-8")

    refused = desk("li", "statement", "import", file)

    assert refused.exit_code == Exit.USAGE
    assert "BANK_MESSAGE_UNEXPECTED" in refused.output


def test_an_empty_file_is_refused_where_it_is_empty(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "empty.xml"
    file.touch()

    refused = desk("li", "statement", "import", file, "--dry-run")

    assert refused.exit_code == Exit.USAGE
    assert "BANK_FILE_EMPTY file.size_bytes" in refused.output


def test_a_plan_and_a_hold_are_foreseen_and_are_not_there(desk: Desk) -> None:
    listed = data(desk("li", "runs", "list", "--limit", 1000, "--output", "json"))["runs"]

    plan = desk("li", "runs", "plan", "--county", "610331", "--programme", "NURSERY", "--dry-run", "--output", "json")
    held = desk("li", "hold", "begin", "--dry-run")

    found = json.loads(plan.stdout)
    assert (plan.exit_code, found["state"], found["name"], found["plan_hash"]) == (0, "RUN_STATE_PLANNED", "", "")
    assert (held.exit_code, "HELD" in held.stdout) == (0, True)
    assert "nothing was changed" in plan.stderr
    assert "nothing was changed" in held.stderr
    assert data(desk("li", "runs", "list", "--limit", 1000, "--output", "json"))["runs"] == listed


def test_there_is_no_hold_to_show_or_to_lift(desk: Desk) -> None:
    shown = data(desk("li", "hold", "status", "--output", "json"))
    words = desk("li", "hold", "status")
    refused = desk("wang", "hold", "lift", "--document", "x", "--language", "zh-CN")

    assert (shown["state"], shown["begun_by"]) == ("HOLD_STATE_NONE", "")
    assert "NONE" in words.stdout
    assert refused.exit_code == Exit.USAGE
    assert "没有暂停付款" in refused.output
