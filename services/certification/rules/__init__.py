"""The rules of certification, in the order an application meets them.

- `schemes`: the scheme as data, its versions, and which one an application goes by.
- `periods`: which months are assessed; transition and small numbers.
- `admission`: who may apply, and as what.
- `applications`, `clocks`: what may be done with an application, and by when.
- `gates`: what must be so whatever the points.
- `measuring`, `scoring`: quantities become figures, figures points, points a score.
- `possible`: facts that cannot be.
- `deciding`: award or decline, with every reason.
- `life`: a certificate after its award, as of any day.
- `again`: what was decided is decided again, byte for byte.

`SCHEMES` are the versions as shipped; `REVISION` names these rules and is stored with every decision.
"""

from pathlib import Path
from typing import Final

from services.certification.rules import admission, applications, clocks, gates, life, periods, schemes, scoring
from services.certification.rules.again import REVISION, again
from services.certification.rules.deciding import decide
from services.certification.rules.life import standing
from services.certification.rules.possible import problems_of_life
from services.certification.rules.working import FactMissing

SCHEMES: Final = schemes.versions(Path(__file__).parent.parent / "schemes")
LATEST: Final = SCHEMES[max(SCHEMES)]

__all__ = [
    "LATEST",
    "REVISION",
    "SCHEMES",
    "FactMissing",
    "admission",
    "again",
    "applications",
    "clocks",
    "decide",
    "gates",
    "life",
    "periods",
    "problems_of_life",
    "schemes",
    "scoring",
    "standing",
]
