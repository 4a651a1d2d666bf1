"""The words of certification, in the order in which one reads them.

- `codes`: code sets.
- `scheme`: a version of the scheme: indicators, figures, texts.
- `facts`: what a decision rests on: employer, gates, score sheets.
- `decision`: outcome, reasons, score, trace.
- `moves`: the states of applications and certificates.
- `application`, `life`: what has happened to one of them.
- `filed`: an application on file, and what hangs on it.
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
from services.certification.model.filed import Asked, Employment, Filed, Looked, Objected, Place, Stated, Visit
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
    "Asked",
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
    "Employment",
    "Event",
    "Evidence",
    "Facts",
    "Figures",
    "Filed",
    "GateFact",
    "Indicator",
    "IndicatorKind",
    "Kind",
    "Life",
    "Looked",
    "Measure",
    "Move",
    "Objected",
    "Outcome",
    "Over",
    "Place",
    "Points",
    "Renewal",
    "Scheme",
    "Sheet",
    "Size",
    "Source",
    "Standing",
    "State",
    "Stated",
    "Step",
    "StepView",
    "Suspended",
    "Suspension",
    "Tier",
    "Veto",
    "Visit",
    "Why",
    "Words",
    "Zero",
    "refusal",
]
