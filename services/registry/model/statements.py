"""What was returned to an office, as clerks see it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.messages import Kept


class Place(NamedTuple):
    """Where one stands in the list."""

    received_at: datetime
    receipt_id: UUID


class Returned(NamedTuple):
    """A record that was not taken in."""

    receipt_id: UUID
    office: str
    record_number: str
    reasons: tuple[Kept, ...]
    position: str  # empty for one that came by a call
    received_at: datetime

    @property
    def place(self) -> Place:
        return Place(self.received_at, self.receipt_id)
