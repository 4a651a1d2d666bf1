"""Compiled or not, the core comes to the same, to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def outcomes(**environment: str) -> list[str]:
    """What a process of its own says, in the order of one run."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | environment
    command = [sys.executable, "-m", "tests.compiled.outcomes"]
    return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.compiled
def test_both_forms_come_to_the_same_to_the_byte() -> None:
    plain = outcomes(PYTHONHASHSEED="1")
    compiled = outcomes(PYTHONHASHSEED="1", PYTHONSAFEPATH="1", PYTHONPATH=str(ROOT / "build" / "compiled"))

    assert (plain[0], compiled[0]) == ("plain", "compiled")
    assert len(plain) > 10_000
    assert [(one, other) for one, other in zip_longest(plain[1:], compiled[1:]) if one != other][:1] == []
