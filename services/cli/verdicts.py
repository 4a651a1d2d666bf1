"""Worked cases judged: each decided by the shipped rules under its own parameters, and compared with what it expects.

A parameter the authority has yet to set is unset unless the case gives it, so that no case passes by a placeholder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Final

from services.claims import rules
from services.claims.model import Determination, Facts, Payee, State, StepView
from services.claims.wire import facts as wire
from services.claims.wire.scalars import Day, Fen, Text, Whole, code
from services.kit.errors import Invalid
from services.kit.law import Law, NotInForce, ParameterError, Unset
from services.kit.law.page import Page
from services.kit.messages import Reason, reason

SERVICES: Final = ("claims", "certification", "nursery")
BUILT: Final = "claims"
KEPT: Final = frozenset({"medical.resident.delivery.mode", "allowance.divisor", "duplicate.window_days"})
_KEYS: Final = ("name", "ref", "law", "parameters", "facts", "expect")
_NEEDED: Final = ("name", "facts", "expect")
_WAITING: Final = {"PARAMETER_UNSET": "CASE_PARAMETER_UNSET", "PARAMETER_NOT_IN_FORCE": "CASE_PARAMETER_NOT_IN_FORCE"}
_OWN_WAGE: Final = frozenset({"employer_topup_fen", "employer_leave_fen", "employer_liability_fen"})


class Expected(wire.Given):
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
class Difference:
    name: str
    expected: Any
    got: Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problems` are why it could not be decided or compared; `cases` is how many it stands for."""

    file: str
    line: int
    name: str
    ref: str = ""
    differences: tuple[Difference, ...] = ()
    problems: tuple[tuple[int, Reason], ...] = ()
    determination: Determination | None = None
    facts: Facts | None = None
    law: Law | None = None
    cases: int = 1

    @property
    def status(self) -> str:
        return "ERROR" if self.problems else "FAIL" if self.differences else "ok"


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
        wrong = [Reason(one.code, wire.path_text([one.field], at), one.values) for one in error.problems]
        raise Invalid(*wrong) from None


def judge(page: Page, laws: Laws) -> list[Verdict]:
    """Every case of one file. Raises Invalid for a file that holds no cases."""
    content = page.content if isinstance(page.content, Mapping) else {}
    service, cases = content.get("service"), content.get("cases")
    wrong = [reason("CASE_KEY_UNKNOWN", name, known="service, cases") for name in content.keys() - {"service", "cases"}]
    if service not in SERVICES:
        wrong.append(reason("CASES_SERVICE_UNKNOWN", "service", known=", ".join(SERVICES)))
    if not isinstance(cases, list) or not cases:
        wrong.append(reason("CASES_NONE", "cases"))
    if wrong or not isinstance(cases, list):
        raise Invalid(*wrong)
    if service != BUILT:
        problem = (page.line("service"), reason("CASES_SERVICE_NOT_BUILT", "service", service=service))
        return [Verdict(page.file, problem[0], str(service), problems=(problem,), cases=len(cases))]
    return [_judged(page, case, f"cases[{number}]", laws) for number, case in enumerate(cases)]


def _judged(page: Page, raw: object, at: str, laws: Laws) -> Verdict:
    case = raw if isinstance(raw, Mapping) else {}
    line, name, ref = page.line(at), _said(case.get("name")), _said(case.get("ref"))
    try:
        _check_keys(raw, at)
        facts = wire.read(case["facts"], f"{at}.facts")
        expected = wire.fitted(Expected, case["expect"], f"{at}.expect")
        law = laws.given(texts(case.get("parameters"), f"{at}.parameters"), f"{at}.parameters")
        determination = _decided(facts, law, at)
        differences = tuple(_differences(expected, determination, f"{at}.facts"))
    except Invalid as error:
        problems = tuple((page.line(given.field), _inside(given, at)) for given in error.reasons)
        return Verdict(page.file, line, name, ref, problems=problems)
    return Verdict(page.file, line, name, ref, differences, (), determination, facts, law)


def _decided(facts: Facts, law: Law, at: str) -> Determination:
    """The determination. Raises Invalid where a fact or a parameter it needs was not given."""
    try:
        determination = rules.decide(facts, law)
    except rules.FactMissing as error:
        raise Invalid(wire.missing(error.path, f"{at}.facts")) from None
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


def texts(given: object, at: str) -> dict[str, str]:
    """Parameters as texts: a list by commas, nothing as null. Raises Invalid."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise Invalid(reason("FACT_NOT_MAPPING", at))
    return {name: _as_one(value) for name, value in given.items()}


def _as_one(value: object) -> str:
    if value is None:
        return "null"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _check_keys(raw: object, at: str) -> None:
    if not isinstance(raw, Mapping):
        raise Invalid(reason("FACT_NOT_MAPPING", at))
    wrong = [
        reason("CASE_KEY_UNKNOWN", wire.path_text([name], at), known=", ".join(_KEYS))
        for name in raw
        if name not in _KEYS
    ]
    wrong += [reason("CASE_KEY_MISSING", f"{at}.{name}") for name in _NEEDED if not raw.get(name)]
    if wrong:
        raise Invalid(*wrong)


def _differences(expected: Expected, determination: Determination, facts_at: str) -> Iterable[Difference]:
    """The expected fields that are not so. Raises Invalid for a figure that rests on a wage nobody stated."""
    got = figures(determination)
    named = [name for name in Expected.model_fields if name in expected.model_fields_set]
    if any(got[name] is None and getattr(expected, name) is not None for name in named if name in _OWN_WAGE):
        raise Invalid(wire.missing("insured.own_monthly_wage_fen", facts_at))
    for name in named:
        wanted = getattr(expected, name)
        if name == "reasons":
            wanted = wanted or ()
            same = set(wanted) == set(got[name])
        else:
            same = wanted == got[name]
        if not same:
            yield Difference(name, as_text(wanted), as_text(got[name]))


def figures(determination: Determination) -> dict[str, Any]:
    """The result by the names a case expects it by."""
    return {
        "outcome": determination.outcome,
        "reasons": determination.reasons,
        **determination.figures._asdict(),
    }


def as_text(value: Any) -> Any:
    """A value as JSON takes it and a case writes it."""
    match value:
        case date():
            return value.isoformat()
        case tuple():
            return sorted(map(str, value))
        case _:
            return value


def _inside(given: Reason, at: str) -> Reason:
    """The reason by its path inside the case."""
    return Reason(given.code, given.field.removeprefix(at).removeprefix("."), given.values)


def _said(value: object) -> str:
    """On one line, for it stands in one; half a character of JSON is none."""
    return " ".join(value.encode("utf-8", "replace").decode().split()) if isinstance(value, str) else ""
