"""What the use cases need around them."""

from __future__ import annotations

from dataclasses import dataclass

from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.seal import Sealer, blind_index


@dataclass(frozen=True, slots=True)
class Office:
    database: Database
    clock: Clock
    sealer: Sealer
    index_key: bytes

    def index(self, id_number: str) -> bytes:
        return blind_index(self.index_key, id_number)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what for; it is written down with every reading of personal data."""

    principal: str = ""
    purpose: str = ""
