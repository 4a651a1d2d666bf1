"""Handing in over gRPC: read, intend, append, note the place. The worker stays the only writer of claims.

An id stands for one submission of a source: the `request_id` of a call (number 0), or a stream's id with a number. The
intent is committed before the record leaves. After a crash between the two the id has no place, and whoever comes back
with it sends again: should the first record have arrived after all, the worker knows the second by number, revision
and content, and answers it as a duplicate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from cradle.claims.v1 import intake_pb2, receipt_pb2

from services.claims import rules, store
from services.claims.model import ReceiptStatus, Received
from services.claims.store import NOBODY, Place, Settled
from services.claims.wire import intake
from services.kit import telemetry
from services.kit.appending import Appender
from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.errors import Invalid, Unavailable
from services.kit.ids import new_id
from services.kit.law import Law
from services.kit.member_key import member_key
from services.kit.messages import Reason, reason
from services.kit.parking import Message
from services.kit.seal import Sealer
from services.kit.settings import Settings
from services.kit.tail import Tail
from services.kit.timer import every

CALL: Final = 0  # the number of a single call in the stream that its request_id is
_NOWHERE: Final = -1  # the partition of what was never on a topic
_FORGET_EVERY_S: Final = 600.0
_PAUSES_S: Final = (0.05, 0.1, 0.2, 0.4)  # so long we wait for another call under the same id


class _BeingSentError(Unavailable):
    """Another call has it under the same id, and is about to note its place or to die."""


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """What handing in needs around it. `receipts` looks on at every source's receipts."""

    settings: Settings
    clock: Clock
    law: Law
    sealer: Sealer
    database: Database
    appender: Appender
    receipts: Tail
    under_way: set[asyncio.Future[Any]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Entry:
    """One submission as it was handed in."""

    number: int
    intake: intake_pb2.ClaimIntake
    member_key: bytes = b""
    problems: tuple[Reason, ...] = ()  # of its shape

    @property
    def key(self) -> bytes:
        """The key of its record. A void names no person, so its sender says under which key the claim went."""
        match self.intake.WhichOneof("event"):
            case "submit":
                return member_key(self.intake.submit.claim.person_id_number)
            case "replace":
                return member_key(self.intake.replace.claim.person_id_number)
            case _:
                return self.member_key

    @property
    def value(self) -> bytes:
        return self.intake.SerializeToString(deterministic=True)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an entry: it has a place, or there are reasons why it was refused."""

    number: int
    place: Place | None = None
    repeated: bool = False
    reasons: tuple[Reason, ...] = ()
    at_s: float = field(default_factory=time.monotonic)


def refusals(desk: FrontDesk, source: str, entry: Entry, *, only_read: bool = False) -> tuple[Reason, ...]:
    """What the worker would return it for by itself, read as the worker reads it; nothing on file is looked at.

    `only_read`: it is not to be sent from here, so control totals are read too.
    """
    if entry.problems:
        return entry.problems
    kind = entry.intake.WhichOneof("event")
    if kind == "control_totals" and not only_read:
        return (reason("CONTROL_TOTALS_BY_TOPIC", "intake.control_totals"),)
    found = [
        Reason(one.code, f"intake.{one.field}".rstrip("."), one.values) for one in _read(desk, source, entry).reasons
    ]
    if kind == "void" and not entry.member_key:
        found.append(reason("FIELD_REQUIRED", "member_key"))
    return tuple(found)


def _read(desk: FrontDesk, source: str, entry: Entry) -> Received:
    now_ms = int(desk.clock.now().timestamp() * 1000)
    message = Message(intake.INTAKE + source, _NOWHERE, entry.number, None, entry.value, now_ms)
    first_day, bytes_max = rules.first_day(desk.law), desk.settings.message_bytes_max
    return intake.read(message, desk.clock.today(), first_day, bytes_max, desk.sealer.digest)


async def submit(desk: FrontDesk, source: str, request_id: UUID, entry: Entry) -> Taken:
    """Hand in one submission. Raises Invalid with everything that is wrong with it."""
    if problems := refusals(desk, source, entry):
        telemetry.HANDED_IN.labels(source, "refused").inc()
        taken = Taken(entry.number, reasons=problems)
    else:
        (taken,) = await hand_in(desk, source, request_id, [entry])
    if taken.reasons:
        await keep_refused(desk, source, request_id, [(entry, taken)])
        raise Invalid(*taken.reasons)
    return taken


async def keep_refused(desk: FrontDesk, source: str, stream: UUID, refused: Sequence[tuple[Entry, Taken]]) -> None:
    """Write down what was not taken, as the worker does what it returns: its bytes sealed, the codes of its reasons.

    Control totals do not count it, for its sender was told before it was sent. Of what is too large only the digest
    is kept.
    """
    settled, sealed = [], []
    for entry, taken in refused:
        position = f"grpc/{stream}/{_NOWHERE}/{entry.number}"
        read = _read(desk, source, entry)._replace(position=position, sent=None, submit_date=None)
        value = read.value if len(read.value) <= desk.settings.message_bytes_max else b""
        settled.append(Settled(read, ReceiptStatus.RETURNED, new_id(), taken.reasons))
        sealed.append(desk.sealer.seal(value, position.encode()))
    async with desk.database.transaction() as tx:
        # Nobody was looked up yet: they go with what names nobody.
        await store.save_submissions(tx, settled, [NOBODY] * len(settled), sealed)


async def hand_in(desk: FrontDesk, source: str, stream: UUID, entries: Sequence[Entry]) -> list[Taken]:
    """Append what was not appended before, in order, and answer where each lies; all of them were read.

    Once begun it is done to the end, also if the caller leaves: else its intents would stand unsent until their time
    is over, and the caller could not come back before. Raises Unavailable if one could not be sent, or is just being
    sent by another call under the same id.
    """
    doing = asyncio.ensure_future(_patiently(desk, source, stream, entries))
    desk.under_way.add(doing)
    doing.add_done_callback(partial(_done, desk))
    return await asyncio.shield(doing)


def _done(desk: FrontDesk, doing: asyncio.Future[list[Taken]]) -> None:
    desk.under_way.discard(doing)
    if not doing.cancelled():
        doing.exception()  # whoever waits is told; if nobody does, it was a failure of an id that may come again


async def _patiently(desk: FrontDesk, source: str, stream: UUID, entries: Sequence[Entry]) -> list[Taken]:
    for pause_s in _PAUSES_S:
        try:
            return await _hand_in(desk, source, stream, entries)
        except _BeingSentError:
            await asyncio.sleep(pause_s)
    return await _hand_in(desk, source, stream, entries)


async def _hand_in(desk: FrontDesk, source: str, stream: UUID, entries: Sequence[Entry]) -> list[Taken]:
    bodies = {entry.number: desk.sealer.digest(entry.key + entry.value) for entry in entries}
    ours, others = await store.intend(desk.database, source, stream, bodies, _lease(desk))
    if any(one.place is None and one.body_digest == bodies[number] for number, one in others.items()):
        await store.give_up(desk.database, source, stream, ours, desk.clock.now())
        raise _BeingSentError("another call is sending it")
    places = await _append(desk, source, stream, [entry for entry in entries if entry.number in ours])
    return [_taken(source, entry.number, bodies[entry.number], others, places) for entry in entries]


def _lease(desk: FrontDesk) -> store.Lease:
    now = desk.clock.now()
    # Twice as long as we try: whoever takes over must not meet a sender that is still at it.
    length = timedelta(seconds=2 * desk.settings.append_timeout_s)
    return store.Lease(now, now + length, now + timedelta(days=desk.settings.requests_kept_days))


def _taken(
    source: str, number: int, body: bytes, others: Mapping[int, store.HandedIn], places: Mapping[int, Place]
) -> Taken:
    before = others.get(number)
    if before is None:
        telemetry.HANDED_IN.labels(source, "appended").inc()
        return Taken(number, places[number])
    if before.body_digest != body:
        telemetry.HANDED_IN.labels(source, "refused").inc()
        return Taken(number, reasons=(reason("REQUEST_ID_REUSED", "number" if number else "request_id"),))
    telemetry.HANDED_IN.labels(source, "repeated").inc()
    return Taken(number, before.place, repeated=True)


async def _append(desk: FrontDesk, source: str, stream: UUID, entries: Sequence[Entry]) -> dict[int, Place]:
    if not entries:
        return {}
    appended = await desk.appender.append(intake.INTAKE + source, [(entry.key, entry.value) for entry in entries])
    places = {
        entry.number: Place(one.partition, one.offset, one.at)
        for entry, one in zip(entries, appended, strict=True)
        if one is not None
    }
    await store.placed(desk.database, source, stream, list(places.items()))
    if len(places) < len(entries):
        await store.give_up(desk.database, source, stream, [entry.number for entry in entries], desk.clock.now())
        raise Unavailable("the broker did not answer in time")
    return places


def position(source: str, place: Place) -> receipt_pb2.RecordPosition:
    return receipt_pb2.RecordPosition(topic=intake.INTAKE + source, partition=place.partition, offset=place.offset)


async def receipt(desk: FrontDesk, source: str, taken: Taken, wait_s: float) -> receipt_pb2.ClaimReceipt | None:
    """The receipt of what was taken, or None if it does not come in time; to be asked while following."""
    if taken.place is None:
        return None
    if taken.repeated:
        desk.receipts.cover(taken.place.appended_at)
    where = position(source, taken.place)
    value = await desk.receipts.caused_by(f"{where.topic}/{where.partition}/{where.offset}", wait_s)
    return None if value is None else receipt_pb2.ClaimReceipt.FromString(value)


async def forget(desk: FrontDesk, stopping: asyncio.Event) -> None:
    """Delete expired ids, for as long as the process lives."""
    await every(_FORGET_EVERY_S, stopping, partial(_forget_all, desk))


async def _forget_all(desk: FrontDesk) -> None:
    while await store.forget(desk.database, desk.clock.now()):
        pass  # some thousands at a time, so that nobody waits for long
