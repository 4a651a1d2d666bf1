"""Every revision of the rules that ever decided a claim. A determination is decided again by its own, for ever.

When the rules change so that a stored determination would come out otherwise, copy what it needs of them into a module
of its own, frozen, name it here, and raise `REVISION`. Nothing here is ever taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from services.claims.model import Determination, Facts
from services.claims.rules.deciding import decide
from services.claims.rules.history import r2026_1
from services.kit.law import Law, canonical


class Revision(NamedTuple):
    """`again`: facts as stored, and their law -> the result as it must have been stored.

    `lift_facts`, `lift_result`: what was stored, as data -> today's shape.
    """

    again: Callable[[str, Law], str]
    lift_facts: Callable[[Mapping[str, Any]], Facts]
    lift_result: Callable[[Mapping[str, Any]], Determination]


def _today(facts: str, law: Law) -> str:
    return canonical(decide(Facts.from_data(orjson.loads(facts)), law).as_data())


REVISIONS: Final[Mapping[str, Revision]] = {
    "2026.1": Revision(r2026_1.again, r2026_1.lift_facts, r2026_1.lift_result),
    "2026.2": Revision(_today, Facts.from_data, Determination.from_data),
}
