"""The rules of claims, in the order a claim meets them.

- `intake`: what a submission is to the claim on file: new, a correction, the same again, or to be returned.
- `deciding`: the claim decided: its lines, its figures, its outcome.
- `possible`: facts that cannot be.
- `leave`: how many days, who pays them, until when.
- `contributions`: continuity, with gaps and back payments.
- `allowance`: who has one, on which base, for how many days, paid to whom.
- `employer`: what her employer owes beside the fund.
- `medical`: inpatient stays by mode, family-planning surgery, catastrophic insurance.
- `items`: antenatal visits, labour analgesia, assisted reproduction.
- `duplicates`: nobody is paid twice for one event.
- `holding`: what is on file about her, as facts of the next claim; what a decided claim adds to it.
- `waiting`: what a claim waits for before it can be decided.
- `again`: whether a claim decided again on other coverage is better or worse for her.
- `appealing`: until when an appeal may be filed, by when it is decided, and what may not come of it.
- `redetermining`: what another law makes of a claim: more, less, or the same.
- `paying`: what is ordered for each line, out of which fund, and how far it is paid.
- `calculators`: parental leave and the child-care allowance.

`LAW` is the law as shipped; `REVISION` names these rules and is stored with every determination.
"""

from datetime import date
from pathlib import Path
from typing import Final

from services.claims.rules import appealing, paying, redetermining, review, reviewed
from services.claims.rules.again import BETTER, SAME, WORSE, compared, is_partly_worse
from services.claims.rules.deciding import decide
from services.claims.rules.holding import History, costs_of, has_room, held_by, history_of, taken_by, with_history
from services.claims.rules.intake import ACCEPTED, REPEATED, Standing, standing, standing_of_void
from services.claims.rules.waiting import AWAITING, waits_after, waits_before
from services.claims.rules.working import FactMissing
from services.kit import law

REVISION: Final = "2026.2"
LAW: Final = law.load(Path(__file__).parent.parent / "parameters")

__all__ = [
    "ACCEPTED",
    "AWAITING",
    "BETTER",
    "LAW",
    "REPEATED",
    "REVISION",
    "SAME",
    "WORSE",
    "FactMissing",
    "History",
    "Standing",
    "appealing",
    "compared",
    "costs_of",
    "decide",
    "first_day",
    "has_room",
    "held_by",
    "history_of",
    "is_partly_worse",
    "paying",
    "redetermining",
    "review",
    "reviewed",
    "standing",
    "standing_of_void",
    "taken_by",
    "waits_after",
    "waits_before",
    "with_history",
]


def first_day(effective: law.Law) -> date:
    """From here on the law can decide an allowance; what lies before is handled by hand."""
    return effective.first_day("leave.", "allowance.", "duplicate.", "payee.")
