"""Chinese for the terminal: it has no blanks to break at, so it may break anywhere but before a closing mark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text

# A run of Latin letters and digits, or one character; closing marks and blanks stay with what they follow.
_PIECE: Final = re.compile(r"(?:[!-~]+|.)[，。；：、！？）】》”…\s]*")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A line that fills the width it is given, in either language."""

    text: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield Text("\n".join(wrapped(self.text, options.max_width)), self.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widest = min(cell_len(self.text), options.max_width)
        return Measurement(min(widest, max(map(cell_len, _PIECE.findall(self.text)), default=0)), widest)


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, unless a single piece is wider."""
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        if line and cell_len(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]
