"""The whole law, and the law compiled for the days of one case."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, NamedTuple

from services.kit.law.content import content_of, parameters_in
from services.kit.law.model import Dated, NotInForce, Parameter
from services.kit.law.problems import ParameterError, at, unknown_parameter
from services.kit.law.values import KEY_DATES, Unfit, given_text, value_of, within_reason

GIVEN: Final = ("给定值", "given value")


class Unsettled(NamedTuple):
    """A mandatory parameter that rests on a placeholder, and from when until when; None is for good."""

    name: str
    since: date
    until: date | None


class Rates(dict[str, Dated]):
    """The law on the days of one case. A name that is not in it says why."""

    def __init__(
        self, values: Mapping[str, Dated], parameters: Mapping[str, Parameter], key_dates: tuple[str, ...]
    ) -> None:
        super().__init__(values)
        self._parameters = parameters
        self._key_dates = key_dates

    def __missing__(self, name: str) -> Dated:
        parameter = self._parameters.get(name)
        if parameter is None:
            raise KeyError(f"the law has no parameter {name}")
        if parameter.key_date not in self._key_dates:
            raise KeyError(f"{name} goes by the date of {parameter.key_date}, which was not given")
        raise NotInForce(name, parameter.dates[0])


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """The effective law: every parameter, its canonical JSON, and the digest by which it is known."""

    parameters: Mapping[str, Parameter]
    content: str
    digest: str
    _changes: Mapping[str, list[date]] = field(repr=False)  # by key date, every day on which any parameter changes
    _compiled: dict[tuple[str | int, ...], Rates] = field(default_factory=dict, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Law) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __getitem__(self, name: str) -> Parameter:
        return self.parameters[name]

    def on(self, **days: date) -> Mapping[str, Dated]:
        """The law of one case: each parameter as it is on the day of its own key date.

        Every claim asks this, so a law is compiled once for all days between the same changes.
        """
        spans: list[str | int] = []
        for key_date, day in days.items():
            spans += (key_date, bisect_right(self._changes[key_date], day))
        key = tuple(spans)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile(days)
        return found

    def _compile(self, days: Mapping[str, date]) -> Rates:
        values = {
            name: parameter.at(days[parameter.key_date])
            for name, parameter in self.parameters.items()
            if parameter.key_date in days and parameter.dates[0] <= days[parameter.key_date]
        }
        return Rates(values, self.parameters, tuple(days))

    def first_day(self, *prefixes: str) -> date:
        """From here on every parameter has a value, or every one whose name begins with one of the prefixes."""
        return max(one.dates[0] for name, one in self.parameters.items() if not prefixes or name.startswith(prefixes))

    def given(self, values: Mapping[str, str]) -> Law:
        """The law with these parameters set, each by a text, for all time. Raises ParameterError."""
        changed, problems = dict(self.parameters), []
        for name, text in values.items():
            parameter = changed.get(name)
            if parameter is None:
                problems.append(at("", 0, name, unknown_parameter(name, self.parameters)))
                continue
            try:
                value = value_of(parameter.unit, given_text(parameter.unit, text), parameter.codes)
                within_reason(name, parameter.unit, value)
            except Unfit as error:
                problems.append(at("", 0, name, error.reason))
            else:
                dated = Dated(name, value, date.min, *GIVEN, "confirmed")
                changed[name] = replace(parameter, dates=(date.min,), values=(dated,))
        if problems:
            raise ParameterError(problems)
        return of(changed)

    def without_placeholders(self, keep: Collection[str]) -> Law:
        """The law in which nothing can rest on a mandatory placeholder, except on those to be kept."""
        return of(
            {
                name: _without_placeholders(one) if one.mandatory and name not in keep else one
                for name, one in self.parameters.items()
            }
        )

    def unset(self) -> list[Unsettled]:
        """Every mandatory parameter that still rests on a placeholder, by name."""
        mandatory = [self.parameters[name] for name in sorted(self.parameters) if self.parameters[name].mandatory]
        return [unsettled for parameter in mandatory for unsettled in _unsettled(parameter)]


def of(parameters: Mapping[str, Parameter]) -> Law:
    content = content_of(parameters)
    return Law(parameters, content, hashlib.sha256(content.encode()).hexdigest(), _changes_of(parameters))


def from_content(content: str) -> Law:
    """The law as it was stored. Deciding again uses this, never the files."""
    return of(parameters_in(content))


def _changes_of(parameters: Mapping[str, Parameter]) -> dict[str, list[date]]:
    changes: dict[str, set[date]] = {key_date: set() for key_date in KEY_DATES}
    for parameter in parameters.values():
        changes[parameter.key_date].update(parameter.dates)
    return {key_date: sorted(days) for key_date, days in changes.items()}


def _without_placeholders(parameter: Parameter) -> Parameter:
    values = [replace(one, value=None) if one.status == "placeholder" else one for one in parameter.values]
    return replace(parameter, values=tuple(values))


def _unsettled(parameter: Parameter) -> list[Unsettled]:
    """Values that follow each other are one span."""
    spans: list[Unsettled] = []
    for dated, until in zip(parameter.values, (*parameter.dates[1:], None), strict=True):
        if dated.is_set and dated.status != "placeholder":
            continue
        if spans and spans[-1].until == dated.since:
            spans[-1] = spans[-1]._replace(until=until)
        else:
            spans.append(Unsettled(parameter.name, dated.since, until))
    return spans
