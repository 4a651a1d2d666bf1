"""Cases of claims: decided under their own parameters.

A parameter the authority has yet to set is unset unless the case gives it, so that no case passes by a placeholder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from services.claims import rules
from services.claims.model import Determination, Facts, Payee, State, StepView
from services.claims.wire import facts as wire
from services.claims.wire import notice
from services.cli.verdicts.common import Found, Judge, differences, named, texts
from services.kit.errors import Invalid
from services.kit.given import Given, fitted, missing, path_text
from services.kit.law import Law, NotInForce, ParameterError, Unset
from services.kit.messages import Language, Reason, reason
from services.kit.scalars import Day, Fen, Text, Whole, code

KEPT: Final = frozenset({"medical.resident.delivery.mode", "allowance.divisor", "duplicate.window_days"})
_WAITING: Final = {"PARAMETER_UNSET": "CASE_PARAMETER_UNSET", "PARAMETER_NOT_IN_FORCE": "CASE_PARAMETER_NOT_IN_FORCE"}
_OWN_WAGE: Final = frozenset({"employer_topup_fen", "employer_leave_fen", "employer_liability_fen"})


class Expected(Given):
    """What a case may expect. A name given as null expects that there is none."""

    outcome: Annotated[State, code(State)] | None = None
    reasons: tuple[Text, ...] = ()
    leave_days: Whole | None = None
    leave_end: Day | None = None
    father_leave_days: Whole | None = None
    fund_days: Whole | None = None
    allowance_fen: Fen | None = None
    payee: Annotated[Payee, code(Payee)] | None = None
    medical_fen: Fen | None = None
    catastrophic_fen: Fen | None = None
    employer_topup_fen: Fen | None = None
    employer_leave_fen: Fen | None = None
    employer_liability_fen: Fen | None = None
    continuous_months: Whole | None = None


@dataclass(frozen=True, slots=True)
class Laws:
    """The law of each set of parameters, made once."""

    base: Law = field(default_factory=lambda: rules.LAW.without_placeholders(KEPT))
    made: dict[frozenset[tuple[str, str]], Law] = field(default_factory=dict)

    def given(self, parameters: Mapping[str, str], at: str) -> Law:
        """Raises Invalid."""
        key = frozenset(parameters.items())
        if key not in self.made:
            self.made[key] = under(self.base, parameters, at)
        return self.made[key]


def under(base: Law, parameters: Mapping[str, str], at: str) -> Law:
    """The law with these parameters, set for all time. Raises Invalid with the path of each that does not fit."""
    if not parameters:
        return base
    try:
        return base.given(parameters)
    except ParameterError as error:
        wrong = [Reason(one.code, path_text([one.field], at), one.values) for one in error.problems]
        raise Invalid(*wrong) from None


def judge() -> Judge:
    laws = Laws()

    def found(case: Mapping[str, Any], at: str) -> Found:
        facts = wire.read(case["facts"], f"{at}.facts")
        expected = fitted(Expected, case["expect"], f"{at}.expect")
        law = laws.given(texts(case.get("parameters"), f"{at}.parameters"), f"{at}.parameters")
        determination = _decided(facts, law, at)

        def told(language: Language) -> str:
            return notice.notice(None, determination, facts, law, rules.REVISION, language)

        got = figures(determination)
        _check_wage(expected, got, f"{at}.facts")
        return Found(got, law.digest, told, tuple(differences(expected, got)))

    return found


def _decided(facts: Facts, law: Law, at: str) -> Determination:
    """The determination. Raises Invalid where a fact or a parameter it needs was not given."""
    try:
        determination = rules.decide(facts, law)
    except rules.FactMissing as error:
        raise Invalid(missing(error.path, f"{at}.facts")) from None
    except Unset as error:
        raise Invalid(reason("CASE_PARAMETER_UNSET", f"{at}.parameters", name=error.name)) from None
    except NotInForce as error:
        raise Invalid(reason("CASE_PARAMETER_NOT_IN_FORCE", f"{at}.parameters", name=error.name)) from None
    if waiting := list(dict.fromkeys(_waiting(determination))):
        raise Invalid(*[reason(_WAITING[rule], f"{at}.parameters", name=name) for rule, name in waiting])
    return determination


def _waiting(determination: Determination) -> Iterator[tuple[str, str]]:
    """The parameters that lines wait for."""
    for step in map(StepView.of, determination.steps()):
        if step.rule in _WAITING:
            yield step.rule, str(step.values["name"])


def _check_wage(expected: Expected, got: Mapping[str, Any], facts_at: str) -> None:
    """Raises Invalid for a figure that rests on a wage nobody stated."""
    if any(got[name] is None and getattr(expected, name) is not None for name in named(expected) if name in _OWN_WAGE):
        raise Invalid(missing("insured.own_monthly_wage_fen", facts_at))


def figures(determination: Determination) -> dict[str, Any]:
    """The result by the names a case expects it by."""
    return {
        "outcome": determination.outcome,
        "reasons": determination.reasons,
        **determination.figures._asdict(),
    }
