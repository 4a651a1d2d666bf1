"""What is compiled is there, and a machine without a compiler is told so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools.compiled import MODULES, ROOT


@pytest.mark.parametrize("pattern", MODULES)
def test_each_module_to_compile_is_there(pattern: str) -> None:
    assert list(ROOT.glob(pattern))


@pytest.mark.parametrize("asked", [["able"], []])
def test_without_a_compiler_nothing_is_built_and_it_says_what_is_missing(asked: list[str]) -> None:
    command = [sys.executable, "-m", "tools.compiled", *asked]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": ""}, check=False, capture_output=True, text=True)

    assert done.returncode == 1
    assert "this machine lacks a C compiler" in done.stderr
