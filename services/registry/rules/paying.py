"""Contributions: months as spans, what a payment adds, and what is taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from services.kit.dates import month_of
from services.registry.model import Contributions, Months, Payment


def spans_of(months: Iterable[int]) -> Months:
    """Months as spans, as few as there can be."""
    spans: list[tuple[int, int]] = []
    for month in sorted(set(months)):
        if spans and spans[-1][1] == month - 1:
            spans[-1] = (spans[-1][0], month)
        else:
            spans.append((month, month))
    return tuple(spans)


def months_of(spans: Iterable[tuple[int, int]]) -> set[int]:
    return {month for first, last in spans for month in range(first, last + 1)}


def is_late(payment: Payment) -> bool:
    """A month's contribution is due by the end of the next; what the office calls a back payment is one."""
    return payment.is_back_payment or month_of(payment.paid_on) > payment.month + 1


def with_payments(
    known: Contributions, paid: Sequence[Payment], taken_back: Mapping[int, date], reported_to_month: int
) -> Contributions:
    """What is known after a statement. Paid on time outdoes paid late, an earlier day a later one; a payment counts
    if nothing of its month was taken back on its day or after it. So payments may come in any order, and a file that
    is sent again after a correction does not undo it. The day of what was paid on time is not kept: taking back
    drops it whatever its day.
    """
    on_time, late = months_of(known.paid_months), dict(known.back_paid)
    back = dict(known.taken_back)
    for month, day in taken_back.items():
        if month in back and back[month] >= day:
            continue
        back[month] = day
        on_time.discard(month)
        if month in late and late[month] <= day:
            del late[month]
    for payment in paid:
        if payment.month in back and payment.paid_on <= back[payment.month]:
            continue
        if not is_late(payment):
            on_time.add(payment.month)
            late.pop(payment.month, None)
        elif payment.month not in on_time:
            late[payment.month] = min(payment.paid_on, late.get(payment.month, date.max))
    return Contributions(
        spans_of(on_time),
        tuple(sorted(late.items())),
        max(known.reported_to_month, reported_to_month),
        tuple(sorted(back.items())),
    )


def not_on_file(known: Contributions, paid: Sequence[Payment], taken_back: Sequence[int]) -> int | None:
    """The place of the first month taken back of which nothing was ever paid; None if there is none."""
    ever = months_of(known.paid_months) | {month for month, _ in (*known.back_paid, *known.taken_back)}
    ever |= {payment.month for payment in paid}
    return next((place for place, month in enumerate(taken_back) if month not in ever), None)
