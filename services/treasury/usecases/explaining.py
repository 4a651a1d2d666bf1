"""Breaks are worked by two persons: one proposes how they end, another agrees, and what money moves moves then.

`counties`: those that who acts is bound to; None is everywhere. Breaks and payments outside them are not there, whether
the break in hand is one or ends with one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from services.kit.calendar import CALENDAR
from services.kit.dates import civil
from services.kit.db import Tx
from services.kit.errors import Invalid, NotFound, Refused, Stale
from services.kit.messages import reason
from services.treasury import store
from services.treasury.model import Order, Payment
from services.treasury.model.breaks import STOPPED, Awaited, Break, BreakKind, Proposal, Way
from services.treasury.rules.adopting import beyond_fen, fitting, reserved
from services.treasury.rules.explaining import About, ended, needs_second, refusal
from services.treasury.rules.paying import Kind, steps, together
from services.treasury.rules.proving import is_proven, proof_days
from services.treasury.rules.recovering import may_keep_again
from services.treasury.store import breaks, days, files, heard, payments, recoveries, runs
from services.treasury.store.breaks import Counter, Step
from services.treasury.usecases import holding, recovering
from services.treasury.usecases.approving import lock_lines
from services.treasury.usecases.moving import move
from services.treasury.usecases.paydesk import PayDesk

_DAY: Final = timedelta(days=1)
Counties: TypeAlias = Sequence[str] | None


class _Held(NamedTuple):
    """Breaks, locked, the one that was asked about first; and the payment they are to end with."""

    breaks: list[Break]
    about: About | None
    is_proven: bool
    is_lost: bool
    orders: dict[int, Order]


async def explain(
    pay: PayDesk, tx: Tx, break_id: int, etag: str, *, proposal: Proposal, actor: str, counties: Counties = None
) -> Break:
    """Say how a break ends. It has ended if one person is enough."""
    if proposal.why and proposal.way != Way.EXPLAINED:
        raise Invalid(reason("BREAK_REASON_WITH_EXPLAINED", "why"))
    held = await _hold(pay, tx, break_id, etag, proposal=proposal, counties=counties)
    if any(one.proposed_by for one in held.breaks):
        raise Refused(reason("BREAK_PROPOSED", "name"))
    if code := refusal(held.breaks, proposal, held.about, is_proven=held.is_proven, is_lost=held.is_lost):
        raise Refused(reason(code, "way"))
    now = pay.desk.clock.now()
    await breaks.propose(tx, held.breaks, proposal, Step("PROPOSED", actor, now))
    if not needs_second(held.breaks):
        await breaks.end(tx, held.breaks, proposal, Step("ENDED", actor, now), None)
    return await _now(tx, break_id)


async def approve(pay: PayDesk, tx: Tx, break_id: int, etag: str, *, actor: str, counties: Counties = None) -> Break:
    """The second person agrees; it is decided anew whether it may end so, by what is known now."""
    proposal, proposer = await _proposed(tx, break_id, counties)
    if proposer == actor:
        raise Refused(reason("RUN_SECOND_PERSON"))
    held = await _hold(pay, tx, break_id, etag, proposal=proposal, counties=counties)
    if code := refusal(held.breaks, proposal, held.about, is_proven=held.is_proven, is_lost=held.is_lost):
        raise Refused(reason(code, "name"))
    counter = await _settle(pay, tx, held, proposal) if held.about else None
    await breaks.end(tx, held.breaks, proposal, Step("ENDED", actor, pay.desk.clock.now()), counter)
    for one in held.breaks:
        if one.kind == BreakKind.BALANCE and one.value_on:
            await days.look_again(tx, one.account, one.value_on)
    await runs.settle_runs(tx)
    return await _now(tx, break_id)


async def refuse(
    pay: PayDesk, tx: Tx, break_id: int, etag: str, *, note: str, actor: str, counties: Counties = None
) -> Break:
    """Take a proposal back, or refuse it: the break is as it was."""
    proposal, _ = await _proposed(tx, break_id, counties)
    held = await _lock(tx, break_id, etag, counties, proposal.others)
    await breaks.withdraw(tx, held, proposal._replace(note=note), Step("REFUSED", actor, pay.desk.clock.now()))
    return await _now(tx, break_id)


async def note_awaited(
    pay: PayDesk,
    tx: Tx,
    break_id: int,
    etag: str,
    *,
    awaited: Awaited,
    note: str,
    actor: str,
    counties: Counties = None,
) -> Break:
    """Note what an open break waits for; it stays open."""
    (one,) = await _lock(tx, break_id, etag, counties)
    if not one.is_open:
        raise Refused(reason("BREAK_ENDED", "name"))
    await breaks.note(tx, one, awaited, note, Step("NOTED", actor, pay.desk.clock.now()))
    return await _now(tx, break_id)


async def retry(pay: PayDesk, tx: Tx, break_id: int, etag: str, *, actor: str, counties: Counties = None) -> Break:
    """Have the message worked again that this break is about: in the next round of the bank role."""
    found = await breaks.by_ids(tx, [break_id], counties)
    if found and found[0].code == STOPPED:  # the message is locked before its break
        await heard.lock(tx, message_id := int(dict(found[0].reasons[0].values)["message"]))
        (one,) = await _lock(tx, break_id, etag, counties)
        if not one.is_open:
            raise Refused(reason("BREAK_ENDED", "name"))
        await heard.go_on(tx, message_id)
        await breaks.retried(tx, one, Step("RETRIED", actor, pay.desk.clock.now()))
        return await _now(tx, break_id)
    await _lock(tx, break_id, etag, counties)
    raise Refused(reason("BREAK_NOTHING_TO_RETRY", "name"))


async def _now(tx: Tx, break_id: int) -> Break:
    (found,) = await breaks.by_ids(tx, [break_id])
    return found


async def _proposed(tx: Tx, break_id: int, counties: Counties) -> tuple[Proposal, str]:
    found = await breaks.by_ids(tx, [break_id], counties)
    if not found:
        raise NotFound(reason("NOT_FOUND", "name", name=f"breaks/{break_id}"))
    one = found[0]
    if not one.is_open:
        raise Refused(reason("BREAK_ENDED", "name"))
    if one.way is None or one.proposed_by is None:
        raise Refused(reason("BREAK_NOT_PROPOSED", "name"))
    return Proposal(one.way, one.why, one.note, one.ends_with, one.ends_payment), one.proposed_by


async def _lock(tx: Tx, break_id: int, etag: str, counties: Counties, others: Sequence[int] = ()) -> list[Break]:
    wanted = {break_id, *others}
    seen = {one.id for one in await breaks.by_ids(tx, wanted, counties)}
    for one in [break_id, *others]:
        if one not in seen:
            raise NotFound(reason("NOT_FOUND", "name" if one == break_id else "others", name=f"breaks/{one}"))
    found = {one.id: one for one in await breaks.lock(tx, wanted)}
    first = found.pop(break_id)
    if etag != str(first.number):
        raise Stale(reason("BREAK_CHANGED", "etag", etag=first.number))
    return [first, *found.values()]


async def _hold(pay: PayDesk, tx: Tx, break_id: int, etag: str, *, proposal: Proposal, counties: Counties) -> _Held:
    """Breaks, then orders, then payments: as everybody locks them. An order whose break may end is locked too, so that
    no plan is made of it meanwhile.
    """
    held = await _lock(tx, break_id, etag, counties, proposal.others)
    wanted = {one.payment_id for one in held if one.payment_id} | ({proposal.payment_id} - {None})
    found = await _payments(tx, [one for one in wanted if one])
    there = {one.id for one in found if counties is None or one.county in counties}
    if proposal.payment_id and proposal.payment_id not in there:
        raise NotFound(reason("NOT_FOUND", "payment", name=f"payments/{proposal.payment_id}"))
    orders, locked = await lock_lines(tx, found)
    named = proposal.payment_id if proposal.way == Way.MATCHED else None
    if proposal.way == Way.NOT_PAID:
        named = held[0].payment_id
    about = next((About(one, orders[one.order_id]) for one in locked if one.id == named), None)
    is_lost = await holding.may_be_lost(pay, tx, [one.id for one in held])
    return _Held(held, about, await _is_proven(tx, held, locked), is_lost, orders)


async def _payments(tx: Tx, ids: Sequence[UUID]) -> list[Payment]:
    return [payment for one in ids if (payment := await payments.by_id(tx, one))]


async def _is_proven(tx: Tx, held: Sequence[Break], locked: Sequence[Payment]) -> bool:
    """Statements since the last of what was said have all that came of it, and a debit would be a break of its own."""
    file_ids = [one.file_id for one in locked if one.file_id]
    proofs = await files.proofs(tx, file_ids)
    if not proofs:
        return False
    accounts = {one.account for one in proofs.values()}
    said_on = [civil(one.received_at) for one in held] + [one.value_on for one in held if one.value_on]
    needed = proof_days(max(said_on), max(one.execute_on for one in proofs.values()), CALENDAR)
    covered = await heard.covered(tx, accounts, min(said_on) - _DAY)
    return all(is_proven(needed, covered.get(account, set())) for account in accounts)


async def _settle(pay: PayDesk, tx: Tx, held: _Held, proposal: Proposal) -> Counter | None:
    """Move the payment, and say what the ledger has for it, where a statement has it."""
    if held.about is None:
        return None
    before = held.about.payment
    after = ended(before, held.breaks, proposal)
    orders = held.orders
    if Kind.REVIVE in {step.kind for step in steps(before, after, pay.desk.clock.today())}:
        orders = {**orders, before.order_id: await _reserved(pay, tx, held.about, orders)}
    await move(pay.desk, tx, [(before, after)], orders)
    first = held.breaks[0]
    if not first.is_on_statement or after.file_id is None:
        return None
    account = (await files.debtors(tx, [after.file_id]))[after.file_id]
    return Counter(first.id, account, *_counter(before, after, pay.desk.clock.today(), held.breaks))


async def _reserved(pay: PayDesk, tx: Tx, about: About, orders: Mapping[int, Order]) -> Order:
    """The order, with all reserved that stands as paid again. `orders` are all that move with it."""
    payment, order = about
    paid, today = (order, payment.amount_fen), pay.desk.clock.today()
    if not beyond_fen(*paid) and not payment.offset_fen:
        return order
    await recovering.lock_money(tx, orders, [payment])
    if not may_keep_again(await recoveries.offsets(tx, [payment.id]), await recoveries.lock(tx, orders), orders):
        raise Refused(reason("BREAK_OFFSET_GONE", "name"))
    budgets = await store.lock_budgets(tx, {order.budget_id})
    if not all(fitting([paid], budgets)):
        raise Refused(reason("BREAK_BUDGET_SHORT", "name"))
    after, transfers, shift = reserved(paid, budgets[order.budget_id], today)
    await store.append(tx, transfers, today, pay.desk.clock.now())
    await payments.shift(tx, together([shift]))
    return after


def _counter(before: Payment, after: Payment, today: date, ended_with: Sequence[Break]) -> tuple[int, date | None]:
    """What was booked for it now, or was before by an advice."""
    for step in steps(before, after, today):
        if step.kind in {Kind.SPEND, Kind.REVIVE}:
            return after.net_fen, step.effective_on
        if step.kind == Kind.RETURN:
            return -after.net_fen, step.effective_on
    if sum(one.signed_fen for one in ended_with) > 0:
        return -after.net_fen, after.returned_on
    return after.net_fen, after.debited_on
