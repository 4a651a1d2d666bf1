"""An application decided: gates, score, floor, threshold; every reason is told, not only the first."""

from __future__ import annotations

from typing import Final, NamedTuple

from services.certification.model import Decision, Dimension, Employer, Facts, Kind, Outcome, Scheme, Sheet, Size, Why
from services.certification.rules import gates, scoring
from services.certification.rules.measuring import Impossible
from services.certification.rules.possible import problems
from services.certification.rules.scoring import Score
from services.certification.rules.working import Working

_THRESHOLD: Final = {
    (kind, size): f"threshold.{kind.lower()}.{size.lower()}" for kind in Kind for size in Size
}  # fmt: skip
_ASSESSORS: Final = 2


def decide(facts: Facts, scheme: Scheme) -> Decision:
    """Decide one application under one version. Raises FactMissing for a gate that nobody has looked up.

    What cannot be is an ERROR; what a person must look at is a REVIEW.
    """
    working = Working(scheme)
    if impossible := problems(facts, scheme):
        working.cite("OUT_OF_RANGE", (), fields=", ".join(impossible))
        return Decision(Outcome.ERROR, (Why.FACT_OUT_OF_RANGE,), trace=tuple(working.steps))
    reasons = gates.failed(facts, working)
    settled = _settled(facts, working)
    if isinstance(settled, Why):
        outcome = Outcome.ERROR if settled is Why.FACT_OUT_OF_RANGE else Outcome.REVIEW
        return Decision(outcome, (settled,), trace=tuple(working.steps))
    reasons += _short(facts, settled, working)
    outcome = Outcome.DECLINED if reasons else Outcome.AWARDED
    if set(settled.mostly_not_applicable) - set(facts.accepted):
        outcome, reasons = Outcome.REVIEW, (*reasons, Why.DIMENSION_MOSTLY_NOT_APPLICABLE)
    working.cite(outcome, ())
    return Decision(outcome, reasons, settled.total, settled.dimensions, settled.bonus, tuple(working.steps))


def foreseen(sheet: Sheet, employer: Employer, kind: Kind, scheme: Scheme) -> Decision:
    """What it would be by one sheet, if every gate were passed and the assessors saw it so."""
    working, facts = Working(scheme), Facts(employer, (), kind, sheets=(sheet,))
    impossible = problems(facts, scheme)
    try:
        score = None if impossible else scoring.of_sheet(sheet, employer, working)
    except Impossible as error:
        impossible, score = [str(error)], None
    if score is None:
        working.cite("OUT_OF_RANGE", (), fields=", ".join(impossible))
        return Decision(Outcome.ERROR, (Why.FACT_OUT_OF_RANGE,), trace=tuple(working.steps))
    reasons = _short(facts, score, working)
    outcome = Outcome.DECLINED if reasons else Outcome.AWARDED
    if score.mostly_not_applicable:
        outcome, reasons = Outcome.REVIEW, (*reasons, Why.DIMENSION_MOSTLY_NOT_APPLICABLE)
    return Decision(outcome, reasons, score.total, score.dimensions, score.bonus, tuple(working.steps))


def _short(facts: Facts, score: Score, working: Working) -> tuple[Why, ...]:
    """Why the points are not enough. Both are judged on the rounded figures."""
    reasons: list[Why] = []
    for dimension, points in zip(Dimension, score.dimensions, strict=True):
        reason = working.scheme.dimensions[dimension].floor_reason
        if (
            reason
            and points < working.by("FLOOR", f"floor.{dimension}", dimension=dimension, points=str(points)).number
        ):
            reasons.append(reason)
    threshold = _THRESHOLD[facts.kind, facts.employer.size]
    if score.total < working.by("THRESHOLD", threshold, points=str(score.total)).number:
        reasons.append(Why.SCORE_BELOW_THRESHOLD)
    return tuple(reasons)


class _Scored(NamedTuple):
    score: Score
    passes: bool
    working: Working


def _settled(facts: Facts, working: Working) -> Score | Why:
    """The score that counts: of the second of two who agree, else the middle one of three."""
    if facts.points is not None:
        return scoring.of_points(facts.points, facts.employer, working)
    if len({sheet.assessor for sheet in facts.sheets}) < _ASSESSORS:
        return Why.SECOND_ASSESSOR_MISSING
    try:
        scored = [_one(facts, number, working.scheme) for number in range(len(facts.sheets))]
    except Impossible as error:
        working.cite("OUT_OF_RANGE", (), fields=str(error))
        return Why.FACT_OUT_OF_RANGE
    first, second = scored[:2]
    counted = second
    gap = working.by(
        "ASSESSORS", "assessors.gap_above", first=str(first.score.total), second=str(second.score.total)
    ).number
    if abs(first.score.total - second.score.total) > gap or first.passes is not second.passes:
        if len(scored) == _ASSESSORS:
            return Why.THIRD_ASSESSOR_NEEDED
        counted = sorted(scored[:3], key=lambda one: one.score.total)[1]
        working.cite("MEDIAN", (), points=str(counted.score.total))
    working.steps += counted.working.steps
    return counted.score


def _one(facts: Facts, number: int, scheme: Scheme) -> _Scored:
    """One sheet by itself: its score, and whether it would pass."""
    working = Working(scheme)
    score = scoring.of_sheet(facts.sheets[number], facts.employer, working)
    return _Scored(score, not _short(facts, score, Working(scheme)), working)
