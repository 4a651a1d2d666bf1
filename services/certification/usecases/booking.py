"""What happened is booked: certificates are looked at anew, written, and every change is told, in one transaction.

The same fact twice is once, and facts come to the same in any order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.certification.model import Certificate, Fact, Life, Reminder, Span, Told
from services.certification.model.moves import CERTIFICATE_ENDS
from services.certification.rules import life
from services.certification.rules.happened import life_of
from services.certification.store import certificates
from services.certification.store.certificates import Written
from services.certification.usecases import issuing
from services.certification.usecases.desk import Desk
from services.certification.wire import certificate_events as events
from services.kit.db import Tx


async def book(
    desk: Desk, tx: Tx, facts: Sequence[Fact], cause: str, touched: Collection[str] = ()
) -> dict[str, Certificate]:
    """The certificates of these employers as they stand afterwards. Their employers are locked before.

    `touched`: those of which something else was written, so that their etag moves on.
    """
    new = await certificates.add_facts(tx, facts, desk.clock.now()) if facts else set()
    employers = {one.employer for one in facts if (one.employer, one.source) in new}
    return await look_again(desk, tx, employers or {one.employer for one in facts}, cause, touched)


async def look_again(
    desk: Desk, tx: Tx, employers: Collection[UUID], cause: str, touched: Collection[str] = ()
) -> dict[str, Certificate]:
    held = await certificates.of_employers(tx, employers)
    if not held:
        return {}
    known, before = await certificates.facts(tx, employers), await certificates.spans(tx, employers)
    today, written = desk.clock.today(), []
    for one in held:
        facts = [fact for fact in known.get(one.employer, ()) if fact.number in {"", one.number}]
        there = _There(one, life_of(one.awarded_on, facts), before.get(one.number, ()), touched=one.number in touched)
        if made := _written(desk, there, cause, today):
            written.append(made)
    if written:
        now = desk.clock.now()
        await certificates.write(tx, written, now)
        for made in written:
            if made.told:
                tx.emit(events.changed(made.told, now))
    return {one.number: one for one in held} | {one.certificate.number: one.certificate for one in written}


class _There(NamedTuple):
    """A certificate with what happened to it, and how it was written to stand."""

    certificate: Certificate
    known: Life
    before: Sequence[Span]
    touched: bool


def _written(desk: Desk, there: _There, cause: str, today: date) -> Written | None:
    """None where nothing is otherwise than it was written."""
    certificate, known, before, touched = there
    scheme = desk.schemes[certificate.scheme]
    spans = life.timeline(known, scheme)
    first = _first_difference(before, spans)
    if first is None and not touched:
        return None
    begun = [span for span in spans if span.on <= today]
    untold = [day for day in (first, *[span.on for span in begun if span.on > certificate.told_to]) if day]
    first_told = min((day for day in untold if day <= today), default=None)
    reminders = [one for one in life.reminders(known, scheme) if _is_to_come(one, spans, today)]
    after = certificate._replace(version=certificate.version + 1, told_to=today, now=begun[-1])
    if after.now.valid_to != certificate.now.valid_to or not certificate.credential:
        after = issuing.renewed(desk.issuing, after, scheme)
    ahead = [span.on for span in spans if span.on > today] + [one.on for one in reminders]
    return Written(
        after,
        first,
        [span for span in spans if first and span.on >= first],
        reminders,
        _told(after, first_told, cause) if first_told else None,
        min(ahead, default=None),
    )


def _first_difference(before: Sequence[Span], after: Sequence[Span]) -> date | None:
    for old, new in zip(before, after, strict=False):
        if old != new:
            return min(old.on, new.on)
    shorter = min(len(before), len(after))
    return next((one.on for one in (*before[shorter:], *after[shorter:])), None)


def _is_to_come(one: Reminder, spans: Sequence[Span], today: date) -> bool:
    """Not of a day that is over, nor once the certificate has ended."""
    return one.on > today and not any(span.state in CERTIFICATE_ENDS and span.on <= one.on for span in spans)


def _told(certificate: Certificate, first: date, cause: str) -> Told:
    return Told(
        certificate.number, certificate.employer, certificate.uscc, certificate.county, certificate.version, first,
        certificate.now, cause,
    )  # fmt: skip
