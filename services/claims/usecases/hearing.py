"""Hearing that a person's coverage is known otherwise, and that a claim's time of waiting is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from services.claims import store
from services.claims.store import Heard, Look
from services.claims.usecases.again import Answers, decide_again, look
from services.claims.usecases.office import Office
from services.claims.wire import registry as asking
from services.kit import telemetry
from services.kit.db import Database, Tx
from services.kit.parking import Message
from services.kit.timer import narrowed

_log = telemetry.log(__name__)


@dataclass(frozen=True, slots=True)
class Hearing:
    """A batch of events, the latest of each person, with what the registry answers about their claims."""

    heard: tuple[Heard, ...]
    answers: Answers
    cause: str


async def prepare_hearing(office: Office, database: Database, messages: Sequence[Message]) -> Hearing:
    """Read a batch of events and ask about all the claims that rest on its persons; mostly there are none."""
    heard: dict[object, Heard] = {}
    for message in messages:
        changed = asking.changed(message.value)
        if changed is not None and (changed.person not in heard or heard[changed.person].version < changed.version):
            heard[changed.person] = Heard(*changed)
    looks = await store.looks_of(database, [one.person for one in heard.values()])
    return Hearing(tuple(heard.values()), await look(office, looks), messages[-1].position)


async def hear(office: Office, tx: Tx, hearing: Hearing) -> None:
    """Decide the claims again that rest on those of whom there is news. The same events again are none."""
    heard, hers = {one.person for one in hearing.heard}, {one.person for one in hearing.answers.coverage}
    if not hers <= heard:  # wives of husbands: all are locked in one order, before some of them are written
        await store.lock_persons(tx, heard | hers)
    news = await store.hear(tx, hearing.heard)
    if not news:
        return
    known = await store.of_persons(tx, news)
    if known:
        await decide_again(office, tx, known, hearing.answers, cause=hearing.cause)


async def expire(office: Office, database: Database) -> int:
    """Look once more at claims whose time of waiting is over, and return those that still cannot be decided.

    Answers how many. Whoever is faster has them: they are looked at under their locks.
    """
    due = await store.due(database, office.clock.today(), office.settings.timer_claims_max)
    if not due:
        return 0
    changed = await narrowed(partial(_expire, office, database), due, lambda one: one[0])
    _log.info("waited too long", claims=changed)
    return changed


async def _expire(office: Office, database: Database, due: Sequence[tuple[UUID, Look | None]]) -> int:
    answers = await look(office, sorted({one for _, one in due if one}))
    async with database.transaction() as tx:
        await store.lock_persons(tx, {one.person for _, one in due if one})
        known = [
            one
            for one in await store.of_claims(tx, [claim_id for claim_id, _ in due])
            if one.due_on is not None and one.due_on < office.clock.today()
        ]
        outcome = await decide_again(office, tx, known, answers, overdue=True, cause="timer")
    return len(outcome.changes)
