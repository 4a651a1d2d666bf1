"""Indicators and gates of one file of a scheme."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from services.certification.model import (
    Applies,
    Bound,
    Comparison,
    Condition,
    Dimension,
    Evidence,
    GateFact,
    Indicator,
    IndicatorKind,
    Measure,
    Over,
    Size,
    Source,
    Tier,
    Why,
    Zero,
)
from services.certification.rules.schemes import fields
from services.kit.law.page import Page, below
from services.kit.messages import reason

_COMMON: Final = (
    "id", *fields.WORDS, "formula", "applies", "not_applicable", "evidence", "source", "law", "law_status", "status",
)  # fmt: skip
_GATE: Final = ("fact", "reason", "must")
_SCORED: Final = ("points", "measure", "tiers")
_OPTIONAL: Final = ("nothing_unless", "not_applicable_below", "note")
_TESTS: Final = tuple(map(str, Comparison))
_MEASURE: Final = ("is", "value", "part", "of", "all", "times", "over", "zero", "share")
_ALL: Final = "ALL"


class Known(NamedTuple):
    """What the indicators of one file are, and what they may name."""

    kind: IndicatorKind
    dimension: Dimension | None
    laws: Collection[str]
    evidence: Collection[str]

    @property
    def prefix(self) -> str:
        return {IndicatorKind.GATE: "gate", IndicatorKind.BONUS: "bonus"}.get(self.kind, str(self.dimension))


def indicators(page: Page, known: Known) -> list[Indicator]:
    raw = page.mapping("", page.content, ("indicators",), ("indicators",)).get("indicators")
    if not isinstance(raw, list) or not raw:
        page.wrong("indicators", reason("LAW_NOT_LIST"))
        return []
    return [_indicator(page, f"indicators[{at}]", one, known) for at, one in enumerate(raw)]


def _indicator(page: Page, path: str, given: Any, known: Known) -> Indicator:
    gate = known.kind is IndicatorKind.GATE
    needed = (*_COMMON, *(_GATE if gate else _SCORED))
    raw = page.mapping(path, given, (*needed, *_OPTIONAL), needed)
    name = page.words(f"{path}.id", raw.get("id"))
    if not name.startswith(f"{known.prefix}."):
        page.wrong(f"{path}.id", reason("SCHEME_ID_ELSEWHERE", prefix=known.prefix))
    points = Decimal(0) if gate else fields.number(page, f"{path}.points", raw.get("points"))
    measure = Measure() if gate else _measure(page, f"{path}.measure", raw.get("measure"))
    return Indicator(
        name,
        known.kind,
        fields.words(page, path, raw),
        page.words(f"{path}.formula", raw.get("formula")),
        _applies(page, f"{path}.applies", raw.get("applies")),
        page.words(f"{path}.not_applicable", raw.get("not_applicable")),
        _evidence(page, f"{path}.evidence", raw.get("evidence"), known.evidence),
        fields.code(page, f"{path}.source", raw.get("source"), Source),
        fields.cited(page, f"{path}.law", raw.get("law"), known.laws),
        fields.status(page, f"{path}.law_status", raw.get("law_status")),
        fields.status(page, f"{path}.status", raw.get("status")),
        page.words(f"{path}.note", raw["note"]) if "note" in raw else "",
        known.dimension,
        points,
        measure,
        () if gate else _tiers(page, f"{path}.tiers", raw.get("tiers"), measure, points),
        _conditions(page, f"{path}.nothing_unless", raw.get("nothing_unless", [])),
        _below(page, f"{path}.not_applicable_below", raw.get("not_applicable_below", {})),
        _conditions(page, f"{path}.must", raw.get("must")) if gate else (),
        fields.code(page, f"{path}.fact", raw.get("fact"), GateFact) if gate else None,
        fields.code(page, f"{path}.reason", raw.get("reason"), Why) if gate else None,
    )


def _applies(page: Page, path: str, given: Any) -> Applies:
    raw = page.mapping(path, given, needed := ("sizes", "sectors", "women_min"), needed)
    sizes = [
        fields.code(page, f"{path}.sizes[{at}]", one, Size)
        for at, one in enumerate(fields.texts(page, f"{path}.sizes", raw.get("sizes")))
    ]
    sectors = () if raw.get("sectors") == _ALL else fields.texts(page, f"{path}.sectors", raw.get("sectors"))
    return Applies(frozenset(sizes), sectors, int(fields.number(page, f"{path}.women_min", raw.get("women_min"))))


def _evidence(page: Page, path: str, given: Any, known: Collection[str]) -> Evidence:
    raw = page.mapping(path, given, needed := ("kinds", "max"), needed)
    kinds = fields.texts(page, f"{path}.kinds", raw.get("kinds"))
    for at, one in enumerate(kinds):
        page.one_of(f"{path}.kinds[{at}]", one, known)
    return Evidence(kinds, int(fields.number(page, f"{path}.max", raw.get("max"))))


def _measure(page: Page, path: str, given: Any, more: tuple[str, ...] = ()) -> Measure:
    """One of: `is` a yes or no, a `value`, a `part` of something, or `all` of several."""
    raw = page.mapping(path, given, (*_MEASURE, *more))
    forms = [form for form in ("is", "value", "part", "all") if form in raw]
    if len(forms) != 1 or ("of" in raw) != ("part" in raw):
        page.wrong(path, reason("SCHEME_MEASURE"))
        return Measure()
    named = fields.one_or_more(page, f"{path}.{forms[0]}", raw[forms[0]])
    if forms[0] == "all":
        return Measure(together=named)
    return Measure(
        named,
        fields.one_or_more(page, f"{path}.of", raw["of"]) if "of" in raw else (),
        fields.number(page, f"{path}.times", raw["times"]) if "times" in raw else Decimal(1),
        fields.code(page, f"{path}.over", raw["over"], Over) if "over" in raw else None,
        fields.code(page, f"{path}.zero", raw["zero"], Zero) if "zero" in raw else Zero.NOT_APPLICABLE,
        forms[0] == "is",
        share="share" in raw and page.one_of(f"{path}.share", raw["share"], ("true",)) == "true",
    )


def _conditions(page: Page, path: str, given: Any) -> tuple[Condition, ...]:
    if not isinstance(given, list):
        page.wrong(path, reason("LAW_NOT_LIST"))
        return ()
    return tuple(_condition(page, f"{path}[{at}]", one) for at, one in enumerate(given))


def _condition(page: Page, path: str, given: Any) -> Condition:
    measure = _measure(page, path, given, (*_TESTS, "capped_by"))
    raw = given if isinstance(given, Mapping) else {}
    bound = _bound(page, path, raw)
    if measure.zero is Zero.NOT_APPLICABLE:  # a condition is met or not
        measure = measure._replace(zero=Zero.NOT_MET)
    return Condition(measure, bound, page.words(f"{path}.capped_by", raw["capped_by"]) if "capped_by" in raw else "")


def _bound(page: Page, path: str, raw: Mapping[str, Any]) -> Bound:
    tests = [name for name in _TESTS if name in raw]
    if len(tests) != 1:
        page.wrong(path, reason("SCHEME_BOUND", known=", ".join(_TESTS)))
        return Bound(Comparison.AT_LEAST, Decimal(0))
    return Bound(Comparison(tests[0]), fields.number(page, f"{path}.{tests[0]}", raw[tests[0]]))


def _tiers(page: Page, path: str, given: Any, measure: Measure, most: Decimal) -> tuple[Tier, ...]:
    """From the most points down: the first gives all that there are."""
    if not isinstance(given, list) or not given:
        page.wrong(path, reason("LAW_NOT_LIST"))
        return ()
    found = [_tier(page, f"{path}[{at}]", one, measure) for at, one in enumerate(given)]
    points = [tier.points for tier in found]
    if points != sorted(set(points), reverse=True) or points[0] != most:
        page.wrong(path, reason("SCHEME_TIERS", most=most))
    return tuple(found)


def _tier(page: Page, path: str, given: Any, measure: Measure) -> Tier:
    raw = page.mapping(path, given, ("is", *_TESTS, "points"), ("points",))
    points = fields.number(page, f"{path}.points", raw.get("points"))
    if measure.flag:
        page.one_of(f"{path}.is", raw.get("is"), ("true",))
        return Tier((Bound(Comparison.AT_LEAST, Decimal(1)),), points)
    if not measure.together:
        return Tier((_bound(page, path, raw),), points)
    asked = page.mapping(
        below(path, "at_least"), raw.get(Comparison.AT_LEAST.value), measure.together, measure.together
    )
    return Tier(
        tuple(
            Bound(Comparison.AT_LEAST, _figure(page, f"{path}.at_least.{name}", asked.get(name)), name)
            for name in measure.together
        ),
        points,
    )


def _figure(page: Page, path: str, given: Any) -> Decimal:
    """A number, or yes as 1 and no as 0."""
    flags = {"true": Decimal(1), "false": Decimal(0)}
    return flags[given] if isinstance(given, str) and given in flags else fields.number(page, path, given)


def _below(page: Page, path: str, given: Any) -> tuple[tuple[str, Decimal], ...]:
    raw = page.mapping(path, given)
    return tuple((name, fields.number(page, below(path, name), one)) for name, one in raw.items())
