"""Cases of certification: an application decided, a certificate looked at on a day, or both.

No paper sets a figure of the scheme, so the shipped ones stand where a case gives none; the notice marks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from services.certification import rules
from services.certification.model import CertificateState, Decision, Kind, Outcome, Scheme, Standing, Why
from services.certification.wire import facts as wire
from services.certification.wire import notice
from services.cli.verdicts.common import Found, differences, texts
from services.kit.errors import Invalid
from services.kit.given import Given, fitted, path_text
from services.kit.law import ParameterError
from services.kit.messages import Language, Reason
from services.kit.scalars import Day, Text, code


class Expected(Given):
    """What a case may expect. A name given as null expects that there is none."""

    outcome: Annotated[Outcome, code(Outcome)] | None = None
    reasons: tuple[Text, ...] = ()
    score: Text | None = None
    state: Annotated[CertificateState, code(CertificateState)] | None = None
    valid_to: Day | None = None
    application_kind: Annotated[Kind, code(Kind)] | None = None
    locked_until: Day | None = None


def judge(case: Mapping[str, Any], at: str) -> Found:
    scheme = _scheme(texts(case.get("parameters"), f"{at}.parameters"), f"{at}.parameters")
    read = wire.read(case["facts"], scheme, f"{at}.facts")
    expected = fitted(Expected, case["expect"], f"{at}.expect")
    decision = rules.decide(read.facts, scheme) if read.facts else None
    standing = None
    if read.life and rules.problems_of_life(*read.life):
        decision = Decision(Outcome.ERROR, (Why.FACT_OUT_OF_RANGE,))
    elif read.life:
        standing = rules.standing(read.life[0], scheme, read.life[1])

    def told(language: Language) -> str:
        return notice.notice(decision, standing, scheme, language)

    got = figures(decision, standing)
    return Found(got, scheme.digest, told, tuple(differences(expected, got)))


def _scheme(parameters: Mapping[str, str], at: str) -> Scheme:
    """The scheme with the figures of one case. Raises Invalid with the path of each that does not fit."""
    try:
        return rules.schemes.given(rules.latest(), parameters)
    except ParameterError as error:
        wrong = [Reason(one.code, path_text([_named(one.field)], at), one.values) for one in error.problems]
        raise Invalid(*wrong) from None


def _named(path: str) -> str:
    """The figure of a path of the scheme's file."""
    return path.removeprefix("figures.").removesuffix(".value")


def figures(decision: Decision | None, standing: Standing | None) -> dict[str, Any]:
    """The result by the names a case expects it by."""
    return {
        "outcome": decision.outcome if decision else None,
        "reasons": decision.reasons if decision else (),
        "score": None if decision is None or decision.score is None else str(decision.score),
        "state": standing.state if standing else None,
        "valid_to": standing.valid_to if standing else None,
        "application_kind": standing.kind if standing else None,
        "locked_until": standing.locked_until if standing else None,
    }
