"""What was decided is decided again from its own row: facts and scheme as stored, by the rules of that revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import orjson

from services.certification.model import Decision, Facts, Scheme
from services.certification.rules.deciding import decide
from services.certification.rules.schemes import from_content
from services.kit.law import canonical

REVISION: Final = "2026.1"

# When the rules change so that a stored decision would come out otherwise, the old ones are kept here, frozen.
REVISIONS: Final[Mapping[str, Callable[[Facts, Scheme], Decision]]] = {REVISION: decide}


def again(facts: str, content: str, revision: str) -> str:
    """Canonical facts and content of the scheme -> the canonical decision as it must have been stored."""
    rules = REVISIONS[revision]
    return canonical(rules(Facts.from_data(orjson.loads(facts)), from_content(content)).as_data())
