"""What another law makes of a claim: more, less, or the same, line beside line.

Less of anything is never done by itself: who has relied on a decision keeps what it gave until a person has looked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from services.claims.model import Determination, Line, State
from services.claims.model.redetermination import Difference, Finding, Item, LineDiffers
from services.kit.law import canonical

FIRST_HASH: Final = b"\x00" * 32
_SHORT: Final = "CONTRIB_SHORT"
_RANK: Final = {State.APPROVED: 3, State.PARTIALLY_APPROVED: 2, State.DENIED: 1, State.DUPLICATE: 1}
_NOT_DECIDED: Final = {State.PENDED, State.ERROR}


class _Side(NamedTuple):
    outcome: str = ""
    amount_fen: int = 0
    payee: str = ""


_NONE: Final = _Side()


def difference(before: Determination, after: Determination) -> Difference:
    """Before and after, compared by what each line pays to whom, then by outcome, then by the figures."""
    old, new = _sides(before), _sides(after)
    lines = tuple([
        LineDiffers(name, one.outcome, one.amount_fen, two.outcome, two.amount_fen)
        for name in sorted(old.keys() | new.keys())
        if (one := old.get(name, _NONE)) != (two := new.get(name, _NONE))
    ])  # fmt: skip
    gained = [line.after_fen - line.before_fen for line in lines]
    moved = any(
        old[name].amount_fen and old[name].payee != new[name].payee for name in old.keys() & new.keys()
    )  # to another payee: the one before would have to give it back
    return Difference(
        _found(before, after, loses=moved or any(fen < 0 for fen in gained), gains=any(fen > 0 for fen in gained)),
        before.outcome,
        after.outcome,
        sum(side.amount_fen for side in old.values()),
        sum(side.amount_fen for side in new.values()),
        sum(fen for fen in gained if fen > 0),
        -sum(fen for fen in gained if fen < 0),
        lines,
    )


def _found(before: Determination, after: Determination, *, loses: bool, gains: bool) -> Finding:
    if before.outcome is State.PENDED:
        if after.outcome is State.PENDED:
            return Finding.SAME  # it waits for something else, or for the same
        # Months that were not missed before may still come, and whether they may only her coverage tells.
        short = _SHORT in after.reasons and _SHORT not in before.reasons
        return Finding.DOWN if short or after.outcome is State.ERROR else Finding.WAITED
    if after.outcome in _NOT_DECIDED or loses or _RANK[after.outcome] < _RANK[before.outcome]:
        return Finding.DOWN
    if gains or _RANK[after.outcome] > _RANK[before.outcome]:
        return Finding.UP
    if before.figures == after.figures:
        return Finding.SAME
    return Finding.DOWN if _falls(before, after) else Finding.UP


def _falls(before: Determination, after: Determination) -> bool:
    """Whether a figure beside the money of the funds is less: days of leave, or what her employer owes her."""
    pairs = zip(before.figures, after.figures, strict=True)
    return any(isinstance(old, int) and (not isinstance(new, int) or new < old) for old, new in pairs)


def digest(result: Determination) -> bytes:
    """Of what a second person approves: what is owed, to whom and why. Steps may tell another day of decision."""
    return hashlib.sha256(canonical(_gist(result)).encode()).digest()


def chained(before: bytes, items: Iterable[Item]) -> bytes:
    """The hash of a plan with these claims added, one after the other."""
    for one in items:
        found = one.difference
        content = [*map(str, one.place), one.determined_version, one.county, found.finding, found.before, found.after]
        money = [found.before_fen, found.after_fen, [list(line) for line in found.lines]]
        before = hashlib.sha256(before + one.digest + canonical([*content, *money]).encode()).digest()
    return before


def _gist(result: Determination) -> dict[str, Any]:
    return {
        "outcome": result.outcome,
        "reasons": result.reasons,
        "figures": result.figures.as_data(),
        "lines": [[_name(line), *_side(line)] for line in result.lines],
    }


def _sides(result: Determination) -> dict[str, _Side]:
    return {_name(line): _side(line) for line in result.lines}


def _name(line: Line) -> str:
    return f"{line.kind}/{line.number}"


def _side(line: Line) -> _Side:
    return _Side(line.outcome, line.amount_fen, line.payee or "")
