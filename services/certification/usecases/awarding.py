"""An award becomes a certificate: one number for one application."""

from __future__ import annotations

from services.certification.model import Filed
from services.certification.store import certificates
from services.certification.usecases.desk import Desk
from services.kit.db import Tx


async def next_number(desk: Desk, tx: Tx) -> str:
    """A number of its own, by the year of its award; what is rolled back leaves a gap."""
    return f"BJ-FFE-{desk.clock.today().year}-{await certificates.next_serial(tx):06d}"


async def award(desk: Desk, tx: Tx, filed: Filed) -> None:
    await certificates.create(tx, filed, desk.clock.today())
