"""What the use cases need around them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.kit import audit
from services.kit.audit import Read
from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.seal import Keyed, Sealer
from services.registry import store


@dataclass(frozen=True, slots=True)
class Office:
    database: Database
    clock: Clock
    sealer: Sealer
    blind_index: Keyed
    _employers: dict[str, UUID] = field(default_factory=dict, init=False, repr=False, compare=False)

    async def audit(self, method: str, asker: Asker, subjects: Collection[UUID]) -> None:
        """Write down who reads what of whom, and what for."""
        read = Read(self.clock.now(), method, asker.principal, asker.purpose, subjects)
        await audit.keep(self.database, read)

    def index(self, id_number: str) -> bytes:
        """What a person is found by: a keyed digest of the number, which is nowhere else."""
        return self.blind_index.digest(id_number.encode())

    async def employers(self, usccs: Collection[str]) -> Mapping[str, UUID]:
        """Employers by their codes. A code is one employer's for ever: what this process has found it asks no more."""
        if unknown := sorted({uscc for uscc in usccs if uscc and uscc not in self._employers}):
            self._employers.update(await store.employers_of(self.database, unknown))
        return self._employers


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what for; it is written down with every reading of personal data."""

    principal: str = ""
    purpose: str = ""
