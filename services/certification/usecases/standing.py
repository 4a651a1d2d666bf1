"""How an employer stands as a certificate holder."""

from __future__ import annotations

from uuid import UUID

from services.certification.model import Standing
from services.certification.usecases.desk import Desk
from services.kit.db import Database, Tx


async def of_employer(desk: Desk, source: Database | Tx, employer: UUID) -> Standing | None:  # noqa: ARG001
    """None for one that was never certified."""
    return None
