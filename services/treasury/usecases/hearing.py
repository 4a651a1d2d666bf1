"""Taking in what a bank says: read whole into rows in one transaction, then worked in chunks that go on after a crash.

The same bytes are one message, whoever brings them; half a file, or a hostile one, leaves nothing but an item in the
queue of what fits nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID

import asyncpg

from services.kit.db import Tx
from services.kit.errors import Invalid
from services.kit.messages import Reason, reason
from services.kit.timer import apart, narrowed
from services.treasury.bank import reading, reference
from services.treasury.bank.placing import content_of_stream
from services.treasury.model import Entry, Order, Payment, Said, Source, Unlocked, Unmatched
from services.treasury.model.breaks import STOPPED, UNREAD, BreakKind, Page, kind_of
from services.treasury.rules import hearing
from services.treasury.rules.hearing import Heard
from services.treasury.store import breaks, days, files, heard, payments, recoveries, runs
from services.treasury.usecases.approving import lock_lines
from services.treasury.usecases.moving import Change, move
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.usecases.repaying import Backs
from services.treasury.wire import said as wire
from services.treasury.wire.said import AnswerRow, EntryRow, PageRow, Row, WholeRow

ROWS_MAX: Final = 2000  # of a read
CHUNK: Final = 1000  # records worked in a transaction


class Taken(NamedTuple):
    """A message that is on record. `is_known`: it was before."""

    message: heard.Message
    is_known: bool


class Brought(NamedTuple):
    """A message that lies here, and who brought it."""

    source: BinaryIO
    sha256: bytes
    name: str
    principal: str


async def take_in(pay: PayDesk, path: Path, name: str, principal: str, bytes_max: int) -> Taken | tuple[Reason, ...]:
    """On record and worked; or the reasons why it cannot be taken, which are on record too."""
    with path.open("rb") as source:
        sha256 = await asyncio.to_thread(_digest, source)
        source.seek(0)
        return await take_in_opened(pay, Brought(source, sha256, name, principal), bytes_max)


async def take_in_opened(pay: PayDesk, brought: Brought, bytes_max: int) -> Taken | tuple[Reason, ...]:
    if before := await heard.known(pay.database, brought.sha256):
        await apply(pay, before.id)
        return Taken(before, is_known=True)  # set aside it stays so: the same bytes again change nothing
    try:
        async with pay.database.transaction() as tx:
            await keep(pay, tx, brought, bytes_max)
    except Invalid as refused:
        await refuse(pay, brought.name, brought.sha256, refused.reasons)
        return refused.reasons
    except asyncpg.UniqueViolationError:
        pass  # somebody else brought it at the same time
    message = await heard.known(pay.database, brought.sha256)
    if message is None:
        raise ValueError(f"message {brought.name} was kept and is not there")
    await apply(pay, message.id)
    return Taken(message, is_known=False)


def _digest(source: BinaryIO) -> bytes:
    return content_of_stream(source).sha256


async def unread(pay: PayDesk, name: str, sha256: bytes) -> Reason | None:
    """A bug of ours is about what came: it is an item, and its file is kept for whoever imports it again. None if it is
    on record: then nothing of it is lost.
    """
    if await heard.known(pay.database, sha256):
        return None
    why = reason(UNREAD)
    await refuse(pay, name, sha256, [why])
    return why


async def refuse(pay: PayDesk, name: str, sha256: bytes, reasons: Sequence[Reason]) -> None:
    """What cannot be taken is on record, once by its content."""
    async with pay.database.transaction() as tx:
        await heard.refuse_file(tx, name, sha256, reasons, pay.desk.clock.now())


# --- on record --------------------------------------------------------------------------------------------------------


async def keep(pay: PayDesk, tx: Tx, brought: Brought, bytes_max: int) -> int:
    """All of it, or nothing. Parsing is done in a thread, chunk by chunk, so that memory does not grow."""
    kind = reading.kind_of(brought.source)
    rows = wire.read(brought.source, kind, pay.desk.sealer, bytes_max)
    message_id = await heard.new_message(
        tx, brought.sha256, name=brought.name, principal=brought.principal, kind=kind, now=pay.desk.clock.now()
    )
    number = 0
    while chunk := await asyncio.to_thread(_next, rows):
        number = await _add(tx, message_id, number, chunk)
    await heard.read_whole(tx, message_id, number)
    await days.cover(tx, message_id)
    await breaks.heal_worked(tx, [brought.sha256], pay.desk.clock.now())
    return message_id


def _next(rows: Iterator[Row]) -> list[Row]:
    return list(islice(rows, ROWS_MAX))


async def _add(tx: Tx, message_id: int, number: int, chunk: Sequence[Row]) -> int:
    answers, entries = [], []
    pages: list[Page] = []
    for row in chunk:
        match row:
            case AnswerRow():
                number += 1
                answers.append((message_id, number, *row))
            case EntryRow():
                number += 1
                entries.append((message_id, number, *row))
            case WholeRow():
                number += await heard.answers_of_file(
                    tx,
                    message_id,
                    number,
                    original=row.message_id,
                    kind=row.payee_kind,
                    said=(row.outcome, row.reason, row.said_at),
                )
            case PageRow():
                pages.append(Page(message_id, *row))
    if answers:
        await heard.add_answers(tx, answers)
    if entries:
        await heard.add_entries(tx, entries)
    if pages:
        await days.add_pages(tx, pages)
    return number


# --- worked -----------------------------------------------------------------------------------------------------------


async def apply(pay: PayDesk, message_id: int) -> None:
    """Work what is left of a message, and say so of the runs that ended. One that a bug is about is set aside."""

    async def work_it(some: Sequence[int]) -> int:
        while await _apply_chunk(pay, some[0]):
            pass
        return 1

    await narrowed(work_it, [message_id], lambda number: f"message {number}", partial(_stop, pay))
    async with pay.database.transaction() as tx:
        await runs.settle_runs(tx)


async def apply_all(pay: PayDesk) -> None:
    """Messages that are on record and not yet worked: after a crash, or because a person has asked for it."""

    async def one(message_id: int) -> int:
        await apply(pay, message_id)
        return 1

    await apart(one, await heard.unapplied(pay.database), lambda number: f"message {number}")


async def _stop(pay: PayDesk, message_id: int) -> None:
    async with pay.database.transaction() as tx:
        message = await heard.lock(tx, message_id)
        why = reason(STOPPED, message=message.id, applied=message.applied, records=message.records)
        await heard.stop(tx, message, why, pay.desk.clock.now())


async def _apply_chunk(pay: PayDesk, message_id: int) -> bool:
    async with pay.database.transaction() as tx:
        message = await heard.lock(tx, message_id)
        if message.applied >= message.records or message.is_set_aside:
            return False
        said = await said_of(tx, message, message.applied)
        await work(pay, tx, said, message.name, f"{message.id}")
        await heard.applied(tx, message.id, message.applied + CHUNK)
        if message.applied + CHUNK >= message.records:
            await breaks.heal_worked(tx, [heard.stopped_key(message.id)], pay.desk.clock.now())
        return True


async def said_of(tx: Tx, message: heard.Message, after: int) -> Sequence[Said | Entry]:
    """The next chunk of its records."""
    if message.kind.startswith("camt."):
        return await heard.entries(tx, message.id, after, CHUNK)
    return await heard.answers(tx, message.id, after, CHUNK)


async def work(pay: PayDesk, tx: Tx, said: Sequence[Said | Entry], name: str, place: str) -> int:
    """What is said of payments, in its order: they move, or it waits for a person. What has no day is of today. Answers
    how much waits.
    """
    today = pay.desk.clock.today()
    said = [one._replace(value_on=today) if isinstance(one, Entry) and one.value_on is None else one for one in said]
    references = {one.end_to_end_id for one in said if one.end_to_end_id}
    found = await payments.by_reference(tx, references)
    asked = await _asked_back(tx, said, found)
    orders, standing = await _lock(tx, found, asked.values())
    backs = Backs(await recoveries.lock(tx, orders)) if asked or any(_comes_back(one) for one in said) else Backs({})
    shares = (
        await recoveries.shares(tx, {one.order_id for one in backs.recoveries.values()}) if backs.recoveries else ()
    )
    debtors = await files.debtors(tx, [one.file_id for one in standing.values() if one.file_id])
    changes: list[Change] = []
    aside: list[Unmatched] = []
    for one in said:
        before = standing.get(one.end_to_end_id)
        if before is None and isinstance(one, Entry) and one.is_credit and one.end_to_end_id in asked:
            if code := backs.take(one, reference.decode(one.end_to_end_id)):
                aside.append(_unmatched(one, None, code, place))
            continue
        after = _heard(one, before, debtors)
        if after.payment is not None and before is not None and backs.bars(before, after.payment, shares):
            after = _Result(before, "ENTRY_RETURN_RECOVERED")
        if after.code:
            aside.append(_unmatched(one, before, after.code, place))
        if before is not None and after.payment is not None and after.payment != before:
            standing[one.end_to_end_id] = after.payment
            changes.append((before, after.payment))
    await move(pay.desk, tx, changes, orders, backs.repayments)
    await heard.set_aside(tx, name, aside, pay.desk.clock.now())
    return len(aside)


async def _asked_back(tx: Tx, said: Sequence[Said | Entry], found: Mapping[str, Unlocked]) -> dict[str, int]:
    """Credits on our accounts that name what is asked back: by reference, its order."""
    strange = {
        one.end_to_end_id: reference.payment_of(one.end_to_end_id)
        for one in said
        if isinstance(one, Entry) and _comes_back(one) and one.end_to_end_id not in found
    }
    ids = {recovery_id: text for text, recovery_id in strange.items() if recovery_id is not None}
    if not ids:
        return {}
    return {ids[recovery_id]: order for recovery_id, order in (await recoveries.orders_of(tx, ids)).items()}


def _comes_back(one: Said | Entry) -> bool:
    return isinstance(one, Entry) and one.is_credit


async def _lock(
    tx: Tx, found: Mapping[str, Unlocked], asked: Collection[int]
) -> tuple[dict[int, Order], dict[str, Payment]]:
    if not found and not asked:
        return {}, {}
    orders, locked = await lock_lines(tx, list(found.values()), asked)
    return orders, {one.end_to_end_id: one for one in locked}


class _Result(NamedTuple):
    payment: Payment | None
    code: str


def _heard(one: Said | Entry, payment: Payment | None, debtors: Mapping[UUID, str]) -> _Result:
    if payment is None:
        return _Result(None, "ANSWER_UNKNOWN_ID" if isinstance(one, Said) else _stranger(one))
    made: Heard
    if isinstance(one, Entry):
        made = hearing.booked(payment, one, debtors.get(payment.file_id, "") if payment.file_id else "")
    elif one.outcome == wire.RETURN_NOTE:
        made = hearing.noted(payment, one)
    else:
        made = hearing.answered(payment, one)
    return _Result(*made)


def _stranger(entry: Entry) -> str:
    if entry.end_to_end_id:
        return "ENTRY_UNKNOWN_ID"
    return "ENTRY_UNKNOWN_CREDIT" if entry.is_credit else "ENTRY_UNKNOWN_DEBIT"


def _unmatched(one: Said | Entry, payment: Payment | None, code: str, place: str) -> Unmatched:
    return Unmatched(
        Source.ANSWER if code in hearing.ABOUT_PAYEE else _source(one),
        _key(one, code, place),
        one.end_to_end_id,
        payment.id if payment else None,
        payment.order_id if payment else None,
        one.amount_fen or 0,
        isinstance(one, Entry) and one.is_credit,
        one.value_on if isinstance(one, Entry) else None,
        code,
        *_place(one, code),
    )


def _place(one: Said | Entry, code: str) -> tuple[BreakKind, str, int | None, int]:
    """What kind of break it is, and what the statement has more than the ledger on its account."""
    if isinstance(one, Said) or code in hearing.ABOUT_PAYEE:
        return BreakKind.ANSWER, "", None, 0
    signed_fen = one.amount_fen if one.is_credit else -one.amount_fen
    kind = kind_of(code, is_movement=True, is_credit=one.is_credit)
    return kind, one.account, one.id, signed_fen if one.is_statement else 0


def _source(one: Said | Entry) -> Source:
    if isinstance(one, Said):
        return Source.ANSWER
    return Source.RETURN if one.return_reason else Source.ENTRY


def _key(one: Said | Entry, code: str, place: str) -> bytes:
    """An entry is one, whichever file it is read from; an answer is one of its message."""
    where = f"entry/{one.id}" if isinstance(one, Entry) else f"answer/{place}/{one.number}"
    return hashlib.sha256(f"{where}/{code}".encode()).digest()
