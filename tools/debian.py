"""Brings what is in Debian's archive and in no wheel into build/: promtool, the font certificates are printed with, and
the browser that their public page is tested in.

    python -m tools.debian promtool | font | browser

What is on this machine already is taken as it is. Else the package is downloaded and unpacked, not installed: with
lists of our own, so that it needs no root and changes nothing of the machine. apt holds what it fetched against the
signed lists.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
_TIMEOUT_S: Final = 300

_HELP: Final = """{problem}.
{needed}. Either
  - install it:  apt-get install --no-install-recommends {package}{elsewhere}
then run the same command again."""


class Thing(NamedTuple):
    """A file of a package: what for, where it is if installed, and where the Makefile looks for it."""

    package: str
    inside: str
    target: Path
    installed: Callable[[], str | None]
    needed: str
    elsewhere: str = ""
    whole: bool = False  # with the libraries it needs and this machine lacks, started by a script beside them


def _font() -> str | None:
    path = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
    return path if Path(path).exists() else None


THINGS: Final = {
    "promtool": Thing(
        "prometheus",
        "usr/bin/promtool",
        ROOT / "build" / "prometheus" / "promtool",
        lambda: shutil.which("promtool"),
        "The alert rules in deploy/prometheus are tested by promtool",
        """  (elsewhere: brew install prometheus)
  - or build it with Go, and have it on the PATH:  go install github.com/prometheus/prometheus/cmd/promtool@latest""",
    ),
    "font": Thing(
        "fonts-wqy-microhei",
        "usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
        ROOT / "build" / "fonts" / "wqy-microhei.ttc",
        _font,
        "Certificates are printed with the font WenQuanYi Micro Hei",
        "\n  - or put wqy-microhei.ttc into build/fonts/",
    ),
    "browser": Thing(
        "chromium-headless-shell",
        "usr/lib/chromium/chromium-headless-shell",
        ROOT / "build" / "chromium" / "chromium",
        lambda: shutil.which("chromium-headless-shell") or shutil.which("chromium"),
        "The public page of certificates is tested in Chromium",
        "\n  - or put a chromium on the PATH",
        whole=True,
    ),
}


def fetch(thing: Thing) -> None:
    """Put the file where the Makefile looks for it, or end with the ways to one."""
    target = thing.target
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if found := thing.installed():
        target.symlink_to(found)
        return
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        _end(thing, f"{target.name} was not found, and there is no apt-get to fetch it with")
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        _download(thing, Path(name))


def _download(thing: Thing, folder: Path) -> None:
    for needed in ("lists/partial", "cache/archives/partial"):
        (folder / needed).mkdir(parents=True)
    # Nobody else is meant to write here, so apt need not change to a user of its own, who could not.
    options = [
        f"Dir::State::lists={folder / 'lists'}",
        f"Dir::Cache={folder / 'cache'}",
        "APT::Sandbox::User=",
        "Debug::NoLocking=1",
    ]
    apt = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
    _run(thing, [*apt, "update"], folder)
    if thing.whole:
        _run(thing, [*apt, "-y", "--no-install-recommends", "--download-only", "install", thing.package], folder)
        _unpack(thing, folder / "cache" / "archives", folder / "root")
        _lay_out(thing, folder / "root")
    else:
        _run(thing, [*apt, "download", thing.package], folder)
        _unpack(thing, folder, folder)
        shutil.move(folder / thing.inside, thing.target)


def _unpack(thing: Thing, packages: Path, into: Path) -> None:
    for package in sorted(packages.glob("*.deb")):
        _run(thing, ["dpkg-deb", "-x", str(package), str(into)], packages)


def _lay_out(thing: Thing, unpacked: Path) -> None:
    """The tree beside the target, which starts the program with the libraries of the tree."""
    root = thing.target.parent / "root"
    shutil.rmtree(root, ignore_errors=True)
    shutil.move(unpacked, root)
    libraries = ":".join(sorted({str(found.parent) for found in (root / "usr" / "lib").rglob("*.so*")}))
    thing.target.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{root / thing.inside}" "$@"\n', "utf-8")
    thing.target.chmod(0o755)


def _run(thing: Thing, argv: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        _end(thing, f"{argv[0]} did not end within {_TIMEOUT_S} s")
    else:
        if done.returncode:
            _end(thing, f"{argv[0]} could not fetch {thing.package}: {(done.stdout + done.stderr).strip()}")


def _end(thing: Thing, problem: str) -> None:
    sys.exit(_HELP.format(problem=problem, needed=thing.needed, package=thing.package, elsewhere=thing.elsewhere))


if __name__ == "__main__":
    fetch(THINGS[sys.argv[1]])
