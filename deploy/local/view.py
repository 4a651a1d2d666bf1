"""What a stack looks like from outside: read from its state file, asked of its processes."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from rich.table import Table

from deploy.local import layout
from deploy.local.roles import is_listening, is_ready


class Part(TypedDict):
    """One process, as `status` tells of it: where it is asked over gRPC (or its own protocol), and for /metrics."""

    role: str
    pid: int | None
    port: int
    metrics: int | None
    healthy: bool
    restarts: int
    log: str


def is_up(name: str, supervisor: int) -> bool:
    """Whether that supervisor, and not one before it, says that its stack is ready."""
    state = layout.read_json(layout.home() / name / "state.json")
    return state.get("supervisor") == supervisor and state.get("phase") == "ready"


def parts(name: str) -> list[Part]:
    """Every process of a running stack; nothing, if its supervisor is gone."""
    if layout.NameLock(name).holder() is None:
        return []
    processes = layout.read_json(layout.home() / name / "state.json").get("processes", {})
    return [
        Part(
            role=role,
            pid=found["pid"],
            port=_port(found["listens"]),
            metrics=_port(found["readyz"]) if found["readyz"] else None,
            healthy=_is_healthy(found["pid"], found["readyz"], found["listens"]),
            restarts=found["restarts"],
            log=found["log"],
        )
        for role, found in processes.items()
    ]


def table(found: list[Part]) -> Table:
    """The parts for a terminal; their logs lie in one folder, which is told once."""
    folder = Path(found[0]["log"]).parent if found else None
    columns = ("role", "pid", "port", "metrics", "health", "log")
    drawn = Table(*columns, box=None, caption=f"logs in {folder}", caption_justify="left")
    for part in found:
        health = "[green]ready[/]" if part["healthy"] else "[red]down[/]"
        ports = (str(part["port"]), str(part["metrics"] or "-"))
        drawn.add_row(part["role"], str(part["pid"] or "-"), *ports, health, Path(part["log"]).name)
    return drawn


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


def _is_healthy(pid: int | None, readyz: str | None, listens: str) -> bool:
    if pid is None:
        return False
    return is_listening(listens) if readyz is None else is_ready(readyz)
