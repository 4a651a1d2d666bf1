"""What goes wrong with a local stack, said to a person."""

from __future__ import annotations

from pathlib import Path

_TAIL_LINES = 15


class StackError(Exception):
    """The stack cannot do what was asked; the message says why and what helps."""


def with_tail(message: str, log: Path) -> StackError:
    """The message with the end of a process's log, which nearly always holds the cause."""
    lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:] if log.exists() else []
    return StackError("\n".join([f"{message}; its log is {log}", *(f"  | {line}" for line in lines)]))
