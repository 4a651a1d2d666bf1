"""Brings a service's database up to date with dbmate: the kit's own files first, then the service's."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def migrate(dsn: str, service: str) -> None:
    """Apply every migration not yet applied. Exits with dbmate's message if one fails."""
    root = Path(__file__).parent.parent
    folders = [root / "kit" / "migrations", root / service / "migrations"]
    command = [str(Path(sysconfig.get_path("scripts")) / "dbmate"), "--wait", "--no-dump-schema", "--migration-lock"]
    for folder in folders:
        command += ["--migrations-dir", str(folder)]
    # The address carries the password, so it goes by the environment and not by the command line.
    done = subprocess.run(  # noqa: S603  # our own command, no shell
        [*command, "up"],
        env={"DATABASE_URL": for_dbmate(dsn)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    sys.stderr.write(done.stdout)
    if done.returncode:
        sys.exit(f"migration of {service} failed: {done.stderr.strip()}")


def for_dbmate(dsn: str) -> str:
    """dbmate insists on TLS unless told; on loopback there is none to be had."""
    parts = urlsplit(dsn)
    query = dict(parse_qsl(parts.query))
    if parts.hostname in _LOOPBACK:
        query.setdefault("sslmode", "disable")
    return urlunsplit(parts._replace(query=urlencode(query)))
