"""Steps of a determination as sentences, each with what it rests on and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from cradle.claims.v1 import service_pb2

from services.claims.model import Determination, Line, LineKind, State, Step, StepView
from services.claims.wire.notice import words
from services.claims.wire.notice.layout import wrapped
from services.kit.law import Law
from services.kit.messages import Language, text

OF_EMPLOYER: Final = {"OWN_WAGE", "EMPLOYER_LEAVE", "TOPUP", "LIABILITY", "LIABILITY_MEDICAL"}

# Steps of the whole claim that the allowance does not follow from: leave that no fund pays, and the father's.
_OF_FATHER: Final = {"FATHER", "FATHER_APART", "FATHER_THIRD_CHILD"}
_NOT_OF_ALLOWANCE: Final = OF_EMPLOYER | _OF_FATHER | {"LEAVE_CHECK", "LEAVE_THIRD_CHILD", "THIRD_CHILD_OPEN"}
_RESULTS: Final = ("allowance_fen", "amount_fen", "topup_fen", "owed_fen", "liability_fen", "days", "months")
_MARKS: Final = {"placeholder": "NOTICE_IS_PLACEHOLDER", "secondary": "NOTICE_IS_SECONDARY"}


def step_text(step: Step, language: Language) -> str:
    """One step as a sentence."""
    view = StepView.of(step)
    said = text(f"STEP_{view.rule}", language, **words.values(view.values, language))
    return said[:1].upper() + said[1:]


def citation(step: Step, law: Law, language: Language) -> str:
    """The article of a step: of the parameter as its file cites it for that date, or of the rule."""
    view = StepView.of(step)
    if not view.parameter:
        return text(f"ARTICLE_{view.article}", language)
    dated = law[view.parameter].at(date.fromisoformat(view.since))
    return dated.citation if language is Language.ZH else dated.citation_en


def trace_step(step: Step, law: Law, language: Language) -> service_pb2.TraceStep:
    view = StepView.of(step)
    return service_pb2.TraceStep(
        rule=view.rule,
        text=step_text(step, language),
        article=citation(step, law, language),
        result=next((str(view.values[name]) for name in _RESULTS if name in view.values), ""),
        parameter=view.parameter,
        status=view.status,
    )


def basis(step: Step, law: Law, language: Language) -> str:
    """What a step rests on: the article, the parameter's value and since when, and a mark where it is not certain."""
    view, cited = StepView.of(step), citation(step, law, language)
    if not view.parameter:
        return text("NOTICE_BASIS", language, citation=cited)
    value = words.of_parameter(view.parameter, view.value, law, language)
    if view.status == "placeholder":  # its date is that of the file, not of any rule
        code = "NOTICE_BASIS_STOPGAP" if value else "NOTICE_BASIS"
    elif is_given(view):
        code = "NOTICE_BASIS_GIVEN" if value else "NOTICE_BASIS"
    else:
        code = "NOTICE_BASIS_VALUE" if value else "NOTICE_BASIS_SINCE"
    said = text(code, language, citation=cited, value=value, since=words.day(view.since, language))
    gap = "" if language is Language.ZH else " "
    return f"{said}{gap}{text(_MARKS[view.status], language)}" if view.status in _MARKS else said


def is_given(view: StepView) -> bool:
    """A value that somebody set for this calculation alone holds for all time."""
    return bool(view.parameter) and date.fromisoformat(view.since) == date.min


def numbered(numbered_steps: Iterable[tuple[int, Step]], law: Law, language: Language) -> list[str]:
    """Each step under its number, what it rests on below it."""
    lines: list[str] = []
    for number, step in numbered_steps:
        lines += wrapped(step_text(step, language), f"{number:>3}. ", "     ")
        lines += wrapped(basis(step, law, language), "     ")
    return lines


def of_line(line: Line, determination: Determination) -> Iterator[Step]:
    """The steps of one line that are not already those of the whole claim."""
    return (step for step in line.trace if step not in determination.trace)


def resting_on(line: Line, determination: Determination) -> Iterator[StepView]:
    """Every step that the line's outcome follows from; for the allowance those to the leave that it pays for as well.

    A line that waits has no outcome yet.
    """
    if line.outcome is State.PENDED:
        return
    yield from map(StepView.of, line.trace)
    if line.kind is not LineKind.ALLOWANCE:
        return
    views = [StepView.of(step) for step in determination.trace]
    paid_local = any(view.rule == "FUND_PAYS_LOCAL" for view in views)
    for view in views:
        if view.rule not in _NOT_OF_ALLOWANCE and (paid_local or view.rule != "LEAVE_LOCAL"):
            yield view


def of_leave(determination: Determination) -> Iterator[StepView]:
    """The steps to her leave, whoever pays for it."""
    views = map(StepView.of, determination.trace)
    return (view for view in views if view.rule not in OF_EMPLOYER | _OF_FATHER)
