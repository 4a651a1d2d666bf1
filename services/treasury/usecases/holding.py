"""HOLD: nothing leaves, from when the database turns out to be older than what was sent, until two persons lift it.

The bank role looks before each of its rounds. It begins a HOLD by itself when the mark outside the database names a
file that the database did not send, or is gone although files were sent, or when the bank tells of a payment whose id
we made and the database does not know. Whoever restores says so beforehand all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

from services.kit.calendar import CALENDAR
from services.kit.dates import civil
from services.kit.db import Database, Tx
from services.kit.errors import Refused
from services.kit.ids import new_id
from services.kit.messages import reason
from services.treasury.bank import marking, reference
from services.treasury.model.holding import Cause, Lacking, Mark, OnHold
from services.treasury.rules import holding as rules
from services.treasury.store import heard, recoveries
from services.treasury.store import holding as store
from services.treasury.usecases.paydesk import PayDesk

BANK_ROLE: Final = "treasury/bank"


async def refuse(tx: Tx) -> None:
    """Raises Refused while there is a HOLD."""
    if await store.is_held_now(tx):
        raise Refused(reason("TREASURY_HOLD"))


async def look(pay: PayDesk, spool: Path, known_at: datetime | None = None) -> OnHold | None:
    """The HOLD there is, or begins now; None if payments may leave. `known_at`: the last that was known of banks before
    the first was heard again; what was heard since tells nothing of how much was lost.
    """
    text = await asyncio.to_thread(marking.read, spool)
    last = await store.latest(pay.database)
    if last is not None and last.lifted_at is None:
        if last.mark is not None:
            return last
        async with pay.database.transaction() as tx:
            return await _seen(pay, tx, last, text)
    if not await _is_known(pay.database, text) and not await _is_acknowledged(pay.database, last, text):
        return await _begin(pay, Cause.MARK_AHEAD if text else Cause.MARK_MISSING, text, known_at)
    if await lost_debits(pay.database):
        return await _begin(pay, Cause.UNKNOWN_PAYMENT, text, known_at)
    if last is not None and _hold_of(text) != str(last.id):
        await _mark_anew(pay, spool, last)
    return None


async def note(pay: PayDesk, spool: Path, file: str, execute_on: date) -> None:
    """Put on record outside the database that a file is about to leave."""
    before = marking.parse(await asyncio.to_thread(marking.read, spool))
    last = await store.latest(pay.database)
    sent_to = max(execute_on, pay.desk.clock.today(), before.sent_to if before else date.min)
    mark = Mark(file, sent_to, str(last.id) if last else "")
    await asyncio.to_thread(marking.write, spool, mark)


async def _seen(pay: PayDesk, tx: Tx, hold: OnHold, text: str) -> OnHold:
    """Whoever began it did not see the mark: what it says is kept with the HOLD, once."""
    await store.alone(tx)
    mark = marking.parse(text)
    seen = hold._replace(mark=text, sent_to=max(hold.sent_to, mark.sent_to if mark else date.min))
    await store.save(tx, seen, pay.desk.clock.now())
    return seen


async def _is_known(database: Database, text: str) -> bool:
    if not text:
        return not await store.has_handed_over(database, None)
    mark = marking.parse(text)
    return mark is not None and await store.is_known(database, mark.file, mark.hold)


async def _is_acknowledged(database: Database, last: OnHold | None, text: str) -> bool:
    """Two persons have lifted a HOLD in which exactly this was seen, and nothing has left since."""
    if last is None or last.mark != text:
        return False
    return not await store.has_handed_over(database, last.lifted_at)


async def lost_debits(source: Database | Tx, breaks: Collection[int] | None = None) -> dict[str, bytes]:
    """References of open debits, of these breaks or of all, by which we made payments that are not here; and the ends
    of their ids, which tell their orders. What is taken back of a repayment names a recovery, and is no payment.
    """
    return await _lost(source, await store.unknown_movements(source, breaks, is_credit=False))


async def _lost(source: Database | Tx, references: Collection[str]) -> dict[str, bytes]:
    ids = {one: reference.payment_of(one) for one in references}
    subjects = {one: (payment, rules.subject_of(payment)) for one, payment in ids.items() if payment is not None}
    repaid = await recoveries.orders_of(source, [payment for payment, subject in subjects.values() if subject])
    return {one: subject for one, (payment, subject) in subjects.items() if subject and payment not in repaid}


async def may_be_lost(pay: PayDesk, tx: Tx, breaks: Collection[int]) -> bool:
    """Whether one of these is a debit of a payment that may have been lost: of an order that is here; or of none, as
    long as the statements of the HOLD are not whole, for until then orders may not have been read again. So it is with
    what came back of one in a HOLD: its debit may be on a statement that is not here.
    """
    debits = await lost_debits(tx, breaks)
    hold = await store.latest(tx)
    if hold is None or hold.lifted_at is not None:
        return bool(debits)
    if debits and (hold.mark is None or await store.orders_of(tx, debits.values())):
        return True
    meant = debits or await _lost(tx, await store.unknown_movements(tx, breaks, is_credit=True))
    return bool(meant) and not await is_whole(pay, tx, hold)


def _hold_of(text: str) -> str:
    mark = marking.parse(text)
    return mark.hold if mark else ""


async def _mark_anew(pay: PayDesk, spool: Path, lifted: OnHold) -> None:
    """From here on what the database knows is what was sent."""
    file, sent_to = await store.last_sent(pay.database)
    mark = Mark(file, max(sent_to or date.min, lifted.sent_to), str(lifted.id))
    await asyncio.to_thread(marking.write, spool, mark)


async def _begin(pay: PayDesk, cause: Cause, text: str, known_at: datetime | None) -> OnHold:
    async with pay.database.transaction() as tx:
        return await _seen(pay, tx, await begin(pay, tx, cause, BANK_ROLE, known_at), text)


async def begin(pay: PayDesk, tx: Tx, cause: Cause, actor: str, known_at: datetime | None = None) -> OnHold:
    """The one there is, or a new one."""
    await store.alone(tx)
    last = await store.latest(tx)
    if last is not None and last.lifted_at is None:
        return last
    now, today = pay.desk.clock.now(), pay.desk.clock.today()
    last_at, first_on = await store.last_known(tx)
    since_at = known_at or last_at or datetime.combine(first_on or today, time(), UTC)
    since_on = min(civil(since_at), today)
    hold = OnHold(new_id(), cause, actor, now, since_at, since_on, today, None, "", None, None, None)
    await store.add(tx, hold)
    return hold


# --- lifting ----------------------------------------------------------------------------------------------------------


async def lacking(pay: PayDesk, source: Database | Tx, hold: OnHold) -> Lacking:
    """What must be there before anybody may lift it."""
    accounts = {one.known_as for one in pay.paying.values()} | await store.sending_accounts(source)
    needed = rules.days_needed(hold.since_on, hold.sent_to, CALENDAR)
    items = await store.unfit_items(source) + await store.unapplied(source)
    if needed is None:
        return Lacking((), items, holidays_unknown=True)
    covered = {one: set[date]() for one in accounts} | await heard.covered(source, accounts, hold.since_on)
    return Lacking(rules.days_lacking(needed, covered), items)


async def is_whole(pay: PayDesk, source: Database | Tx, hold: OnHold) -> bool:
    """Whether every statement that the HOLD needs is here, and so all that left until it began."""
    found = await lacking(pay, source, hold)
    return not found.days and not found.holidays_unknown


async def lift(pay: PayDesk, tx: Tx, document: str, actor: str) -> OnHold:
    """The first person proposes; the second, by the same document, lifts it."""
    await store.alone(tx)
    hold = await store.latest(tx)
    if hold is None or hold.lifted_at is not None:
        raise Refused(reason("HOLD_NONE"))
    await _may_lift(pay, tx, hold)
    if hold.proposed_by in {None, actor}:
        if hold.document == document:
            raise Refused(reason("RUN_SECOND_PERSON"))
        after = hold._replace(proposed_by=actor, document=document)
    elif hold.document != document:
        raise Refused(reason("UNKNOWN_OTHER_DOCUMENT", "document"))
    else:
        after = hold._replace(lifted_by=actor, lifted_at=pay.desk.clock.now())
    await store.save(tx, after, pay.desk.clock.now())
    return after


async def _may_lift(pay: PayDesk, tx: Tx, hold: OnHold) -> None:
    if hold.mark is None:
        raise Refused(reason("HOLD_NOT_SEEN"))
    found = await lacking(pay, tx, hold)
    if found.holidays_unknown:
        raise Refused(reason("HOLD_HOLIDAYS_UNKNOWN"))
    if not pay.paying:
        raise Refused(reason("PAYING_ACCOUNT_MISSING"))
    if found.days:
        account, day = found.days[0]
        raise Refused(reason("HOLD_DAYS_LACKING", count=len(found.days), account=account, day=f"{day}"))
    if found.items:
        raise Refused(reason("HOLD_ITEMS_OPEN", count=found.items))
