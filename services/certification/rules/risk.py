"""How much there is to look into: what orders the tasks that are due on one day. It decides nothing."""

from __future__ import annotations

from typing import Final

from services.certification.model import Decision, Employer, Kind, Outcome, Scheme, Source, StepView

_NEAR: Final = 100  # above any number of criteria
_STATED: Final = frozenset({"CRITERION_MET", "CRITERION_PARTLY_MET"})


def of(foreseen: Decision, employer: Employer, kind: Kind, scheme: Scheme) -> int:
    """A point for each criterion that is met by the applicant's word alone, and a hundred where a few points decide."""
    by_id = {one.id: one for one in scheme.indicators}
    stated = sum(
        by_id[view.values["indicator"]].source is Source.APPLICANT
        for view in map(StepView.of, foreseen.trace)
        if view.rule in _STATED
    )
    return stated + (_NEAR if _is_near(foreseen, employer, kind, scheme) else 0)


def _is_near(foreseen: Decision, employer: Employer, kind: Kind, scheme: Scheme) -> bool:
    """Within what two assessors may differ by, or for a person to look at anyway."""
    if foreseen.score is None or foreseen.outcome is Outcome.REVIEW:
        return True
    threshold = scheme.figures[f"threshold.{kind.lower()}.{employer.size.lower()}"].number
    return abs(foreseen.score - threshold) <= scheme.figures["assessors.gap_above"].number
