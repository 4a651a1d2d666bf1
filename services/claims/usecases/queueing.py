"""The queue of reviews as claims come and go: what a person must look at is asked, what was settled is closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from services.claims import rules
from services.claims.model import Claim, ClaimKind, State
from services.claims.model.review import QUALITY_SAMPLE, RECIPIENT_MISSING, RISK, SUPERVISED, Review
from services.claims.store import Change, appeals, reviews
from services.claims.usecases.batch import Terms
from services.kit import telemetry
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from services.kit.dates import civil
from services.kit.db import Database, Tx
from services.kit.ids import new_id
from services.kit.law import Law

_DATED_MAX = 1000


Told = tuple[Change, Sequence[str]]  # what became of a claim, and the codes its sender is told


class Drawn(NamedTuple):
    """A sample: out of how many, how many, and how many of these for the first time."""

    population: int
    drawn: int
    opened: int


async def queue(tx: Tx, told: Iterable[Told], terms: Terms) -> None:
    """Ask about claims of a batch that wait for a person, and close what was asked about those that changed.

    A batch in which nothing waits and nothing was corrected costs no statement.
    """
    last = {change.claim.id: (change, reasons) for change, reasons in told}
    if changed := [claim_id for claim_id, (change, _) in last.items() if change.claim.version > 1]:
        await reviews.supersede(tx, changed, terms.now)
    asked = [review for change, reasons in last.values() for review in questions_of(change, reasons, terms)]
    await reviews.open_reviews(tx, asked)


def questions_of(change: Change, reasons: Sequence[str], terms: Terms) -> list[Review]:
    """What a claim leaves to a person: mostly nothing. What is owed and cannot be ordered is asked beside all else."""
    claim = change.claim
    code = rules.review.question(_asked(claim.state, reasons))
    asked = [ask(claim, code, terms)] if code is not None else []
    return [*asked, ask(claim, RECIPIENT_MISSING, terms)] if change.without_payee else asked


def _asked(state: State, reasons: Sequence[str]) -> Iterable[str]:
    """What may be a question. Whether something is asked for twice is one once it is decided."""
    match state:
        case State.PENDED:
            return [code for code in reasons if code not in SUPERVISED]
        case State.APPROVED | State.PARTIALLY_APPROVED:
            return reasons
        case _:
            return SUPERVISED.intersection(reasons)


def ask(claim: Claim, code: str, terms: Terms) -> Review:
    if code in SUPERVISED:
        return ask_decided(claim, code, terms)
    due = rules.review.due_on(claim.kind, civil(claim.received_at), terms.law, CALENDAR)
    return Review(new_id(), claim.id, claim.version, claim.kind, code, due, RISK[code], terms.now, terms.now)


def ask_decided(claim: Claim, code: str, terms: Terms) -> Review:
    """Due by the office's own term: that of the law runs from the arrival of a claim, and this one was decided."""
    by = terms.review_by
    return Review(new_id(), claim.id, claim.version, claim.kind, code, by, RISK[code], terms.now, terms.now)


async def sample(
    database: Database, now: datetime, *, seed: int, share_ppm: int, since: date, county: str, open_them: bool
) -> Drawn:
    """Draw approved claims for a second look. The same draw again opens nothing twice."""
    async with database.transaction() as tx:
        population, drawn = await reviews.draw(tx, seed=seed, share_ppm=share_ppm, since=since, county=county)
        opened = await reviews.open_reviews(tx, [_second_look(one, now) for one in drawn]) if open_them else 0
    return Drawn(population, len(drawn), opened)


def _second_look(one: reviews.Sampled, now: datetime) -> Review:
    """No law sets a term for it."""
    return Review(new_id(), one.claim_id, one.version, one.kind, QUALITY_SAMPLE, None, RISK[QUALITY_SAMPLE], now, now)


async def watch(database: Database, law: Law, clock: Clock) -> None:
    """Tell the metrics how many reviews are open and overdue, and date those whose year is held by now."""
    await _date(database, law)
    found = {ClaimKind(count.kind): count for count in await reviews.counts(database, clock.today())}
    for kind in ClaimKind:
        count = found.get(kind)
        telemetry.REVIEWS_OPEN.labels(kind).set(count.open if count else 0)
        telemetry.REVIEWS_OVERDUE.labels(kind).set(count.overdue if count else 0)


async def _date(database: Database, law: Law) -> None:
    waiting = await reviews.undated(database, _DATED_MAX)
    due = [(one, rules.review.due_on(kind, civil(received), law, CALENDAR)) for one, kind, received in waiting]
    appealed = await appeals.undated(database, _DATED_MAX)
    due += [(one, rules.appealing.due_on(filed, law, CALENDAR)) for one, filed in appealed]
    if dated := [(one, day) for one, day in due if day is not None]:
        await reviews.date_reviews(database, dated)
