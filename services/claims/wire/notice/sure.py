"""How sure a determination is: which steps rest on a placeholder, and which on a secondary source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from services.claims.model import Step, StepView
from services.claims.wire.notice import words
from services.claims.wire.notice.layout import wrapped
from services.claims.wire.notice.steps import is_given
from services.kit.law import Law
from services.kit.messages import Language, text

_MARKS: Final = {"placeholder": ("!", "NOTICE_MARK_PLACEHOLDER"), "secondary": ("*", "NOTICE_MARK_SECONDARY")}


def mark_of(views: Iterable[StepView]) -> str:
    """The mark beside an amount: a placeholder's, or else that of a secondary source."""
    statuses = {view.status for view in views}
    return next((mark for status, (mark, _) in _MARKS.items() if status in statuses), " ")


def strongest(marks: Sequence[str]) -> str:
    return next((mark for mark, _ in _MARKS.values() if mark in marks), " ")


def legend(marks: Sequence[str], language: Language) -> list[str]:
    """What each mark means, below the amounts."""
    codes = [code for mark, code in _MARKS.values() if mark in marks]
    return [line for code in codes for line in wrapped(text(code, language), "  ", "    ")]


def part(numbered: list[tuple[int, Step]], law: Law, language: Language) -> list[str]:
    """The parameters that are not certain, each with its steps; nothing where no step rests on a parameter."""
    views = [(number, StepView.of(step)) for number, step in numbered]
    if not any(view.parameter for _, view in views):
        return []
    lines: list[str] = []
    for status, code in (("placeholder", "NOTICE_PLACEHOLDERS"), ("secondary", "NOTICE_SECONDARIES")):
        lines += _listed(code, [one for one in views if one[1].status == status], law, language)
    lines += _listed("NOTICE_GIVEN", [one for one in views if is_given(one[1])], law, language)
    if any(view.status == "confirmed" and not is_given(view) for _, view in views):
        lines += wrapped(text("NOTICE_SURE_OTHERS" if lines else "NOTICE_SURE_ALL", language), "  ")
    return lines


def _listed(code: str, views: list[tuple[int, StepView]], law: Law, language: Language) -> list[str]:
    """Under the sentence of `code`, each parameter once with all its steps."""
    found: dict[tuple[str, str], tuple[list[int], StepView]] = {}
    for number, view in views:
        found.setdefault((view.parameter, view.since), ([], view))[0].append(number)
    lines = wrapped(text(code, language), "  ") if found else []
    for places, view in found.values():
        lines += wrapped(_said(places, view, law, language), "  - ", "    ")
    return lines


def _said(places: list[int], view: StepView, law: Law, language: Language) -> str:
    steps = words.listed(map(str, places), language)
    name = words.parameter(view.parameter, language)
    value = words.of_parameter(view.parameter, view.value, law, language)
    code = "NOTICE_SURE_STEP" if value else "NOTICE_SURE_STEP_BARE"
    said = text(code, language, steps=steps, name=name, value=value)
    return said[:1].upper() + said[1:]
