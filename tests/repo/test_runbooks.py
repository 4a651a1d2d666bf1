"""What a runbook tells somebody to type is there: our commands and their options, and statements that fit."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from deploy.local.roles import ALL_ROLES
from deploy.local.stack import Stack
from services.cli.main import app
from tests.kit.live import rows
from tests.repo.alerting import RUNBOOKS


def commands(runbook: Path) -> Iterator[str]:
    for block in re.findall(r"^```\n(.*?)^```", runbook.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^cradle .*?(?= *#|$)", block, re.MULTILINE)


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_the_commands_of_a_runbook_are_commands_of_ours(runbook: Path) -> None:
    for line in commands(runbook):
        command: Any = typer.main.get_command(app)
        words = shlex.split(line)[1:]
        while words and isinstance(command, typer.core.TyperGroup):
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        known = {name for given in command.params for name in [*given.opts, *given.secondary_opts]}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_whoever_waits_for_a_role_is_said_of_each() -> None:
    said = next(path for path in RUNBOOKS if path.stem == "role-down").read_text("utf-8")

    assert [role.name for role in ALL_ROLES if f"| {role.name.replace('-', ' ')} |" not in said] == []


def statements() -> list[tuple[str, str, str]]:
    """Every statement that a runbook gives to psql: its runbook, the database, the statement."""
    asked = r'psql "\$DATABASE_URL/(cradle_\w+)"(?: -x)? -c "([^"]*)"'
    return [(path.stem, *found) for path in RUNBOOKS for found in re.findall(asked, path.read_text("utf-8"))]


@pytest.mark.integration
def test_the_statements_of_the_runbooks_fit_the_tables(stack: Stack) -> None:
    given = statements()

    assert len(given) >= 8
    for _, database, statement in given:
        asyncio.run(rows(f"{stack.environment['DATABASE_URL']}/{database}", f"EXPLAIN {statement}"))
