"""The queue of reviews as claims come and go: what a person must look at is asked, what was settled is closed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.claims import rules, store
from services.claims.model import ClaimKind, State
from services.claims.model.review import QUALITY_SAMPLE, RISK, Review
from services.claims.store import Settled, reviews
from services.kit import telemetry
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from services.kit.dates import civil
from services.kit.db import Database, Tx
from services.kit.ids import new_id
from services.kit.law import Law

_DATED_MAX = 1000


class Drawn(NamedTuple):
    """A sample: out of how many, how many, and how many of these for the first time."""

    population: int
    drawn: int
    opened: int


async def queue(tx: Tx, settled: Iterable[Settled], law: Law, now: datetime) -> None:
    """Ask about claims of a batch that wait for a person, and close what was asked about those that changed.

    A batch in which nothing waits and nothing was corrected costs no statement.
    """
    last = {s.claim.id: s for s in settled if s.accepted and s.claim}
    if changed := [claim_id for claim_id, s in last.items() if s.claim and s.claim.version > 1]:
        await reviews.supersede(tx, changed, now)
    await reviews.open_reviews(tx, [r for s in last.values() if (r := review_of(s, law, now))])


async def settle_again(
    tx: Tx, settled: Settled, law: Law, now: datetime, known_at: datetime, *, but: UUID | None = None
) -> None:
    """Write what became of a claim without its sender's doing, and close what else was asked about it."""
    await store.save_settled(tx, [settled], law=law, rules=rules.REVISION, known_at=known_at, now=now)
    if settled.claim is not None:
        await reviews.supersede(tx, [settled.claim.id], now, but=but)


def review_of(settled: Settled, law: Law, now: datetime) -> Review | None:
    """The question a settled claim leaves to a person, if it leaves one."""
    claim, code = settled.claim, rules.review.question(given.code for given in settled.reasons)
    if claim is None or code is None or claim.state in _OVER:
        return None
    return ask(claim.id, claim.version, ClaimKind.ALLOWANCE, code, claim.received_at, law, now)


_OVER = {State.DENIED, State.DUPLICATE}


def ask(  # noqa: PLR0917  # all of it makes the question
    claim_id: UUID, version: int, kind: ClaimKind, code: str, received_at: datetime, law: Law, now: datetime
) -> Review:
    due = rules.review.due_on(kind, civil(received_at), law, CALENDAR)
    return Review(new_id(), claim_id, version, kind, code, due, RISK[code], now, now)


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
    if dated := [(one, day) for one, day in due if day is not None]:
        await reviews.date_reviews(database, dated)
