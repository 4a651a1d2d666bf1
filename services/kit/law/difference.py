"""What one law says otherwise than another, parameter by parameter and date by date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal, NamedTuple

from services.kit.law.compiled import Law
from services.kit.law.model import Dated, Parameter
from services.kit.law.values import text_of

Aspect = Literal["value", "status", "citation", "description", "unit", "key_date", "mandatory", "codes"]
Change = Literal["added", "removed", "changed"]


class Difference(NamedTuple):
    """`since` is the date of the value; None where the parameter itself differs, on whatever date."""

    name: str
    unit: str
    since: date | None
    change: Change
    aspect: Aspect
    before: str = ""
    after: str = ""


def differences(base: Law, draft: Law) -> list[Difference]:
    """Every difference; none where both are the same law."""
    return [one for name in sorted({*base.parameters, *draft.parameters}) for one in _of(name, base, draft)]


def _of(name: str, base: Law, draft: Law) -> Iterator[Difference]:
    before, after = base.parameters.get(name), draft.parameters.get(name)
    if before and after:
        old, new = _aspects(before), _aspects(after)
        for aspect in old:
            if old[aspect] != new[aspect]:
                yield Difference(name, after.unit, None, "changed", aspect, old[aspect], new[aspect])
    yield from _by_date(name, before, after)


def _by_date(name: str, before: Parameter | None, after: Parameter | None) -> Iterator[Difference]:
    old = {dated.since: dated for dated in before.values} if before else {}
    new = {dated.since: dated for dated in after.values} if after else {}
    unit = after.unit if after else before.unit if before else ""
    for since in sorted({*old, *new}):
        if since not in new:
            yield Difference(name, unit, since, "removed", "value", before=text_of(old[since].value))
        elif since not in old:
            yield Difference(name, unit, since, "added", "value", after=text_of(new[since].value))
        else:
            was, becomes = _dated_aspects(old[since]), _dated_aspects(new[since])
            for aspect in was:
                if was[aspect] != becomes[aspect]:
                    yield Difference(name, unit, since, "changed", aspect, was[aspect], becomes[aspect])


def _aspects(parameter: Parameter) -> dict[Aspect, str]:
    return {
        "description": parameter.description,
        "unit": parameter.unit,
        "key_date": parameter.key_date,
        "mandatory": text_of(parameter.mandatory),
        "codes": ", ".join(parameter.codes or ()),
    }


def _dated_aspects(dated: Dated) -> dict[Aspect, str]:
    cited = [f"{one.title} / {one.title_en} {one.href}".strip() for one in dated.citations]
    return {"value": text_of(dated.value), "status": dated.status, "citation": "; ".join(cited)}
