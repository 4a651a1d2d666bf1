"""A step of a trace (依据链): what a decision did, and what that rests on.

As it is stored: the rule and its values, then either the article it rests on, or the parameter with its value, since
when, and how sure. It is made into words on reading. A plain tuple: JSON takes it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Step = tuple[Any, ...]


class StepView(NamedTuple):
    """A step with its parts named."""

    rule: str
    values: Mapping[str, Any]
    parameter: str = ""
    value: str = ""
    since: str = ""
    status: str = ""
    article: str = ""

    @classmethod
    def of(cls, step: Step) -> StepView:
        rule, values, *rest = step
        return cls(rule, values, *rest) if len(rest) > 1 else cls(rule, values, article=rest[0])
