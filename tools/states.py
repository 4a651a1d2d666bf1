"""Draws the tables of moves of services into their READMEs, between two marks: `python -m tools.states [check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.certification.model import moves as certification
from services.claims.model import moves as claims

ROOT: Final = Path(__file__).resolve().parent.parent
SERVICES: Final = ROOT / "services"
_END: Final = "<!-- end of states -->\n"


class Table(NamedTuple):
    """Moves by state, each to one state or to several; `mark` begins its place in the README."""

    readme: Path
    mark: str
    moves: Mapping[Any, Mapping[Any, Any]]
    ends: AbstractSet[StrEnum]


TABLES: Final = (
    Table(SERVICES / "claims" / "README.md", "states", claims.MOVES, claims.FINAL),
    Table(SERVICES / "certification" / "README.md", "states of applications", certification.MOVES, certification.ENDS),
    Table(
        SERVICES / "certification" / "README.md",
        "states of certificates",
        certification.CERTIFICATES,
        certification.CERTIFICATE_ENDS,
    ),
)


def drawn(table: Table) -> str:
    """The table as Mermaid draws it: an arrow for each pair of states, with the moves that lead along it."""
    lines = ["stateDiagram-v2", "    direction LR"]
    for at, moves in table.moves.items():
        ways: dict[str, list[str]] = {}
        for move, targets in moves.items():
            for to in [targets] if isinstance(targets, str) else sorted(targets):
                ways.setdefault(to, []).append(move)
        lines += [f"    {at or '[*]'} --> {to}: {', '.join(names)}" for to, names in ways.items()]
    lines += [f"    {state} --> [*]" for state in sorted(table.ends)]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def with_states(text: str, tables: Iterable[Table]) -> str:
    """A README with its tables as they are now."""
    for table in tables:
        begin = f"<!-- {table.mark}: python -m tools.states -->\n"
        before, rest = text.split(begin)
        text = before + begin + drawn(table) + _END + rest.split(_END, 1)[1]
    return text


def stale() -> dict[Path, str]:
    """Every README that does not draw its tables as they are, with what it should be."""
    found = {}
    for readme in dict.fromkeys(table.readme for table in TABLES):
        text = readme.read_text("utf-8")
        fresh = with_states(text, [table for table in TABLES if table.readme == readme])
        if fresh != text:
            found[readme] = fresh
    return found


def main() -> None:
    wrong = stale()
    if "check" in sys.argv[1:]:
        names = ", ".join(str(readme.relative_to(ROOT)) for readme in wrong)
        sys.exit(f"{names}: stale, run python -m tools.states" if wrong else None)
    for readme, fresh in wrong.items():
        readme.write_text(fresh, "utf-8")


if __name__ == "__main__":
    main()
