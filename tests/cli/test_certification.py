"""`cradle certification` as its users type it: an employer's way to the public notice, and a certificate's life."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.cli.certification.answers import from_file, from_words
from services.cli.failures import Failure
from services.cli.main import app
from services.kit.db import service_dsn
from tests.builders import TODAY
from tests.certification.office import GATES
from tests.certification.sheets import SME, best
from tests.certification.test_certificate_service import certified
from tests.certification.test_service import BY_HAND, clerk, known_employer
from tests.kit.live import eventually, value

Cradle = Callable[..., Result]


@pytest.fixture
def cradle(stack: Stack) -> Cradle:
    """A command as one person; the operator if nobody is named."""

    def run(*arguments: object, by: str = "") -> Result:
        who = {"CRADLE_TOKEN": clerk(stack, by).token} if by else {}
        env = {**stack.environment, "LANG": "C", **who}
        return CliRunner(env=env).invoke(app, ["certification", *map(str, arguments)])

    return run


def said(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def test_answers_are_read_from_a_file_and_from_words(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("a.b: {took: 9, fathers: [10, 11]}\nc.d: {is: true}\n", "utf-8")

    found = [*from_file(file), *from_words(["a.b:took=9", "a.b:fathers=10,11", "e.f"])]

    assert [(one.criterion, {two.name: list(two.figures) for two in one.quantities}) for one in found] == [
        ("a.b", {"took": ["9"], "fathers": ["10", "11"]}),
        ("c.d", {"is": ["1"]}),
        ("a.b", {"took": ["9"], "fathers": ["10", "11"]}),
        ("e.f", {}),
    ]


@pytest.mark.parametrize("text", ["- a\n", "a.b: 3\n", "a.b: {took: {x: 1}}\n"])
def test_a_file_that_is_no_answers_is_told_by_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(text, "utf-8")

    with pytest.raises(Failure) as failure:
        from_file(file)

    assert "answers.yaml:1" in failure.value.reasons[0].field


@pytest.mark.integration
def test_an_employers_way_to_the_public_notice(cradle: Cradle, stack: Stack, tmp_path: Path) -> None:
    code = asyncio.run(known_employer(stack))
    stated = {
        one.indicator: {name: list(map(str, two)) for name, two in one.quantities} for one in best("", SME).answers
    }
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(stated), "utf-8")
    about = ("--staff", SME.staff, "--women", SME.women, "--sector", SME.sector)

    assert said(cradle("check", answers, *about, "--output", "json"))["decision"]["outcome"].endswith("AWARDED")
    name = said(cradle("apply", code, "--output", "json"))["name"]
    assert cradle("save", name).exit_code == 2  # nothing to save
    assert cradle("save", name, *about, "--consent", "--from", answers).exit_code == 0
    foreseen = said(cradle("submit", name, "--dry-run", "--output", "json"))
    assert foreseen["decision"]["outcome"].endswith("AWARDED")
    assert said(cradle("show", name, "--output", "json"))["state"].endswith("DRAFT")
    assert cradle("submit", name).exit_code == 0
    assert name in cradle("tasks", "--limit", 1000, "--output", "json").stdout
    assert cradle("accept", name, by="wang").exit_code == 0
    shown = said(cradle("watch", name, "--limit", 1, "--output", "json"))
    assert shown["name"] == name
    for gate in BY_HAND:
        words = [f"{gate}:{quantity}={figure}" for quantity, figure in GATES[gate].items()]
        assert cradle("gate", name, *words, "--document", "letter 1", by="wang").exit_code == 0
    settle(cradle, name, "ASSESSMENT")
    for step in (
        ("score", name, "--as-stated"),
        ("finish", name),
        ("visit", name, "--on", TODAY, "--visitor", "wang", "--visitor", "sun", "--findings", "as stated"),
    ):
        assert cradle(*step, by="wang").exit_code == 0, step
    assert cradle("score", name, "--as-stated", by="wang").exit_code == 2  # nobody twice
    assert cradle("score", name, "--as-stated", by="li").exit_code == 0
    assert cradle("propose", name, by="zhao").exit_code == 0
    assert "public notice" in cradle("show", name).stdout
    assert "gate.nursing_room" in cradle("explain", name).stdout
    assert name in cradle("list", "--employer", code, "--state", "PUBLIC_NOTICE", "--output", "json").stdout
    assert cradle("list", "--employer", code).exit_code == cradle("tasks").exit_code == 0
    assert cradle("withdraw", name).exit_code == 0
    assert "certificates" not in said(cradle("show", name, "--output", "json"))["certificate"]


def settle(cradle: Cradle, name: str, state: str) -> None:
    """Until the worker has looked the gates up."""
    for _ in range(100):
        found = said(cradle("watch", name, "--limit", 1, "--output", "json"))
        if found["state"].endswith(state):
            return
    raise AssertionError(found["state"])


@pytest.mark.integration
def test_a_move_that_is_overtaken_is_made_on_what_stands_then(cradle: Cradle, stack: Stack) -> None:
    """As one of the office's timers does between its reading and its writing."""
    code = asyncio.run(known_employer(stack))
    name = said(cradle("apply", code, "--output", "json"))["name"]
    dsn, application = (
        service_dsn(stack.environment["DATABASE_URL"], "certification"),
        name.removeprefix("applications/"),
    )
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def overtaken() -> Result:
        connection = await asyncpg.connect(dsn)
        try:
            async with connection.transaction():
                await connection.execute("SELECT 1 FROM application WHERE id = $1 FOR UPDATE", application)
                withdrawn = asyncio.create_task(asyncio.to_thread(cradle, "withdraw", name))
                await eventually(lambda: value(dsn, waits))
                await connection.execute("UPDATE application SET number = number + 1 WHERE id = $1", application)
            return await withdrawn
        finally:
            await connection.close()

    assert asyncio.run(overtaken()).exit_code == 0


@pytest.mark.integration
def test_a_certificate_is_shown_fetched_suspended_and_given_back(cradle: Cradle, stack: Stack, tmp_path: Path) -> None:
    code = asyncio.run(known_employer(stack))
    number = asyncio.run(certified(stack, code)).number

    assert number in cradle("certificates", "list", "--employer", code).stdout
    paper, credential = tmp_path / "paper.pdf", tmp_path / "credential.jws"
    assert cradle("certificates", "paper", number, "--to", paper).exit_code == 0
    assert paper.read_bytes().startswith(b"%PDF")
    assert cradle("certificates", "paper", number, "--to", paper).exit_code == 2  # left as it was
    assert cradle("certificates", "credential", number, "--to", credential).exit_code == 0
    assert credential.read_text("utf-8").count(".") == 2
    why = ("--why", "NURSING_ROOM_CLOSED", "--document", "letter 2")
    assert cradle("certificates", "suspend", number, *why).exit_code == 0
    status = cradle("certificates", "status", code, "--as-of", TODAY)
    assert "suspended" in status.stdout
    assert cradle("certificates", "reinstate", number, *why).exit_code == 0
    veto = ("--veto", "FALSE_DATA", "--on", TODAY, "--document", "decision 3")
    proposed = cradle("certificates", "revoke", number, *veto, by="li")
    assert "Another person must agree" in proposed.output
    assert cradle("certificates", "surrender", number).exit_code == 0
    shown = said(cradle("certificates", "show", number, "--output", "json"))
    assert shown["certificate"]["state"] == "CERTIFICATE_STATE_SURRENDERED"
    again = cradle("certificates", "surrender", number)
    assert (again.exit_code, "CERTIFICATE_NOT_IN_FORCE" in again.output) == (2, True)
