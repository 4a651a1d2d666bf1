"""What deciding claims needs around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from services.claims.usecases.batch import Terms
from services.kit.clock import Clock
from services.kit.law import Law
from services.kit.seal import Sealer
from services.kit.settings import Settings

if TYPE_CHECKING:
    from cradle.registry.v1.service_pb2_grpc import RegistryServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Office:
    """What taking in claims needs around it."""

    settings: Settings
    clock: Clock
    law: Law
    sealer: Sealer
    registry: RegistryServiceAsyncStub

    def terms(self) -> Terms:
        today, settings = self.clock.today(), self.settings
        waits_until = today + timedelta(days=settings.coverage_wait_days)
        return Terms(self.law, today, self.clock.now(), waits_until, today + timedelta(days=settings.review_days))
