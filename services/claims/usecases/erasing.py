"""Erasing a person here too, once the registry has: nothing that can be opened is left of her, and no sum changes.

What comes later of her is decided as of anybody, by her reference, and nothing of it is kept that can be opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from services.claims.model import Claim
from services.claims.store import erasing
from services.claims.store.erasing import Erasure, Gone
from services.claims.usecases.office import Office
from services.claims.wire import registry as asking
from services.kit import telemetry
from services.kit.db import Database, Tx
from services.kit.errors import Invalid
from services.kit.messages import reason
from services.kit.parking import Message


def read(messages: Sequence[Message]) -> list[Erasure]:
    """Who was erased, each once. The same event again says the same."""
    found = [asking.erased(message.value) for message in messages]
    return [Erasure(*told) for told in {one.person: one for one in found if one is not None}.values()]


async def erase(office: Office, tx: Tx, heard: Sequence[Erasure]) -> None:
    """Take away what can be opened of those of whom it is news."""
    if not heard or not (news := await erasing.mark(tx, heard)):
        return
    gone = await erasing.take_away(tx, news)
    await erasing.keep(tx, heard, gone, office.clock.now())
    tx.after_commit(partial(_count, list(gone.values())))


def _count(gone: Sequence[Gone]) -> None:
    telemetry.ERASED.labels("persons").inc(len(gone))
    telemetry.ERASED.labels("submissions").inc(sum(one.submissions for one in gone))
    telemetry.ERASED.labels("notes").inc(sum(one.notes for one in gone))
    telemetry.ERASED.labels("keys").inc(sum(one.keys for one in gone))


async def forget_unnamed(office: Office, database: Database) -> int:
    """What names nobody we know of can be taken away with nobody: it goes when its topic has lost it too."""
    before = office.clock.now() - timedelta(days=office.settings.unnamed_kept_days)
    async with database.transaction() as tx:
        taken = await erasing.take_unnamed(tx, before)
        tx.after_commit(partial(telemetry.ERASED.labels("unnamed").inc, taken))
    return taken


async def may_note(tx: Tx, claim: Claim, note: str, field: str) -> None:
    """Own words about a claim are kept under the locks of whom it names. Raises Invalid if one of them was erased."""
    if note and await erasing.erased(tx, named(claim)):
        raise Invalid(reason("NOTE_NOT_KEPT", field))


def named(claim: Claim) -> set[UUID]:
    """The woman, and the husband whom the claim names."""
    return {one for one in (claim.person, claim.husband) if one is not None}
