"""Deciding again what was decided, on coverage that is known otherwise since: in her favour, against her, or the same.

What is in her favour is decided at once; what is against her is first looked at by a reviewer.
"""

from __future__ import annotations

from typing import Final, Literal

from services.claims.model import Determination, Line, State

BETTER: Final = "better"
WORSE: Final = "worse"
SAME: Final = "same"

Compared = Literal["better", "worse", "same"]
_RANK: Final = {State.APPROVED: 3, State.PARTIALLY_APPROVED: 2, State.DENIED: 1, State.DUPLICATE: 1}


def compared(before: Determination, after: Determination) -> Compared:
    """By what the funds pay, then by the outcome. A claim that waited and can be decided is decided, whatever comes."""
    if before.outcome is State.PENDED:
        return SAME if after.outcome is State.PENDED and after.reasons == before.reasons else BETTER
    if after.outcome not in _RANK:  # it would have to wait, or cannot be
        return WORSE
    was, now = (_worth(before), _worth(after))
    if now == was:
        return SAME
    return BETTER if now > was else WORSE


def is_partly_worse(before: Determination, after: Determination) -> bool:
    """Whether a line would get less, though the claim may get more in all: it may be paid, and would be asked back.

    So it is where a stay would be a transfer's no longer, because the settlement before it was taken back: that comes
    again under another number, and would find its event taken.
    """
    if before.outcome is State.PENDED:
        return False
    now = {(line.kind, line.number): line for line in after.lines}
    return any(_loses(line, now.get((line.kind, line.number))) for line in before.lines if line.amount_fen)


def _loses(before: Line, after: Line | None) -> bool:
    if after is None or after.amount_fen < before.amount_fen:
        return True
    return _is_transfer(before) and not _is_transfer(after)


def _is_transfer(line: Line) -> bool:
    return any(step[0] == "TRANSFER_FILED" for step in line.trace)


def _worth(determination: Determination) -> tuple[int, int]:
    figures = determination.figures
    return figures.allowance_fen + figures.medical_fen + figures.catastrophic_fen, _RANK[determination.outcome]
