"""What was handed in and not accepted, and the totals of a source's day, as clerks see them."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from services.claims.model.claim import Totals
from services.claims.model.codes import ReceiptStatus
from services.kit.messages import Kept

NOT_MAPPED: Final = "NOT_MAPPED"  # a message of the national platform
NOT_ACCEPTED: Final = (ReceiptStatus.RETURNED, ReceiptStatus.DUPLICATE, ReceiptStatus.TOTALS_DIFFER, NOT_MAPPED)
_STEP: Final = r"[a-z][a-z0-9_]{0,40}(\[[0-9]{1,4}\])?"
_PATH: Final = re.compile(rf"{_STEP}(\.{_STEP}){{0,7}}")


class Place(NamedTuple):
    """Where one stands in the list."""

    received_at: datetime
    id: int


def kept_field(path: str) -> str:
    """A path of names of the schema and places in lists; empty if anything else is in it, as the key of a map."""
    return path if _PATH.fullmatch(path) else ""


class Submitted(NamedTuple):
    """One record that was not accepted."""

    id: int
    receipt_id: UUID
    source: str
    claim_number: str
    revision: int
    status: str
    reasons: tuple[Kept, ...]
    claim_id: UUID | None
    position: str
    received_at: datetime
    county: str

    @property
    def place(self) -> Place:
        return Place(self.received_at, self.id)


class NotMapped(NamedTuple):
    """A message of the platform that made no record of the intake."""

    report_id: UUID
    source: str
    number: str  # of its settlement, else of the message itself
    reasons: tuple[str, ...]
    position: str
    content_hash: bytes
    received_at: datetime


class TotalsState(StrEnum):
    AGREE = "AGREE"
    DIFFER = "DIFFER"
    MISSING = "MISSING"  # the source told none of it


class DayPlace(NamedTuple):
    """Where a day stands in the list."""

    day: date
    source: str


class TotalsOfDay(NamedTuple):
    """A source's word on its day and what was taken in; none, where it told nothing."""

    source: str
    day: date
    state: TotalsState
    said: Totals | None = None
    taken: Totals | None = None
    submitted_at: datetime | None = None
    compared_at: datetime | None = None

    @property
    def place(self) -> DayPlace:
        return DayPlace(self.day, self.source)
