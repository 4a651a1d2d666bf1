"""`cradle treasury breaks` and `reconcile` as two clerks have them, against the whole system."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.cli.failures import Exit
from services.cli.main import app
from tests.treasury.cashier import statement
from tests.treasury.reconciler import charge, credit, on

pytestmark = pytest.mark.integration
Desk = Callable[..., Result]
DAY = "2026-11-18"


@pytest.fixture(scope="module")
def desk(stack: Stack) -> Desk:
    def run(person: str, *arguments: object, role: str = "operator") -> Result:
        token = stack.authority.token(person, {"cradle_role": role, "cradle_counties": ["610331"]})
        env = {**stack.environment, "LANG": "C", "CRADLE_TOKEN": token}
        return CliRunner(env=env).invoke(app, ["treasury", *map(str, arguments)])

    return run


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def found(desk: Desk, tmp_path: Path) -> dict[str, Any]:
    """Two breaks of an account that nobody else uses: a debit of the bank's, and its correction."""
    account, mark = f"9{uuid4().int % 10**19:019d}", uuid4().hex[:10]
    told = statement(on(charge(500, f"D-{mark}"), DAY), on(credit(500, f"C-{mark}"), DAY), day=DAY)
    file = tmp_path / f"{mark}.xml"
    file.write_text(told.replace("61050162010800000123", account).replace("BANK-1", mark), "utf-8")
    assert desk("li", "statement", "import", file).exit_code == 0
    listed = data(desk("li", "breaks", "list", "--account", account, "--output", "json"))["breaks"]
    debit, back = sorted(listed, key=lambda one: bool(one.get("is_credit")))
    return {"account": account, "debit": debit, "back": back}


def test_breaks_cancel_each_other_out_by_two_persons_and_the_day_is_reconciled(
    desk: Desk, found: dict[str, Any]
) -> None:
    name, other = found["debit"]["name"], found["back"]["name"].removeprefix("breaks/")
    days = ("reconcile", "--account", found["account"], "--from", DAY, "--to", DAY)

    before = desk("li", *days)
    awaited = desk("li", "breaks", "await", name, "--for", "BANK_CORRECTION", "--note", "已联系银行")
    once = ("--request-id", str(uuid4()))
    foreseen = data(
        desk("li", "breaks", "cancel", name, "--with", other, "--note", "冲正", *once, "--dry-run", "--output", "json")
    )
    alone = desk("li", "breaks", "cancel", name, "--with", other, "--note", "冲正", *once)
    same = desk("li", "breaks", "approve", name)
    refused = desk("wang", "breaks", "refuse", name, "--note", "再查")
    again = desk("li", "breaks", "cancel", name, "--with", other, "--note", "冲正", "--language", "zh-CN")
    ended = data(desk("wang", "breaks", "approve", name, "--output", "json"))
    shown = desk("wang", "breaks", "show", name)
    history = data(desk("wang", "breaks", "show", name, "--output", "json"))["history"]
    after = desk("wang", *days)

    assert (before.exit_code, awaited.exit_code, alone.exit_code, refused.exit_code) == (Exit.RETURNED, 0, 0, 0)
    assert (foreseen["way"], foreseen["proposed_by"]) == ("BREAK_WAY_CANCELLED_OUT", "person/li")
    assert "Another person" in alone.output
    assert (same.exit_code, again.exit_code) == (Exit.USAGE, 0)
    assert "相互抵销" in again.stdout
    assert (ended.get("is_open", False), ended["way"], ended["ended_by"]) == (
        False,
        "BREAK_WAY_CANCELLED_OUT",
        "person/wang",
    )
    assert [one["step"] for one in history] == ["NOTED", "PROPOSED", "REFUSED", "PROPOSED", "ENDED"]
    assert "cancelled out" in shown.stdout
    assert after.exit_code == 0, after.output
    assert "0.00" in after.stdout


def test_a_break_is_explained_and_what_is_wrong_is_said(desk: Desk, found: dict[str, Any]) -> None:
    name = found["debit"]["name"]
    wrong = desk("li", "breaks", "match", name, "--payment", str(uuid4()), "--note", "x")
    lost = desk("li", "breaks", "show", 2**40)
    not_paid = desk("li", "breaks", "not-paid", name, "--note", "x")
    retried = desk("li", "breaks", "retry", name)
    explained = desk("li", "breaks", "explain", name, "--why", "BANK_CHARGE", "--note", "手续费", "--output", "csv")
    listed = desk("li", "breaks", "list", "--account", found["account"], "--output", "csv")

    assert (wrong.exit_code, lost.exit_code) == (Exit.NOT_FOUND, Exit.NOT_FOUND)
    assert "BREAK_WAY" in not_paid.output
    assert "BREAK_NOTHING_TO_RETRY" in retried.output
    assert explained.exit_code == 0, explained.output
    assert listed.stdout.splitlines()[0].startswith("name,kind,bank_account,value_date,amount_fen")


def test_who_is_bound_to_counties_sees_no_account_and_no_break_of_others(desk: Desk, found: dict[str, Any]) -> None:
    listed = data(
        desk("zhou", "breaks", "list", "--account", found["account"], "--output", "json", role="county-treasury")
    )
    days = desk("zhou", "reconcile", role="county-treasury")

    assert listed == {"breaks": []}
    assert "AUTH_PERMISSION_MISSING" in days.output
