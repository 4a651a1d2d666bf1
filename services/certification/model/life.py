"""The facts of a certificate's life, and where it stands on a day."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from services.certification.model.codes import Kind, Reminding, Suspension, Veto
from services.certification.model.moves import CertificateState


class Renewal(NamedTuple):
    """An application for an extension or a recertification. `decided_on` None: not decided yet."""

    kind: Kind
    applied_on: date
    decided_on: date | None = None
    granted: bool = False


class Suspended(NamedTuple):
    """`until` is the day from which it is over; None while it lasts."""

    why: Suspension
    since: date
    until: date | None = None


class Life(NamedTuple):
    """What happened to one certificate. A report counts from the day on which it was found in order."""

    awarded_on: date
    reports: tuple[date, ...] = ()
    renewals: tuple[Renewal, ...] = ()
    vetoes: tuple[tuple[Veto, date], ...] = ()
    suspensions: tuple[Suspended, ...] = ()
    surrendered_on: date | None = None
    superseded_on: date | None = None  # by a certificate that was applied for as a new one


class Change(NamedTuple):
    """From this day on it stands so; `why` is a code of the catalogue or of the scheme."""

    on: date
    state: CertificateState
    why: str


class Standing(NamedTuple):
    """Where a certificate stands on a day. `kind` is what it was last applied for as."""

    state: CertificateState
    valid_to: date
    kind: Kind
    locked_until: date | None = None
    history: tuple[Change, ...] = ()


class Span(NamedTuple):
    """From this day on it stands so, by all that is known; the next one ends it."""

    on: date
    state: CertificateState
    why: str
    valid_to: date
    kind: Kind
    locked_until: date | None = None


class Reminder(NamedTuple):
    """What its holder is to be reminded of on a day, and which day that is about."""

    on: date
    what: Reminding
    due_on: date
