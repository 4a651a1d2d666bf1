"""A certificate's life: validity, extension, yearly reports, suspension, revocation, lock-out; how it stands on a day.

A day knows everything filed up to and including it. So a report on the day of suspension or revocation is in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from services.certification.model import (
    CertificateState,
    Change,
    Kind,
    Life,
    Reminder,
    Reminding,
    Renewal,
    Scheme,
    Span,
    Standing,
    Suspension,
)
from services.certification.model.moves import CERTIFICATE_ENDS

_DAY: Final = timedelta(days=1)


def last_day(first: date, years: int) -> date:
    """To the day before the anniversary. Of 29 February the anniversary in a common year is 1 March."""
    return anniversary(first, years) - _DAY


def anniversary(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def locked_until(revoked_on: date, years: int) -> date | None:
    """The last day of a lock-out: the same day of its last year (民法典 art. 201 and 202), or the last of its month."""
    if not years:
        return None
    try:
        return revoked_on.replace(year=revoked_on.year + years)
    except ValueError:
        return date(revoked_on.year + years, 2, 28)


class Due(NamedTuple):
    """A yearly report: when it is due, and when it came."""

    on: date
    filed_on: date | None


def standing(life: Life, scheme: Scheme, as_of: date) -> Standing:
    """How it stands on a day, by what was known on that day."""
    known = _known(life, as_of)
    term = _term(known, scheme, as_of)
    ends = _ends(known, term, scheme, as_of)
    history = tuple(_history(known, term, ends, scheme, as_of))
    state = history[-1].state
    locked = None
    if state is CertificateState.REVOKED:
        missing = history[-1].why == _REPORT_MISSING
        locked = locked_until(history[-1].on, scheme.figures["report.lock_out" if missing else "lock_out"].count)
    return Standing(state, term.valid_to, term.kind, locked, history)


def reports(life: Life, scheme: Scheme, as_of: date) -> list[Due]:
    """Every yearly report that is due up to a day, with what came for it."""
    known = _known(life, as_of)
    return _reports(known, _term(known, scheme, as_of), scheme, as_of)


def timeline(life: Life, scheme: Scheme) -> list[Span]:
    """How it stands from each day on, by all that is known; also on days to come, if nothing else happens."""
    found: list[Span] = []
    day: date | None = life.awarded_on
    while day:
        at = standing(life, scheme, day)
        span = Span(day, at.state, at.history[-1].why, at.valid_to, at.kind, at.locked_until)
        if not found or found[-1][1:] != span[1:]:
            found.append(span)
        day = None if at.state in CERTIFICATE_ENDS else _next(life, scheme, day)
    return found


def reminders(life: Life, scheme: Scheme) -> list[Reminder]:
    """What the holder is reminded of, by all that is known: of reports that have not come, and of the end."""
    opens, overdue = (timedelta(days=scheme.figures[f"report.{name}"].count) for name in ("window", "reminded_after"))
    found = []
    for due in reports_due(life, scheme):
        if due.filed_on is None:
            found.append(Reminder(due.on - opens, Reminding.REPORT_OPENS, due.on))
            found.append(Reminder(due.on + overdue, Reminding.REPORT_OVERDUE, due.on))
    window = timedelta(days=scheme.figures["validity.window"].count)
    end = standing(life, scheme, date.max).valid_to
    return [*found, Reminder(end - window, Reminding.RENEWAL_OPENS, end)]


def reports_due(life: Life, scheme: Scheme) -> list[Due]:
    """Every yearly report of its term, by all that is known, with what came for it."""
    known = _known(life, date.max)
    term = _term(known, scheme, date.max)
    return _reports(known, term, scheme, term.valid_to)


def _next(life: Life, scheme: Scheme, after: date) -> date | None:
    """The next day on which it may stand otherwise: something happened on it, or a time is over."""
    known = _known(life, after)
    term = _term(known, scheme, after)
    times = [timedelta(days=scheme.figures[f"report.{name}_after"].count) for name in ("suspended", "revoked")]
    days = [
        term.alive_to + _DAY,
        *[due + time for due in _due(life, term) for time in times],
        *[first for first, _ in term.renewed],
        *life.reports,
        *[day for one in life.renewals for day in (one.applied_on, one.decided_on)],
        *[day for _, day in life.vetoes],
        *[day for one in life.suspensions for day in (one.since, one.until)],
        life.surrendered_on,
        life.superseded_on,
    ]
    return min((day for day in days if day and day > after), default=None)


_REPORT_MISSING: Final = "ANNUAL_REPORT_MISSING"
_REPORT_OVERDUE: Final = "ANNUAL_REPORT_OVERDUE"


def _known(life: Life, as_of: date) -> Life:
    """What had happened by then."""
    return life._replace(
        reports=tuple(sorted(day for day in life.reports if day <= as_of)),
        renewals=tuple(
            sorted((one for one in life.renewals if one.applied_on <= as_of), key=lambda one: one.applied_on)
        ),
        vetoes=tuple(sorted((one for one in life.vetoes if one[1] <= as_of), key=lambda one: one[1])),
        suspensions=tuple(one for one in life.suspensions if one.since <= as_of),
        surrendered_on=_by(life.surrendered_on, as_of),
        superseded_on=_by(life.superseded_on, as_of),
    )


def _by(day: date | None, as_of: date) -> date | None:
    return day if day and day <= as_of else None


# --- how long it is valid -----------------------------------------------------------------------------------------


class _Term(NamedTuple):
    """`alive_to`: longer than `valid_to` while what was applied for in time is not decided."""

    valid_to: date
    alive_to: date
    kind: Kind = Kind.NEW
    renewed: tuple[tuple[date, Kind], ...] = ()  # from which day, as what


def _term(life: Life, scheme: Scheme, as_of: date) -> _Term:
    end = last_day(life.awarded_on, scheme.figures["validity.new"].count)
    term = _Term(end, end)
    for number, renewal in enumerate(life.renewals):
        if renewal.applied_on > term.valid_to:
            term = term._replace(kind=Kind.NEW)
            continue
        term = term._replace(kind=renewal.kind)
        before = life._replace(renewals=life.renewals[:number])
        if _may_be_granted(before, renewal, term, scheme):
            term = _renewed(term, renewal, scheme, as_of)
    return term


def _may_be_granted(before: Life, renewal: Renewal, term: _Term, scheme: Scheme) -> bool:
    """Alive, every report due so far filed, and an extension once only."""
    if renewal.kind is Kind.NEW or (renewal.kind is Kind.EXTENSION and term.renewed):
        return False
    at = standing(before, scheme, renewal.applied_on)
    filed = all(due.filed_on for due in reports(before, scheme, renewal.applied_on))
    return filed and at.state in {CertificateState.ACTIVE, CertificateState.SUSPENDED}


def _renewed(term: _Term, renewal: Renewal, scheme: Scheme, as_of: date) -> _Term:
    """It runs from the day after the old end. Undecided, the old one stays alive for some days at most."""
    longest = term.valid_to + timedelta(days=scheme.figures["validity.while_deciding"].count)
    decided = renewal.decided_on
    if decided is None or decided > as_of:
        return term._replace(alive_to=longest)
    if not renewal.granted:
        return term._replace(alive_to=max(term.valid_to, min(decided, longest)))
    if decided > longest + _DAY:
        return term._replace(alive_to=longest)  # it had ended before
    first = term.valid_to + _DAY
    end = last_day(first, scheme.figures[f"validity.{renewal.kind.lower()}"].count)
    return term._replace(valid_to=end, alive_to=end, renewed=(*term.renewed, (first, renewal.kind)))


# --- yearly reports -----------------------------------------------------------------------------------------------


def _reports(life: Life, term: _Term, scheme: Scheme, as_of: date) -> list[Due]:
    """Due on each anniversary of the award while it is valid; each report serves the first one that waits for it."""
    window = timedelta(days=scheme.figures["report.window"].count)
    left, found = list(life.reports), []
    for due in _due(life, term):
        if due > as_of:
            break
        filed = next((day for day in left if day >= due - window), None)
        if filed:
            left = [day for day in left if day > filed]
        found.append(Due(due, filed))
    return found


def _due(life: Life, term: _Term) -> Iterator[date]:
    anew = {first for first, kind in term.renewed if kind is Kind.RECERTIFICATION}  # an award of its own
    years = 1
    while (due := anniversary(life.awarded_on, years)) <= term.valid_to:
        if due not in anew:
            yield due
        years += 1


# --- what ended or suspended it -----------------------------------------------------------------------------------


def _ends(life: Life, term: _Term, scheme: Scheme, as_of: date) -> Change | None:
    """The first thing that ended it. On one day: expiry, revocation, surrender, another certificate."""
    revoked_after = timedelta(days=scheme.figures["report.revoked_after"].count)
    found = [Change(term.alive_to + _DAY, CertificateState.EXPIRED, "EXPIRED")]
    found += [Change(day, CertificateState.REVOKED, f"VETO_{veto}") for veto, day in life.vetoes]
    found += [
        Change(due.on + revoked_after, CertificateState.REVOKED, _REPORT_MISSING)
        for due in _reports(life, term, scheme, as_of)
        if due.filed_on is None or due.filed_on > due.on + revoked_after
    ]
    if life.surrendered_on:
        found.append(Change(life.surrendered_on, CertificateState.SURRENDERED, "SURRENDERED"))
    if life.superseded_on:
        found.append(Change(life.superseded_on, CertificateState.SUPERSEDED, "SUPERSEDED"))
    return min((one for one in found if one.on <= as_of), key=lambda one: one.on, default=None)


class _Span(NamedTuple):
    first: date
    until: date | None  # from this day on it is over
    why: str

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.until is None or day < self.until)


def _suspended(life: Life, term: _Term, scheme: Scheme, as_of: date) -> list[_Span]:
    after = timedelta(days=scheme.figures["report.suspended_after"].count)
    spans = [
        _Span(due.on + after, due.filed_on, _REPORT_OVERDUE)
        for due in _reports(life, term, scheme, as_of)
        if due.on + after <= as_of and (due.filed_on is None or due.filed_on > due.on + after)
    ]
    return [
        *spans,
        *[_Span(one.since, one.until, f"SUSPENSION_{one.why}") for one in life.suspensions
          if one.why is not Suspension.REPORT_OVERDUE],
    ]  # fmt: skip


def _history(life: Life, term: _Term, ends: Change | None, scheme: Scheme, as_of: date) -> Iterator[Change]:
    """Every change of state up to a day, and every renewal."""
    yield Change(life.awarded_on, CertificateState.ACTIVE, Kind.NEW)
    spans = _suspended(life, term, scheme, as_of)
    renewed = dict(term.renewed)
    days = {*renewed, *[one.first for one in spans], *[one.until for one in spans if one.until]}
    state = CertificateState.ACTIVE
    for day in sorted(one for one in days if one <= as_of and (ends is None or one < ends.on)):
        why = next((one.why for one in spans if one.covers(day)), "")
        now = CertificateState.SUSPENDED if why else CertificateState.ACTIVE
        if now is not state or day in renewed:
            yield Change(day, now, renewed.get(day, "") or why or "REINSTATED")
        state = now
    if ends:
        yield ends
