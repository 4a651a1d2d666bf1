"""The words of certification, in the order in which one reads them.

- `codes`: code sets.
- `scheme`: a version of the scheme: indicators, figures, texts.
- `facts`: what a decision rests on: employer, gates, score sheets.
- `decision`: outcome, reasons, score, trace.
- `moves`: the states of applications and certificates.
- `application`, `life`: what has happened to one of them.
"""

from services.certification.model.application import NOT_ON_FILE, Application
from services.certification.model.codes import (
    Admission,
    Comparison,
    Dimension,
    GateFact,
    IndicatorKind,
    Kind,
    Outcome,
    Over,
    Size,
    Source,
    Suspension,
    Veto,
    Why,
    Zero,
)
from services.certification.model.decision import Decision
from services.certification.model.facts import Answer, Employer, Facts, Figures, Points, Sheet
from services.certification.model.life import Change, Life, Renewal, Standing, Suspended
from services.certification.model.moves import CertificateMove, CertificateState, Move, State, refusal
from services.certification.model.scheme import (
    OF_THE_EMPLOYER,
    Applies,
    Bound,
    Cited,
    Condition,
    DimensionOf,
    Event,
    Evidence,
    Indicator,
    Measure,
    Scheme,
    Tier,
    Words,
)
from services.kit.trace import Step, StepView

__all__ = [
    "NOT_ON_FILE",
    "OF_THE_EMPLOYER",
    "Admission",
    "Answer",
    "Application",
    "Applies",
    "Bound",
    "CertificateMove",
    "CertificateState",
    "Change",
    "Cited",
    "Comparison",
    "Condition",
    "Decision",
    "Dimension",
    "DimensionOf",
    "Employer",
    "Event",
    "Evidence",
    "Facts",
    "Figures",
    "GateFact",
    "Indicator",
    "IndicatorKind",
    "Kind",
    "Life",
    "Measure",
    "Move",
    "Outcome",
    "Over",
    "Points",
    "Renewal",
    "Scheme",
    "Sheet",
    "Size",
    "Source",
    "Standing",
    "State",
    "Step",
    "StepView",
    "Suspended",
    "Suspension",
    "Tier",
    "Veto",
    "Why",
    "Words",
    "Zero",
    "refusal",
]
