"""A version of the scheme (认证方案): indicators, figures, texts. `rules/schemes` reads it from its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from services.certification.model.codes import (
    Admission,
    Comparison,
    Dimension,
    GateFact,
    IndicatorKind,
    Over,
    Size,
    Source,
    Suspension,
    Veto,
    Why,
    Zero,
)
from services.kit.law import Dated, Status
from services.kit.messages import Language


class Words(NamedTuple):
    zh: str
    en: str

    def said(self, language: Language) -> str:
        return self.zh if language is Language.ZH else self.en


class Cited(NamedTuple):
    """A law as the scheme cites it, and how sure its text is."""

    words: Words
    status: Status


class Bound(NamedTuple):
    """A figure that must be reached. `name` is empty where a measure has one figure only."""

    test: Comparison
    value: Decimal
    name: str = ""


class Tier(NamedTuple):
    """What it takes, and the points it gives."""

    bounds: tuple[Bound, ...]
    points: Decimal


class Measure(NamedTuple):
    """How quantities become one figure: product of `part` by product of `of`, times `times`; or several as they are.

    `flag`: yes or no. `together`: a tier asks for each of them. `share`: a part that cannot be more than its whole.
    """

    part: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    times: Decimal = Decimal(1)
    over: Over | None = None
    zero: Zero = Zero.NOT_APPLICABLE
    flag: bool = False
    together: tuple[str, ...] = ()
    share: bool = False


NOTHING_MEASURED: Final = Measure()


class Condition(NamedTuple):
    """A figure that must be so, or there are no points. `capped_by`: no more than that quantity is asked for."""

    measure: Measure
    bound: Bound
    capped_by: str = ""


class Applies(NamedTuple):
    """To whom an indicator applies. `sectors` empty: to all; else the letters of GB/T 4754."""

    sizes: frozenset[Size]
    sectors: tuple[str, ...]
    women_min: int


class Evidence(NamedTuple):
    kinds: tuple[str, ...]
    most: int


@dataclass(frozen=True, slots=True)
class Indicator:
    """One of the indicators (指标). A gate has `must`, `fact` and `reason`; the others `measure`, `tiers`, `points`."""

    id: str
    kind: IndicatorKind
    words: Words
    formula: str
    applies: Applies
    not_applicable: str
    evidence: Evidence
    source: Source
    law: tuple[str, ...]
    law_status: Status
    status: Status
    note: str = ""
    dimension: Dimension | None = None
    points: Decimal = Decimal(0)
    measure: Measure = NOTHING_MEASURED
    tiers: tuple[Tier, ...] = ()
    nothing_unless: tuple[Condition, ...] = ()
    not_applicable_below: tuple[tuple[str, Decimal], ...] = ()
    must: tuple[Condition, ...] = ()
    fact: GateFact | None = None
    reason: Why | None = None

    def quantities(self) -> tuple[str, ...]:
        """What has to be stated for it, in the order in which it is read."""
        measures = [self.measure, *[one.measure for one in (*self.nothing_unless, *self.must)]]
        names = [name for measure in measures for name in (*measure.part, *measure.of, *measure.together)]
        names += [name for name, _ in self.not_applicable_below]
        return tuple(dict.fromkeys(name for name in names if name not in OF_THE_EMPLOYER))


OF_THE_EMPLOYER = ("staff", "women")  # stated once for all indicators


class DimensionOf(NamedTuple):
    words: Words
    most: Decimal
    floor_reason: Why | None


class Event(NamedTuple):
    """A veto, a suspension or a condition of admission, as the scheme words it."""

    words: Words
    law: tuple[str, ...]
    status: Status


@dataclass(frozen=True, eq=False)
class Scheme:
    """One version, by its canonical content and the digest of it. An application pins both."""

    id: str
    version: int
    words: Words
    drafted_on: date
    in_force_from: date | None
    notice: Words
    issuer: Words
    laws: Mapping[str, Cited]
    dimensions: Mapping[Dimension, DimensionOf]
    figures: Mapping[str, Dated]
    indicators: tuple[Indicator, ...]
    terms: Mapping[str, Words]
    evidence_kinds: Mapping[str, Words]
    admission: Mapping[Admission, Event]
    vetoes: Mapping[Veto, Event]
    suspensions: Mapping[Suspension, Event]
    statements: Mapping[str, Mapping[str, Words]]
    content: str = field(repr=False)
    digest: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scheme) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def of(self, kind: IndicatorKind, dimension: Dimension | None = None) -> tuple[Indicator, ...]:
        """The indicators of a kind, and of a dimension if one is named, in their order."""
        return tuple(one for one in self.indicators if one.kind is kind and dimension in {None, one.dimension})

    def figure(self, name: str) -> Dated:
        return self.figures[name]

    def placeholders(self) -> list[str]:
        """What an authority has yet to set: a production start is refused while there is any."""
        return sorted(name for name, one in self.figures.items() if one.status == "placeholder")
