"""The rules of claims, in the order a claim meets them.

- `intake`: what a submission is to the claim on file: new, a correction, the same again, or to be returned.
- `allowance`: the maternity allowance of an insured employee for a delivery, with the leave it pays for.

`LAW` is the law as shipped; `REVISION` names these rules and is stored with every determination.
"""

from pathlib import Path
from typing import Final

from services.claims.rules.allowance import decide
from services.claims.rules.intake import ACCEPTED, REPEATED, Standing, standing
from services.kit import law

REVISION: Final = "2026.1"
LAW: Final = law.load(Path(__file__).parent.parent / "parameters")

__all__ = ["ACCEPTED", "LAW", "REPEATED", "REVISION", "Standing", "decide", "standing"]
