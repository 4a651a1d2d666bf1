"""Plain text that prints in a fixed pitch: width as it is shown, wrapping, and a table of amounts.

A Chinese character takes two columns; so does what East Asian Width calls ambiguous, to be on the safe side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from unicodedata import east_asian_width

WIDTH: Final = 78

_WIDE: Final = frozenset("WFA")
_OPENING: Final = "（《〔【“(["
_CLOSING: Final = "，。；：、）》〕】”！？,.;:)"
# What stays together: a Latin word or a number with its unit, or one character; with the brackets and stops beside it.
_PIECE: Final = re.compile(
    rf"(?P<space>\s+)|[{re.escape(_OPENING)}]*(?:[0-9]{{4}}年[0-9]+月(?:[0-9]+日)?起?|[0-9][0-9,.]*(?:个月|[元天年月日个次周孩步%])|[!-~]+|[^\s])[{_CLOSING}]*"
)


def width(text: str) -> int:
    """Columns that the text takes."""
    return sum(2 if east_asian_width(character) in _WIDE else 1 for character in text)


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """The text filled with spaces, on the left where it is a figure."""
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space


def wrapped(text: str, first: str = "", rest: str | None = None, columns: int = WIDTH) -> list[str]:
    """The text in lines of at most so many columns; `first` stands before the first line, `rest` before the others."""
    rest = first if rest is None else rest
    lines, line, empty = [], first, True
    gap = ""
    for piece, is_space in _pieces(text, columns - max(width(first), width(rest))):
        if is_space:
            gap = "" if empty else " "
            continue
        if not empty and width(line) + len(gap) + width(piece) > columns:
            lines.append(line)
            line, gap = rest, ""
        line, gap, empty = line + gap + piece, "", False
    return [*lines, line] if not empty or first.strip() else lines


def _pieces(text: str, columns: int) -> Iterable[tuple[str, bool]]:
    for match in _PIECE.finditer(text):
        piece = match[0]
        while width(piece) > columns:  # a code longer than the line
            piece, head = piece[columns // 2 :], piece[: columns // 2]
            yield head, False
        yield piece, match["space"] is not None


def rows(pairs: Iterable[tuple[str, str]], indent: str = "  ") -> list[str]:
    """Names and what they are, the names in a column of their own."""
    kept = [(name, said) for name, said in pairs if said]
    column = max((width(name) for name, _ in kept), default=0)
    under = indent + " " * (column + 2)
    return [line for name, said in kept for line in wrapped(said, f"{indent}{padded(name, column)}  ", under)]


def table(
    head: Sequence[str], body: Sequence[Sequence[str]], foot: Sequence[Sequence[str]] = (), figures: int = 2
) -> list[str]:
    """Text stands left, the column of `figures` right; a rule below the head, and one above the foot."""
    every = [head, *body, *foot]
    columns = [max(width(row[n]) for row in every) for n in range(len(head))]
    columns[0] = min(columns[0], WIDTH - 2 - sum(columns[1:]) - 2 * (len(head) - 1))
    rule = "  " + "-" * (sum(columns) + 2 * (len(head) - 1))
    made = [line for row in (head, *body) for line in _row(row, columns, figures)]
    made.insert(1, rule)
    return [*made, rule, *(line for row in foot for line in _row(row, columns, figures))] if foot else made


def _row(row: Sequence[str], columns: Sequence[int], figures: int) -> list[str]:
    first = wrapped(row[0], columns=columns[0])
    cells = [padded(cell, columns[n], right=n == figures) for n, cell in enumerate(row) if n]
    lines = ["  ".join(["", padded(first[0], columns[0]), *cells]).rstrip()]
    return lines + [f"    {line}" for line in first[1:]]
