"""Control totals (日对账): a source's word on its day against what was taken in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from services.claims import store
from services.claims.model import ReceiptStatus, Received, Totals
from services.claims.store import Settled
from services.claims.usecases.batch import Terms
from services.claims.wire import out
from services.kit import telemetry
from services.kit.clock import Clock
from services.kit.db import Database, Tx
from services.kit.messages import Reason, reason

_LOOKED_BACK_DAYS: Final = 7


async def compare(tx: Tx, received: Sequence[Received], terms: Terms) -> list[Settled]:
    """Compare and keep; each is answered by what was taken in until now."""
    told = [(r.source, r.totals) for r in received if r.totals]
    taken = await store.taken_in(tx, sorted({(source, totals.day) for source, totals in told}))
    await store.save_totals(tx, told, taken, terms.now)
    return [_settled(r, r.totals.said, taken[r.source, r.totals.day]) for r in received if r.totals]


async def watch(database: Database, clock: Clock, sources: Sequence[str]) -> None:
    """Compare once more what differed, and tell the metrics how many days of each source do, and are missing.

    Nothing is missed of a source that is not one any more.
    """
    async with database.transaction() as tx:
        await store.compare_again(tx, clock.now())
    for source, days in (await store.differences(database)).items():
        telemetry.CONTROL_TOTALS_DIFFERENCE.labels(source).set(days)
    missing = await store.missing_totals(database, clock.today() - timedelta(days=1), _LOOKED_BACK_DAYS)
    for source in missing.keys() & set(sources):
        telemetry.CONTROL_TOTALS_MISSING.labels(source).set(missing[source])


def _settled(received: Received, said: Totals, taken: Totals) -> Settled:
    differences = tuple(_differences(said, taken))
    status = ReceiptStatus.TOTALS_DIFFER if differences else ReceiptStatus.TOTALS_AGREE
    return Settled(received, status, out.receipt_id(received), differences)


def _differences(said: Totals, taken: Totals) -> Iterator[Reason]:
    codes = ("TOTALS_SUBMITTED_DIFFER", "TOTALS_REPLACED_DIFFER", "TOTALS_VOIDED_DIFFER", "TOTALS_CLAIMED_DIFFER")
    for code, field, theirs, ours in zip(codes, Totals._fields, said, taken, strict=True):
        if theirs != ours:
            yield reason(code, f"control_totals.{field}", said=theirs, taken=ours)
