"""Time running out: claims that still wait, and for no reviewer, though the law's days for deciding them are over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from services.claims import rules, store
from services.claims.model import ClaimKind
from services.kit import telemetry
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from services.kit.dates import instants_of
from services.kit.db import Database
from services.kit.law import Law


def terms_over(law: Law, today: date) -> Mapping[ClaimKind, datetime]:
    """By kind the instant before which a claim was received that should be decided by now."""
    days = {kind: rules.review.overdue_before(kind, law, CALENDAR, today) for kind in ClaimKind}
    return {kind: instants_of(day)[0] for kind, day in days.items()}


async def watch(database: Database, law: Law, clock: Clock) -> None:
    """Tell the metrics how many there are, by what they wait for."""
    counts = await store.count_overdue(database, terms_over(law, clock.today()))
    for reason in store.WAITS_FOR:
        telemetry.CLAIMS_OVERDUE.labels(reason).set(counts.get(reason, 0))
