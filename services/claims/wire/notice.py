"""A determination in words: what was asked, what was found, each step with its article, the sum and the remedies."""

from __future__ import annotations

from datetime import date
from typing import Final

from cradle.claims.v1 import service_pb2

from services.claims.model import Claim, Determination, Facts, Payee, Step
from services.kit.law import Law
from services.kit.messages import Language, text
from services.kit.money import yuan

_STATUS_TEXT: Final = {"placeholder": "NOTICE_PLACEHOLDER", "secondary": "NOTICE_SECONDARY"}


def step_text(step: Step, language: Language) -> str:
    """One step as a sentence. Values named `_fen` are shown in yuan."""
    values = {name: yuan(int(value)) if name.endswith("_fen") else value for name, value in step.values}
    if "category" in values:
        values["category"] = text(f"CATEGORY_{values['category']}", language)
    return text(f"STEP_{step.rule}", language, **values)


def citation(step: Step, law: Law, language: Language) -> str:
    """The article of a step: of the parameter as its file cites it, or of the rule."""
    if not step.parameter:
        return text(f"ARTICLE_{step.article}", language)
    dated = law[step.parameter].at(date.fromisoformat(step.since))
    return dated.citation if language is Language.ZH else dated.citation_en


def trace_step(step: Step, law: Law, language: Language) -> service_pb2.TraceStep:
    return service_pb2.TraceStep(
        rule=step.rule,
        text=step_text(step, language),
        article=citation(step, law, language),
        result=dict(step.values).get("days", ""),
        parameter=step.parameter,
        status=step.status,
    )


def notice(  # noqa: PLR0917  # all of it is on the notice
    claim: Claim, revision: int, facts: Facts, determination: Determination, law: Law, rules: str, language: Language
) -> str:
    """The notice as it would be handed over. It tells of the revision that was decided, whatever came after."""
    figures = determination.figures
    lines = [
        text("NOTICE_TITLE", language),
        text(
            "NOTICE_CLAIM",
            language,
            number=claim.number,
            source=claim.source,
            revision=revision,
            date=facts.delivery.date,
            decision=facts.decision_date,
        ),
        text("NOTICE_OUTCOME", language, outcome=text(f"OUTCOME_{determination.outcome}", language)),
    ]
    if figures.payee is not None:
        lines.append(
            text("NOTICE_AMOUNT", language, amount=yuan(figures.allowance_fen), payee=_payee(figures.payee, language))
        )
    lines += [text(code, language) for code in determination.reasons]
    lines += ["", text("NOTICE_STEPS", language)]
    for number, step in enumerate(determination.trace, 1):
        lines.append(f"{number:>3}. {step_text(step, language)}")
        note = f" [{text(_STATUS_TEXT[step.status], language)}]" if step.status in _STATUS_TEXT else ""
        lines.append(f"     {citation(step, law, language)}{note}")
    lines += ["", text("NOTICE_REMEDY", language), text("NOTICE_LAW", language, digest=law.digest[:16], rules=rules)]
    return "\n".join(lines)


def _payee(payee: Payee, language: Language) -> str:
    return text(f"PAYEE_{payee}", language)
