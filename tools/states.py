"""Draws a service's table of moves into its README, between two marks: `python -m tools.states [check]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from services.claims.model import MOVES
from services.claims.model.moves import FINAL

ROOT: Final = Path(__file__).resolve().parent.parent
README: Final = ROOT / "services" / "claims" / "README.md"
_BEGIN: Final = "<!-- states: python -m tools.states -->\n"
_END: Final = "<!-- end of states -->\n"


def drawn() -> str:
    """The table as Mermaid draws it: an arrow for each pair of states, with the moves that lead along it."""
    lines = ["stateDiagram-v2", "    direction LR"]
    for at, moves in MOVES.items():
        ways: dict[str, list[str]] = {}
        for move, targets in moves.items():
            for to in sorted(targets):
                ways.setdefault(to, []).append(move)
        lines += [f"    {at or '[*]'} --> {to}: {', '.join(names)}" for to, names in ways.items()]
    lines += [f"    {state} --> [*]" for state in sorted(FINAL)]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def with_states(text: str) -> str:
    """The README with the table as it is now."""
    before, rest = text.split(_BEGIN)
    return before + _BEGIN + drawn() + _END + rest.split(_END)[1]


def main() -> None:
    text = README.read_text("utf-8")
    fresh = with_states(text)
    if "check" in sys.argv[1:]:
        sys.exit(None if fresh == text else f"{README.relative_to(ROOT)} is stale: run python -m tools.states")
    README.write_text(fresh, "utf-8")


if __name__ == "__main__":
    main()
