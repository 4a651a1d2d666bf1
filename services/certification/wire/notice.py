"""A decision and a life in words: each step with the law it rests on, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.certification.model import Decision, Dimension, Scheme, Standing, StepView, Suspension, Veto
from services.kit.messages import CATALOGUE, Language, text

_PLACEHOLDER: Final = "placeholder"


def notice(decision: Decision | None, standing: Standing | None, scheme: Scheme, language: Language) -> str:
    """Every step of a decision and every change of a life, a line each."""
    lines = [*(_steps(decision, scheme, language) if decision else ()), *_reasons(decision, language)]
    lines += _changes(standing, scheme, language) if standing else []
    return "\n".join(lines)


def _reasons(decision: Decision | None, language: Language) -> Iterator[str]:
    for why in decision.reasons if decision else ():
        yield f"{why}: {text(why, language)}"


def _steps(decision: Decision, scheme: Scheme, language: Language) -> Iterator[str]:
    for step in decision.trace:
        view = StepView.of(step)
        said = text(f"STEP_{view.rule}", language, **_values(view, scheme, language))
        yield "  ".join(filter(None, (said, _rests_on(view, scheme, language))))


def _values(view: StepView, scheme: Scheme, language: Language) -> Mapping[str, Any]:
    """The values of a step, with indicators and dimensions by their names."""
    values = {**view.values, "value": view.value}
    if "indicator" in values:
        by_id = {one.id: one for one in scheme.indicators}
        values["indicator"] = f"{values['indicator']} {by_id[values['indicator']].words.said(language)}"
    if "dimension" in values:
        values["dimension"] = scheme.dimensions[Dimension(values["dimension"])].words.said(language)
    return values


def _rests_on(view: StepView, scheme: Scheme, language: Language) -> str:
    if view.parameter:
        mark = text("CERTIFICATION_PLACEHOLDER", language) if view.status == _PLACEHOLDER else ""
        return f"[{view.parameter}{mark}]"
    cited = [one.partition(":") for one in view.article.split(", ") if one]
    return "; ".join(f"{scheme.laws[code].words.said(language)} {article}".strip() for code, _, article in cited)


def _changes(standing: Standing, scheme: Scheme, language: Language) -> Iterator[str]:
    for change in standing.history:
        yield f"{change.on} {change.state}: {_why(change.why, scheme, language)}"


def _why(code: str, scheme: Scheme, language: Language) -> str:
    """By the scheme where it words it, else by the catalogue, else the code itself."""
    kind, _, name = code.partition("_")
    if kind == "VETO":
        return scheme.vetoes[Veto(name)].words.said(language)
    if kind == "SUSPENSION":
        return scheme.suspensions[Suspension(name)].words.said(language)
    return text(code, language) if code in CATALOGUE else code
