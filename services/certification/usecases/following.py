"""What the registry tells of employers: a violation or arrears suspend and reinstate, a veto revokes, by the scheme."""

from __future__ import annotations

from collections.abc import Sequence

from services.certification.model import Fact
from services.certification.store import certificates
from services.certification.usecases import booking
from services.certification.usecases.desk import Desk
from services.kit.db import Tx


async def follow(desk: Desk, tx: Tx, facts: Sequence[Fact]) -> None:
    """Kept for every employer, for one that holds nothing today may be certified tomorrow."""
    if facts:
        await certificates.lock_employers(tx, {one.employer for one in facts})
        await booking.book(desk, tx, facts, "registry.employer.v1")
