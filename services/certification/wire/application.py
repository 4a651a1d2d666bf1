"""What is stated in an application, read; states and decisions as protobuf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from cradle.certification.v1 import application_pb2 as pb

from services.certification.model import (
    Answer,
    Decision,
    Dimension,
    Employer,
    Kind,
    Outcome,
    Scheme,
    Sheet,
    State,
    StepView,
)
from services.certification.rules.scoring import size_of
from services.certification.wire.scheme import DIMENSIONS, evidence
from services.kit.errors import Invalid
from services.kit.messages import Reason, reason
from services.kit.reasons import reason_message

STATES: Final = {one: pb.ApplicationState.Value(f"APPLICATION_STATE_{one}") for one in State}
KINDS: Final = {one: pb.ApplicationKind.Value(f"APPLICATION_KIND_{one}") for one in Kind}
_OUTCOMES: Final = {one: pb.DecisionOutcome.Value(f"DECISION_OUTCOME_{one}") for one in Outcome}
_STANDINGS: Final = {
    "CRITERION_MET": pb.CRITERION_STANDING_MET,
    "CRITERION_PARTLY_MET": pb.CRITERION_STANDING_PARTLY_MET,
    "CRITERION_NOT_MET": pb.CRITERION_STANDING_NOT_MET,
    "CRITERION_CONDITION": pb.CRITERION_STANDING_NOT_MET,
    "CRITERION_NOT_SHOWN": pb.CRITERION_STANDING_NOT_SHOWN,
    "CRITERION_NOT_APPLICABLE": pb.CRITERION_STANDING_NOT_APPLICABLE,
    "CRITERION_NOT_FOR": pb.CRITERION_STANDING_NOT_APPLICABLE,
}
_IN_FULL: Final = {pb.CRITERION_STANDING_MET, pb.CRITERION_STANDING_NOT_APPLICABLE}

# --- what is stated ---------------------------------------------------------------------------------------------------


def kind(given: pb.ApplicationKind.ValueType) -> Kind:
    """Raises Invalid for none: a masked field is looked at by nobody before."""
    for one, number in KINDS.items():
        if number == given:
            return one
    raise Invalid(reason("CODE_UNKNOWN" if given else "FIELD_REQUIRED", "kind"))


def employer(given: pb.EmployerFacts, scheme: Scheme) -> Employer:
    """With the size that goes by its staff. Raises Invalid."""
    if unsaid := [name for name in ("staff", "sector") if not getattr(given, name)]:
        raise Invalid(*[reason("FIELD_REQUIRED", f"employer.{name}") for name in unsaid])
    if given.women > given.staff:
        raise Invalid(reason("FIELD_OUT_OF_RANGE", "employer.women", bounds=f"≤ {given.staff}"))
    return Employer(size_of(scheme, given.staff), given.staff, given.women, given.sector)


def sheet(assessor: str, given: Iterable[pb.Answer], scheme: Scheme) -> Sheet:
    """The answers as a sheet. Raises Invalid for each that the scheme does not ask for, or that comes twice."""
    answers = list(given)
    if wrong := list(_problems(answers, scheme)):
        raise Invalid(*wrong)
    return Sheet(assessor, tuple(map(_answer, answers)))


def _answer(given: pb.Answer) -> Answer:
    quantities = {one.name: tuple(map(Decimal, one.figures)) for one in given.quantities}
    return Answer(given.criterion, tuple(sorted(quantities.items())))


def _problems(answers: list[pb.Answer], scheme: Scheme) -> Iterator[Reason]:
    by_id = {one.id: one for one in scheme.indicators}
    count = Counter(one.criterion for one in answers)
    for number, one in enumerate(answers):
        path = f"answers[{number}]"
        if one.criterion not in by_id:
            yield reason("CRITERION_UNKNOWN", f"{path}.criterion")
            continue
        if count[one.criterion] > 1:
            yield reason("CRITERION_TWICE", f"{path}.criterion")
        known, named = by_id[one.criterion].quantities(), Counter(quantity.name for quantity in one.quantities)
        for place, quantity in enumerate(one.quantities):
            if quantity.name not in known or named[quantity.name] > 1:
                yield reason("QUANTITY_UNKNOWN", f"{path}.quantities[{place}].name", known=", ".join(known))


# --- what is answered -------------------------------------------------------------------------------------------------


def decision(given: Decision, scheme: Scheme) -> pb.Decision:
    """With every criterion that was scored; what shows it is named where it is not met in full."""
    return pb.Decision(
        outcome=_OUTCOMES[given.outcome],
        reasons=[reason_message(reason(why)) for why in given.reasons],
        score="" if given.score is None else str(given.score),
        bonus="" if given.score is None else str(given.bonus),
        dimensions=[
            pb.DimensionScore(
                dimension=DIMENSIONS[one], points=str(points), max_points=str(scheme.dimensions[one].most)
            )
            for one, points in zip(Dimension, given.dimensions, strict=False)
        ],
        criteria=list(_criteria(given, scheme)),
    )


def _criteria(given: Decision, scheme: Scheme) -> Iterator[pb.CriterionScore]:
    by_id = {one.id: one for one in scheme.indicators}
    for view in map(StepView.of, given.trace):
        if view.rule not in _STANDINGS:
            continue
        found = pb.CriterionScore(
            criterion=view.values["indicator"],
            standing=_STANDINGS[view.rule],
            points=view.values["points"],
            max_points=view.values["most"],
            figure=view.values["figure"],
        )
        if found.standing not in _IN_FULL:
            found.evidence.extend(evidence(by_id[found.criterion], scheme))
        yield found
