"""The one clock. Everything that needs the time gets it from here, as an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from services.kit.dates import SHANGHAI, civil


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells now and today. `frozen_on` (CRADLE_TODAY) stops it at noon of that day in Shanghai."""

    frozen_on: date | None = None

    def now(self) -> datetime:
        if self.frozen_on is None:
            return datetime.now(UTC)
        return datetime.combine(self.frozen_on, time(12), SHANGHAI).astimezone(UTC)

    def today(self) -> date:
        return civil(self.now())
