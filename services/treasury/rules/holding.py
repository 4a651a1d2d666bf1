"""What a HOLD needs to end, and what of the bank's word shows that the database has lost something."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from services.kit.calendar import Calendar, YearNotHeld
from services.treasury.model import OrderKey
from services.treasury.rules.proving import proof_days

_DAY: Final = timedelta(days=1)
_OURS: Final = 7  # the version of the ids we make


def days_needed(since: date, sent_to: date, calendar: Calendar) -> tuple[date, ...] | None:
    """The working days whose statements are needed: from the last that is known until whatever was sent since is paid,
    or provably is not. None where holidays are not known.
    """
    proof = proof_days(sent_to, sent_to, calendar)
    if proof is None:
        return None
    try:
        span = [since + _DAY * n for n in range((proof[-1] - since).days + 1)]
        return tuple(day for day in span if calendar.is_working_day(day))
    except YearNotHeld:
        return None


def days_lacking(needed: Collection[date], covered: Mapping[str, Collection[date]]) -> tuple[tuple[str, date], ...]:
    """By account, those that no statement covers."""
    return tuple((account, day) for account, days in sorted(covered.items()) for day in needed if day not in days)


def subject(key: OrderKey) -> bytes:
    """The eight bytes at the end of the ids of an order's payments: by them a payment that was lost tells its order."""
    text = "/".join((key.programme, str(key.case_id), key.period, key.line))
    digest = hashlib.sha256(text.encode()).digest()[:8]
    return bytes([digest[0] & 0x3F | 0x80]) + digest[1:]


def subject_of(payment: UUID) -> bytes | None:
    """None if it is no id that we make: nothing is guessed about money."""
    return payment.bytes[8:] if payment.version == _OURS else None
