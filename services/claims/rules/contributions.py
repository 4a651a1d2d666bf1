"""Continuity of contributions (连续缴费月数), with gaps and back payments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from services.claims.model import Insured
from services.claims.rules.working import Working, needed
from services.kit.dates import month_end, month_of


def continuous_months(insured: Insured, event: date, decision: date, working: Working) -> int:
    """Unbroken paid months back from the month of the event, or from the one before if that is not yet paid.

    A month paid late counts if it was paid by the end of the grace after it, and not after the event. Raises
    FactMissing, and Unset where a month was paid late and nobody set the grace.
    """
    spans: Sequence[tuple[int, int]] = needed(insured.paid_months, "insured.paid_months")
    late = dict(insured.back_paid)
    if not late:
        return _unbroken(month_of(event), spans)
    grace = working.rates["allowance.backpay_grace_months"].count
    known = min(event, decision)
    counted = {month for month, paid_on in insured.back_paid if paid_on <= min(known, month_end(month + grace))}
    working.by("BACK_PAID", "allowance.backpay_grace_months", given=len(late), counted=len(counted))
    return _unbroken(month_of(event), _without(spans, late) + [(month, month) for month in counted])


def _unbroken(cursor: int, spans: Sequence[tuple[int, int]]) -> int:
    if _span_start(cursor, spans) is None:
        cursor -= 1
    counted = 0
    while (first := _span_start(cursor, spans)) is not None:
        counted += cursor - first + 1
        cursor = first - 1
    return counted


def _span_start(month: int, spans: Sequence[tuple[int, int]]) -> int | None:
    for first, last in spans:
        if first <= month <= last:
            return first
    return None


def _without(spans: Sequence[tuple[int, int]], months: dict[int, date]) -> list[tuple[int, int]]:
    """The spans, cut at months whose day of payment is known: these count by that day alone."""
    cut: list[tuple[int, int]] = []
    for first, last in spans:
        start = first
        for month in sorted(months):
            if start <= month <= last:
                if start < month:
                    cut.append((start, month - 1))
                start = month + 1
        if start <= last:
            cut.append((start, last))
    return cut
