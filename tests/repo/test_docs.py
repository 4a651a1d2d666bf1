"""What is there stands in the README that is to name it: settings, targets, commands, alerts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import typer.main

from services.cli.treasury import app
from services.kit.settings import Settings
from tests.repo.alerting import PROMETHEUS, ROOT, alerts


def unnamed(names: Iterable[str], document: Path) -> list[str]:
    told = document.read_text("utf-8")
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", told)]


def test_every_setting_of_a_process_stands_in_the_readme_of_the_kit() -> None:
    aliases = {name: field.validation_alias for name, field in Settings.model_fields.items()}
    names = [str(alias or f"CRADLE_{name.upper()}") for name, alias in aliases.items()]

    assert unnamed(names, ROOT / "services" / "kit" / "README.md") == []


def test_numbers_in_the_readme_of_the_kit_are_the_defaults() -> None:
    readme = (ROOT / "services" / "kit" / "README.md").read_text("utf-8")
    rows = [row.split(" | ") for row in readme.splitlines() if row.startswith("| `CRADLE_")]
    told = {
        name: number
        for names, numbers, *_ in rows
        for name, number in zip(re.findall(r"`CRADLE_(\w+)`", names), numbers.split(", "), strict=False)
        if re.fullmatch(r"[\d ]+", number)
    }
    defaults = {name: f"{Settings.model_fields[name.lower()].default:.0f}" for name in told}

    assert {name: number.replace(" ", "") for name, number in told.items()} == defaults


def test_every_target_stands_in_how_to_contribute() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    assert unnamed(set(targets) - {"help"}, ROOT / "CONTRIBUTING.md") == []


def test_every_command_of_the_treasury_stands_in_the_readme_of_the_command() -> None:
    rows = (ROOT / "services" / "cli" / "README.md").read_text("utf-8").splitlines()
    missing = []
    for group, command in commands(typer.main.get_command(app)).items():
        told = next((row for row in rows if row.startswith(f"| `cradle treasury {group}")), "")
        missing += [f"{group} {name}" for name in commands(command) or [group] if name not in told]

    assert missing == []


def commands(command: object) -> dict[str, object]:
    return getattr(command, "commands", {})


def test_every_alert_stands_in_the_readme_of_the_alerts() -> None:
    assert unnamed([alert.name for alert in alerts()], PROMETHEUS / "README.md") == []
