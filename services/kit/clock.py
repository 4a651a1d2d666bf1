"""The one clock. Everything that needs the time gets it from here, as an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from services.kit.dates import civil


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells now and today. `frozen_on` (CRADLE_TODAY) stops the civil date, by which things are decided, and nothing
    else: instants go on, so that what was known first stays first.
    """

    frozen_on: date | None = None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self) -> date:
        return self.frozen_on or civil(self.now())
