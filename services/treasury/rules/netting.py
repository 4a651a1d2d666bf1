"""What of a payment is kept against what its payee owes back: of the same fund and pooling area, the oldest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.treasury.model import Payee
from services.treasury.model.recoveries import OFFSET_FROM, Recovery


class Pool(NamedTuple):
    """Within which money is one: a fund of a pooling area."""

    fund: str
    pooling_area: str | None


class Claimed(NamedTuple):
    """A payment that is planned: to whom, how much, from where."""

    payee: Payee
    pool: Pool
    amount_fen: int
    order_id: int


def netted(
    lines: Sequence[Claimed], recoveries: Sequence[tuple[Recovery, Pool]], today: date
) -> list[list[tuple[UUID, int]]]:
    """What of each line is kept for which recovery: oldest first, as far as the line goes; the rest is carried on."""
    free: defaultdict[tuple[Payee, Pool], list[Recovery]] = defaultdict(list)
    left: dict[UUID, int] = {}
    for one, pool in sorted(recoveries, key=lambda pair: pair[0].ordinal):
        if (fen := free_fen(one, today)) > 0:
            free[one.payee, pool].append(one)
            left[one.id] = fen
    found: list[list[tuple[UUID, int]]] = []
    for line in lines:
        rest, kept = line.amount_fen, []
        for one in free.get((line.payee, line.pool), ()):
            if one.order_id != line.order_id and (fen := min(rest, left[one.id])):
                kept.append((one.id, fen))
                left[one.id] -= fen
                rest -= fen
        found.append(kept)
    return found


def free_fen(recovery: Recovery, today: date) -> int:
    """What of it may be kept from a payment: told, the days to answer past, not disputed, not on its way already."""
    if recovery.state not in OFFSET_FROM or recovery.due_on is None or today <= recovery.due_on:
        return 0
    return max(0, recovery.undisputed_fen - recovery.live_fen)
