"""A table that cuts no word: it folds between words, and where that is too narrow shows each row's fields below each
other, so that a number or code can be read and copied at any width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

_WIDE: Final = "\u2e80-\uffef"  # Chinese is broken between any two characters
_PIECES: Final = re.compile(rf"[{_WIDE}]|[^\s/{_WIDE}]*/|[^\s/{_WIDE}]+|\s+")
_BETWEEN: Final = 3  # what stands between two columns
_EDGES: Final = 2
_READABLE: Final = 16


class Sheet(Table):
    """Rows of text; columns are added as to any table. One that expands is left as it is."""

    def __init__(self) -> None:
        super().__init__(box=box.SIMPLE_HEAD, pad_edge=False)

    @property
    def least(self) -> int:
        """The narrowest it can be without cutting a word."""
        return sum(self._words()) + self._frame()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.expand:
            yield from super().__rich_console__(console, options)
            return
        widths = fit(list(zip(self._words(), self._lines(), strict=True)), options.max_width - self._frame())
        yield from (self._below() if widths is None else self._beside(widths)).__rich_console__(console, options)

    def _frame(self) -> int:
        return _EDGES + _BETWEEN * (len(self.columns) - 1)

    def _cells(self) -> list[list[str]]:
        return [[str(column.header), *map(str, column.cells)] for column in self.columns]

    def _words(self) -> list[int]:
        """As narrow as each column may be: its title, its longest word, and enough of a sentence to be read."""
        return [
            max(cell_len(title), min(line, _READABLE), *(cell_len(word) for cell in cells for word in _words(cell)))
            for (title, *cells), line in zip(self._cells(), self._lines(), strict=True)
        ]

    def _lines(self) -> list[int]:
        return [max(cell_len(line) for cell in cells for line in cell.split("\n")) for cells in self._cells()]

    def _beside(self, widths: Sequence[int]) -> Table:
        made = Table(box=self.box, pad_edge=False)
        for column, width in zip(self.columns, widths, strict=True):
            made.add_column(folded(str(column.header), width), justify=column.justify, width=width, no_wrap=True)
        _, *rows = zip(*self._cells(), strict=True)
        for row in rows:
            made.add_row(*(folded(cell, width) for cell, width in zip(row, widths, strict=True)))
        return made

    def _below(self) -> Table:
        made = Table(box=None, show_header=False, pad_edge=False)
        made.add_column(style="bold", no_wrap=True)
        made.add_column(overflow="fold")
        titles, *rows = zip(*self._cells(), strict=True)
        for number, row in enumerate(rows):
            if number:
                made.add_row("", "")
            for title, cell in zip(titles, row, strict=True):
                if cell:
                    made.add_row(title, cell)
        return made


def fit(columns: Sequence[tuple[int, int]], room: int) -> list[int] | None:
    """Widths of columns, given by their longest word and longest line; None if the words do not fit.

    What is left goes to those that lack least first, so that one long column does not fold all the short ones.
    """
    widths = [word for word, _ in columns]
    left = room - sum(widths)
    if left < 0:
        return None
    lacking = sorted(range(len(columns)), key=lambda place: columns[place][1] - columns[place][0])
    for waiting, place in zip(range(len(lacking), 0, -1), lacking, strict=True):
        word, line = columns[place]
        more = min(line - word, left // waiting)
        widths[place] += more
        left -= more
    return widths


def folded(text: str, width: int) -> str:
    """The text in lines of this width at most, broken at spaces, after slashes and between Chinese characters."""
    return "\n".join(line for given in text.split("\n") for line in _fold(given, width))


def _words(text: str) -> list[str]:
    return ["", *(piece for piece in _PIECES.findall(text) if not piece.isspace())]


def _fold(line: str, width: int) -> Iterator[str]:
    held = ""
    for piece in _PIECES.findall(line):
        if held and cell_len((held + piece).rstrip()) > width:
            yield held.rstrip()
            held = piece.lstrip()
        else:
            held += piece
    yield held.rstrip()
