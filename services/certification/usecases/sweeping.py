"""What days do to certificates is told: suspensions and ends whose day has come, and reminders. Twice is once."""

from __future__ import annotations

from typing import Final

from services.certification.store import sweeping
from services.certification.usecases.desk import Desk
from services.certification.wire import certificate_events as events
from services.kit import telemetry

_MAX: Final = 5_000  # certificates of one transaction
_CAUSE: Final = "certification/days"


async def sweep(desk: Desk) -> int:
    """Every certificate that is to be looked at by today, some thousands in one statement; answers how many."""
    count = 0
    while True:
        async with desk.database.transaction() as tx:
            now = desk.clock.now()
            found = await sweeping.sweep(tx, desk.clock.today(), _MAX, _CAUSE, now)
            for told in found.told:
                tx.emit(events.changed(told, now))
        telemetry.CERTIFICATE_REMINDERS.inc(found.reminded)
        count += found.looked_at
        if found.looked_at < _MAX:
            return count


async def watch(desk: Desk) -> None:
    """Tell the metrics how certificates stand, and how long a report has waited for its check."""
    for state, number in (await sweeping.counts(desk.database)).items():
        telemetry.CERTIFICATES.labels(state).set(number)
    oldest = await sweeping.reports_waiting(desk.database)
    telemetry.CERTIFICATE_REPORT_WAIT_DAYS.set((desk.clock.today() - oldest).days if oldest else 0)
