"""What a list is asked for."""

from __future__ import annotations

from datetime import datetime

from google.type.date_pb2 import Date

from services.kit.dates import from_proto, instants_of
from services.kit.errors import Invalid
from services.kit.messages import reason


def span_of(day: Date, field: str) -> tuple[datetime, datetime]:
    """A civil day as its first instant and that of the next. Raises Invalid for one the calendar does not have."""
    try:
        return instants_of(from_proto(day))
    except (ValueError, OverflowError):
        raise Invalid(reason("DATE_INVALID", field)) from None
