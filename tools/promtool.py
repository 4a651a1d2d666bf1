"""Brings promtool, which checks and tests the alert rules, to build/prometheus/promtool.

    python -m tools.promtool

One on the PATH is taken as it is. Else Debian's package `prometheus` is downloaded and unpacked, not installed: with
lists of our own, so that it needs no root and changes nothing of the machine. apt holds what it fetched against the
signed lists.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROMTOOL = ROOT / "build" / "prometheus" / "promtool"
_TIMEOUT_S = 60

_HELP = """{problem}.
The alert rules in deploy/prometheus are tested by promtool. Either
  - install it:            apt-get install --no-install-recommends prometheus  (elsewhere: brew install prometheus)
  - or build it with Go:   go install github.com/prometheus/prometheus/cmd/promtool@latest  (and have it on the PATH)
then run the same command again."""


def fetch() -> None:
    """Put a promtool where the Makefile looks for it, or end with the ways to one."""
    PROMTOOL.parent.mkdir(parents=True, exist_ok=True)
    PROMTOOL.unlink(missing_ok=True)
    if found := shutil.which("promtool"):
        PROMTOOL.symlink_to(found)
        return
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        sys.exit(_HELP.format(problem="promtool was not found, and there is no apt-get to fetch it with"))
    with tempfile.TemporaryDirectory(dir=PROMTOOL.parent) as name:
        _download(Path(name))


def _download(folder: Path) -> None:
    for needed in ("lists/partial", "cache/archives/partial"):
        (folder / needed).mkdir(parents=True)
    # Nobody else is meant to write here, so apt need not change to a user of its own, who could not.
    options = [f"Dir::State::lists={folder / 'lists'}", f"Dir::Cache={folder / 'cache'}", "APT::Sandbox::User="]
    apt = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
    _run([*apt, "update"], folder)
    _run([*apt, "download", "prometheus"], folder)
    _run(["dpkg-deb", "-x", *(str(package) for package in folder.glob("prometheus_*.deb")), "."], folder)
    shutil.move(folder / "usr" / "bin" / "promtool", PROMTOOL)


def _run(argv: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        sys.exit(_HELP.format(problem=f"{argv[0]} did not end within {_TIMEOUT_S} s"))
    if done.returncode:
        sys.exit(_HELP.format(problem=f"{argv[0]} could not fetch promtool: {(done.stdout + done.stderr).strip()}"))


if __name__ == "__main__":
    fetch()
