"""What the employer owes beside the fund, the steps to it, and what to do if it does not pay."""

from __future__ import annotations

from typing import Final

from services.claims.model import (
    Benefit,
    Determination,
    EventType,
    Facts,
    Figures,
    LineKind,
    State,
    Step,
)
from services.claims.wire.notice.found import EMPLOYED
from services.claims.wire.notice.layout import table, wrapped
from services.claims.wire.notice.steps import numbered, of_leave, resting_on
from services.claims.wire.notice.sure import legend, mark_of, strongest
from services.kit.law import Law
from services.kit.messages import Language, text
from services.kit.money import yuan

_OWED: Final = {"topup": "NOTICE_OWED_TOPUP", "leave": "NOTICE_OWED_LEAVE", "liability": "NOTICE_OWED_LIABILITY"}
_WAGE_KEPT: Final = {EventType.DELIVERY, EventType.MISCARRIAGE}


def owed_fen(figures: Figures) -> int:
    """All that the employer is known to owe."""
    return sum(fen or 0 for fen in _parts(figures).values())


def part(
    determination: Determination, facts: Facts, owed: list[tuple[int, Step]], law: Law, language: Language
) -> list[str]:
    """Nothing for who has no employer, and nothing where the claim came to no line."""
    parts = _parts(determination.figures)
    if facts.insured.category not in EMPLOYED or not determination.lines:
        return []
    if Benefit.ALLOWANCE not in facts.benefits and not any(parts.values()):
        return []
    is_owed, is_unknown = any(parts.values()), None in parts.values()
    waits = any(line.kind is LineKind.ALLOWANCE and line.outcome is State.PENDED for line in determination.lines)
    lines = [*_table(determination, language), "", *numbered(owed, law, language), ""] if is_owed else []
    codes = [
        "NOTICE_NOTHING_OWED" if not (is_owed or is_unknown or waits) else "",
        "NOTICE_WAGE_UNKNOWN" if is_unknown else "",
        "NOTICE_OWED_OPEN" if waits else "",
        "NOTICE_WAGE_KEPT" if facts.event.type in _WAGE_KEPT else "",
        "NOTICE_AGAINST_EMPLOYER" if is_owed else "",
    ]
    return lines + [line for code in codes if code for line in wrapped(text(code, language), "  ")]


def _table(determination: Determination, language: Language) -> list[str]:
    parts = {name: fen for name, fen in _parts(determination.figures).items() if fen}
    marks = [_mark(name, determination) for name in parts]
    body = [
        (text(_OWED[name], language), f"{yuan(fen)} {mark}")
        for (name, fen), mark in zip(parts.items(), marks, strict=True)
    ]
    sum_of_all = (text("NOTICE_SUM", language), f"{yuan(owed_fen(determination.figures))} {strongest(marks)}")
    head = (text("NOTICE_COLUMN_OWED", language), text("NOTICE_COLUMN_AMOUNT", language) + "  ")
    return [*table(head, body, [sum_of_all] if len(body) > 1 else (), figures=1), *legend(marks, language)]


def _mark(name: str, determination: Determination) -> str:
    """Wages of other leave follow from the leave; the rest from what became of the allowance as well."""
    views = list(of_leave(determination))
    if name != "leave":
        views += [view for line in determination.lines for view in resting_on(line, determination)]
    return mark_of(views)


def _parts(figures: Figures) -> dict[str, int | None]:
    return {
        "topup": figures.employer_topup_fen,
        "leave": figures.employer_leave_fen,
        "liability": figures.employer_liability_fen,
    }
