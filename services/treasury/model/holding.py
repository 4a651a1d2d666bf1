"""HOLD: why nothing leaves, since when, and who lifts it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Cause(StrEnum):
    PERSON = "PERSON"  # somebody said so, as after every restore
    MARK_AHEAD = "MARK_AHEAD"  # outside the database it is on record that more was sent than it knows of
    MARK_MISSING = "MARK_MISSING"  # it has sent files, and the record outside is gone
    UNKNOWN_PAYMENT = "UNKNOWN_PAYMENT"  # the bank tells of a payment made by us that it does not know


class OnHold(NamedTuple):
    id: UUID
    cause: Cause
    begun_by: str
    begun_at: datetime
    since_at: datetime
    since_on: date
    sent_to: date
    mark: str | None
    document: str
    proposed_by: str | None
    lifted_by: str | None
    lifted_at: datetime | None


class Mark(NamedTuple):
    """What stands outside the database: the last file that was sent, by when all that was sent could be paid, the last
    HOLD that was lifted. Empty strings are none.
    """

    file: str
    sent_to: date
    hold: str


class Lacking(NamedTuple):
    """What a HOLD still waits for: days without a statement, by account, and items that fit nothing."""

    days: tuple[tuple[str, date], ...]
    items: int
    holidays_unknown: bool = False
