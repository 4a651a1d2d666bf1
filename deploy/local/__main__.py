"""`python -m deploy.local`: fetch Kafka; start, show and stop the stack named main."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Annotated, Literal

import psutil
import typer
from rich.console import Console

from deploy.local import authority, kafka, layout, view
from deploy.local.errors import StackError, with_tail
from deploy.local.process import sweep
from deploy.local.roles import ALL_ROLES
from deploy.local.stack import Stack

_UP_TIMEOUT_S = 240.0
_DOWN_TIMEOUT_S = 60.0
_ENV_LINE = 'eval "$(.venv/bin/python -m deploy.local env)"'

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
_Name = Annotated[str, typer.Option(help="which stack")]
_Bare = Annotated[bool, typer.Option("--bare", help="only Kafka and PostgreSQL, no role")]
_Tls = Annotated[bool, typer.Option("--broker-tls", help="Kafka with TLS and access lists, as in production")]
_Today = Annotated[str | None, typer.Option(envvar="CRADLE_TODAY", help="freeze the date, YYYY-MM-DD")]


@app.command()
def fetch() -> None:
    """Bring Kafka's jars into build/kafka; does nothing when they are there."""
    typer.echo("Kafka was fetched" if kafka.fetch() else "Kafka is there")


@app.command()
def run(name: _Name = "main", today: _Today = None, *, bare: _Bare = False, broker_tls: _Tls = False) -> None:
    """Run the stack in the foreground until Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    settings = {"CRADLE_TODAY": today} if today else {}
    roles = () if bare else ALL_ROLES
    stack = Stack(name, roles, settings, fresh=False, echo=True, broker_tls=broker_tls)
    try:
        stack.start()
        while True:
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # it is stopping already
        stack.stop()


@app.command()
def up(name: _Name = "main", today: _Today = None, *, bare: _Bare = False, broker_tls: _Tls = False) -> None:
    """Start the stack in the background, keeping the data of the last time, and wait until it is healthy."""
    if layout.NameLock(name).holder() is None:
        flags = [flag for flag, wanted in (("--bare", bare), ("--broker-tls", broker_tls)) if wanted]
        _start_behind(name, [*(["--today", today] if today else []), *flags])
    Console().print(view.table(view.parts(name)))
    typer.echo(_ENV_LINE)


@app.command()
def down(name: _Name = "main") -> None:
    """Stop the stack and wait until nothing of it is left."""
    lock = layout.NameLock(name)
    supervisor = lock.holder()
    if supervisor is None:
        left = sweep(layout.home() / name)
        typer.echo(f"{name} was not running" + (f"; {left} processes left over were ended" if left else ""))
        return
    psutil.Process(supervisor).terminate()
    deadline_s = time.monotonic() + _DOWN_TIMEOUT_S
    while lock.holder() is not None:
        if time.monotonic() > deadline_s:
            raise StackError(f"{name} (pid {supervisor}) did not stop in {_DOWN_TIMEOUT_S:.0f} s")
        time.sleep(0.1)
    typer.echo(f"{name} stopped")


@app.command()
def status(name: _Name = "main", output: Literal["table", "json"] = "table") -> None:
    """Show every process; exit status 1 if one is down."""
    parts = view.parts(name)
    if output == "json":
        typer.echo(json.dumps(parts, indent=2))
    else:
        Console().print(view.table(parts) if parts else f"{name} is not running")
    if not parts or not all(part["healthy"] for part in parts):
        raise typer.Exit(1)


@app.command()
def env(
    name: _Name = "main",
    system: Annotated[
        str | None, typer.Option("--as", help="another system's certificate, as in source/hospitals")
    ] = None,
) -> None:
    """Print what a client of the running stack needs, for a shell to eval: an operator, or the system that is named."""
    if layout.NameLock(name).holder() is None:
        raise StackError(f"{name} is not running; start it with `make up`")
    state, own = layout.read_json(layout.home() / name / "state.json"), _authority(name)
    who = own.operator() if system is None else own.identity(system)  # the token of the start may be over by now
    told = {**authority.variables(who), "CRADLE_TOKEN": who.token, "CRADLE_STACK": name}
    for key, value in {**state["environment"], **told}.items():
        typer.echo(f"export {key}={shlex.quote(value)}")


@app.command()
def token(
    subject: Annotated[str, typer.Argument(help="whose, as in anna")],
    role: Annotated[str, typer.Option(help="as deploy/access.yaml has it in a grant to persons")],
    county: Annotated[list[str] | None, typer.Option(help="for a county's reviewer; may be given again")] = None,
    name: _Name = "main",
) -> None:
    """Print a person's token, for CRADLE_TOKEN beside the operators' certificate."""
    claims = {"cradle_role": role, **({"cradle_counties": county} if county else {})}
    typer.echo(_authority(name).token(subject, claims))


def _authority(name: str) -> authority.Authority:
    return authority.Authority(layout.home() / name / "tls")


def _start_behind(name: str, options: list[str]) -> None:
    """Run `run` in a session of its own, and return when the stack is ready or it gave up."""
    log = layout.home() / f"{name}.out"
    argv = [sys.executable, "-m", "deploy.local", "run", "--name", name, *options]
    with log.open("wb") as out:
        supervisor = subprocess.Popen(
            argv,
            cwd=layout.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline_s = time.monotonic() + _UP_TIMEOUT_S
    while not view.is_up(name, supervisor.pid):
        if supervisor.poll() is not None or time.monotonic() > deadline_s:
            supervisor.terminate()
            raise with_tail(f"{name} did not start", log)
        time.sleep(0.1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    try:
        app()
    except StackError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
