"""An application on its way: what has to be known of it to say which move is open."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from services.certification.model.moves import State


class Application(NamedTuple):
    """`gates`: what each look-up showed. `assessors`: who handed in a sheet. `objections`: those not settled yet.

    `notice_ends_on`: the last day of the public notice that runs, or ran last. `due_on`: the last day of the clock that
    runs; `days_left`: working days of the one that stands still.
    """

    state: State | None = None
    gates: tuple[tuple[str, bool], ...] = ()
    assessors: tuple[str, ...] = ()
    asked: bool = False
    objections: int = 0
    notice_ends_on: date | None = None
    declined_on: date | None = None
    earlier_assessors: tuple[str, ...] = ()  # of the decision that is reviewed: they take no part
    reviewed: bool = False
    due_on: date | None = None
    days_left: int = 0


NOT_ON_FILE = Application()
