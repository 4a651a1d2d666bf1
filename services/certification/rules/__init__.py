"""The rules of certification, in the order an application meets them.

- `schemes`: the scheme as data, its versions, and which one an application goes by.
- `periods`: which months are assessed; transition and small numbers.
- `admission`: who may apply, and as what.
- `applications`, `clocks`: what may be done with an application, and by when.
- `gates`: what must be so whatever the points.
- `measuring`, `scoring`: quantities become figures, figures points, points a score.
- `possible`: facts that cannot be.
- `deciding`: award or decline, with every reason.
- `happened`, `life`: a certificate after its award, as of any day.
- `again`: what was decided is decided again, byte for byte.

`shipped` are the versions of this release; `REVISION` names these rules and is stored with every decision.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from services.certification.model import Scheme
from services.certification.rules import admission, applications, clocks, gates, life, periods, schemes, scoring
from services.certification.rules.again import REVISION, again
from services.certification.rules.deciding import decide, foreseen
from services.certification.rules.life import standing
from services.certification.rules.possible import problems_of_life
from services.certification.rules.working import FactMissing

_FOLDER: Final = Path(__file__).parent.parent / "schemes"

__all__ = [
    "REVISION",
    "FactMissing",
    "Versions",
    "admission",
    "again",
    "applications",
    "clocks",
    "decide",
    "foreseen",
    "gates",
    "latest",
    "life",
    "periods",
    "problems_of_life",
    "schemes",
    "scoring",
    "shipped",
    "standing",
    "versions",
]


@cache
def shipped() -> Mapping[int, Scheme]:
    """Every version by number, read once. Raises ParameterError."""
    return schemes.versions(_FOLDER)


Versions = Mapping[int, Scheme]


def versions(own: Path | None) -> Versions:
    """The versions shipped, with the city's own over and beside them. Raises ParameterError."""
    return shipped() if own is None else {**shipped(), **schemes.versions(own)}


def latest() -> Scheme:
    return shipped()[max(shipped())]
