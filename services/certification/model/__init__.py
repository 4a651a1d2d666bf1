"""The words of certification, in the order in which one reads them.

- `codes`: code sets.
- `scheme`: a version of the scheme: indicators, figures, texts.
- `facts`: what a decision rests on: employer, gates, score sheets.
- `decision`: outcome, reasons, score, trace.
- `moves`: the states of applications and certificates.
- `application`, `life`: what has happened to one of them.
- `filed`, `certificate`: an application and a certificate on file, and what hangs on them.
"""

from services.certification.model.application import NOT_ON_FILE, Application
from services.certification.model.certificate import Certificate, Fact, Proposed, Report, Told
from services.certification.model.codes import (
    Admission,
    Comparison,
    Dimension,
    GateFact,
    Happening,
    IndicatorKind,
    Kind,
    Outcome,
    Over,
    Reminding,
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
from services.certification.model.life import Change, Life, Reminder, Renewal, Span, Standing, Suspended
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
    "Certificate",
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
    "Fact",
    "Facts",
    "Figures",
    "Filed",
    "GateFact",
    "Happening",
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
    "Proposed",
    "Reminder",
    "Reminding",
    "Renewal",
    "Report",
    "Scheme",
    "Sheet",
    "Size",
    "Source",
    "Span",
    "Standing",
    "State",
    "Stated",
    "Step",
    "StepView",
    "Suspended",
    "Suspension",
    "Tier",
    "Told",
    "Veto",
    "Visit",
    "Why",
    "Words",
    "Zero",
    "refusal",
]
