"""What a list is asked for: only what filters stands in its statement, so that its plan is that of the question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from google.type.date_pb2 import Date

from services.kit.dates import from_proto, instants_of
from services.kit.errors import Invalid
from services.kit.messages import CATALOGUE, reason


def span_of(day: Date, field: str) -> tuple[datetime, datetime]:
    """A civil day as its first instant and that of the next. Raises Invalid for one the calendar does not have."""
    try:
        return instants_of(from_proto(day))
    except (ValueError, OverflowError):
        raise Invalid(reason("DATE_INVALID", field)) from None


def code_of(given: str, field: str) -> str:
    """The code of a reason that a list is narrowed to, if any. Raises Invalid for one that nothing here says."""
    if given and given not in CATALOGUE:
        raise Invalid(reason("CODE_UNKNOWN", field))
    return given


def such_that(filters: Iterable[tuple[str, Sequence[object]]], arguments: list[object]) -> str:
    """The conditions that have values, joined, `{}` made the place of each value; values are added to `arguments`."""
    conditions = []
    for sql, values in filters:
        if values:
            places = [f"${len(arguments) + place}" for place, _ in enumerate(values, 1)]
            conditions.append(sql.format(*places))
            arguments += values
    return " AND ".join(["true", *conditions])
