"""What deciding about orders needs around it."""

from __future__ import annotations

from dataclasses import dataclass

from services.kit.clock import Clock
from services.kit.law import Law
from services.kit.seal import Sealer


@dataclass(frozen=True, slots=True)
class Desk:
    clock: Clock
    law: Law
    sealer: Sealer

    def limit_fen(self) -> int | None:
        """Above it an order waits for a person; None while the city has set no limit."""
        limit = self.law.on(decision=self.clock.today())["order.limit_fen"]
        return limit.count if limit.is_set else None
