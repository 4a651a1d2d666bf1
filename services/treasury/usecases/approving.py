"""Approving a run, and taking it back: the decision in one transaction, its money in chunks after it.

The second person approves the hash of the plan, which is computed anew from the rows. When a line's money is committed
its payee is asked about once more: an account of another version or content than approved, one that a bank has refused
meanwhile, or an order that was stated anew, drops that line, and its order is free to be planned again. Before a run is
sent later than FRESH_FOR it is asked about again: who has told another account meanwhile is not paid to the old one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.kit.db import Tx
from services.kit.errors import Refused
from services.kit.messages import reason
from services.treasury import store
from services.treasury.model import (
    FIRST_HASH,
    UNSENT,
    Account,
    Exempt,
    Order,
    Payee,
    Payment,
    PaymentState,
    Run,
    RunState,
    Unlocked,
)
from services.treasury.rules.planning import CHANGED, Known, chained, stands
from services.treasury.rules.recovering import is_covered
from services.treasury.rules.refusing import REFUSED
from services.treasury.store import files, heard, payments, recoveries, refused_accounts, runs
from services.treasury.usecases import holding
from services.treasury.usecases.asking import in_hand
from services.treasury.usecases.moving import Change, move
from services.treasury.usecases.paydesk import PayDesk

LINES_MAX: Final = 500  # of a chunk
FRESH_FOR: Final = timedelta(hours=1)  # how long what is committed may be sent without its payees being asked again


async def approve(pay: PayDesk, tx: Tx, run_id: UUID, etag: str, *, plan_hash: bytes, actor: str) -> Run:
    await holding.refuse(tx)
    run = await in_hand(tx, run_id, etag, RunState.APPROVED)
    if actor == run.planned_by:
        raise Refused(reason("RUN_SECOND_PERSON"))
    if not run.planned_count:
        raise Refused(reason("RUN_EMPTY"))
    count, total, found = 0, 0, FIRST_HASH
    async for payment in payments.stream(tx, run_id):
        count, total, found = count + 1, total + payment.amount_fen, chained(found, payment)
    if (count, total, found) != (run.planned_count, run.planned_fen, run.plan_hash) or plan_hash != found:
        raise Refused(reason("RUN_HASH_DIFFERS", "plan_hash"))
    after = run._replace(
        state=RunState.APPROVED, number=run.number + 1, approved_by=actor, approved_at=pay.desk.clock.now()
    )
    await runs.save_run(tx, after)
    return after


async def commit_chunk(pay: PayDesk, run: Run, after: int = 0) -> int:
    """Commit the money of the next lines; after the last the run is ready to be sent. Answers the last line."""
    lines = await payments.of_run_again(pay.database, run.id, {PaymentState.CREATED}, after, LINES_MAX)
    payees = await pay.known({line.payee for line in lines})
    async with pay.database.transaction() as tx:
        now_run = await runs.lock_run(tx, run.id)
        if now_run is None or now_run.state != RunState.APPROVED or now_run.is_ready:
            return 0
        if not lines:
            ready = now_run._replace(is_ready=True, number=now_run.number + 1, checked_at=pay.desk.clock.now())
            await runs.save_run(tx, ready)
            return 0
        orders, found = await lock_lines(tx, lines)
        barred = await _barred(tx, found, orders)
        changes = [
            (one, _committed(pay, one, orders[one.order_id], payees, barred.get(one.id, "")))
            for one in found
            if one.state == PaymentState.CREATED
        ]
        await move(pay.desk, tx, changes, orders)
        await _except(pay, tx, now_run, [after for _, after in changes if after.state == PaymentState.CANCELLED])
    return lines[-1].number


async def check_chunk(pay: PayDesk, run: Run, after: int = 0) -> int:
    """Ask about the payees of committed lines after this one again, as when they were committed; after the last they
    are known anew. Answers the last line. What is dropped gives the run another etag.
    """
    lines = await payments.of_run(pay.database, run.id, {PaymentState.RESERVED}, after, LINES_MAX)
    payees = await pay.known({line.payee for line in lines})
    async with pay.database.transaction() as tx:
        now_run = await runs.lock_run(tx, run.id)
        if now_run is None or now_run.state != RunState.APPROVED or not now_run.is_ready or now_run.sent_by is not None:
            return 0
        if not lines:
            await runs.save_run(tx, now_run._replace(checked_at=pay.desk.clock.now()))
            return 0
        orders, found = await lock_lines(tx, lines)
        barred = await _barred(tx, found, orders)
        changes = [
            (one, after_it)
            for one in found
            if one.state == PaymentState.RESERVED
            and (after_it := _committed(pay, one, orders[one.order_id], payees, barred.get(one.id, ""))) != one
        ]
        if changes:
            await move(pay.desk, tx, changes, orders)
            await _except(pay, tx, now_run._replace(number=now_run.number + 1), [dropped for _, dropped in changes])
    return lines[-1].number


def stale_before(pay: PayDesk) -> datetime:
    return pay.desk.clock.now() - FRESH_FOR


async def _barred(tx: Tx, lines: list[Payment], orders: Collection[int]) -> dict[UUID, str]:
    """Why lines are not paid, whatever else holds."""
    barred = dict.fromkeys(await _unkept(tx, lines, orders), "OFFSET_CHANGED")
    refused = await refused_accounts.of(tx, {refused_accounts.key_of(one) for one in lines})
    barred |= {one.id: ",".join((REFUSED, *why)) for one in lines if (why := refused.get(refused_accounts.key_of(one)))}
    disputed = await heard.disputed_orders(tx, {one.order_id for one in lines})
    barred |= {one.id: "PAYMENT_DISPUTED" for one in lines if one.order_id in disputed}
    return barred


async def _unkept(tx: Tx, lines: list[Payment], orders: Collection[int]) -> set[UUID]:
    """Lines that keep what is not owed back any more, or is disputed by now."""
    offsets = await recoveries.offsets(tx, [one.id for one in lines if one.offset_fen])
    if not offsets:
        return set()
    standing = await recoveries.lock(tx, orders)  # all that may be moved here, in one order
    return {one.payment_id for one in offsets if not is_covered(standing[one.recovery_id])}


def _committed(pay: PayDesk, payment: Payment, order: Order, payees: Mapping[Payee, Known], barred: str) -> Payment:
    """`barred`: why it is not paid whatever else holds."""
    known = payees.get(payment.payee, CHANGED)
    why = barred
    if not stands(payment, order):
        why = "ORDER_CHANGED"
    elif not isinstance(known, Account):
        why = known[0]
    elif (known.version, pay.digest(known)) != (payment.payee_version, payment.account_hash):
        why = "ACCOUNT_CHANGED"
    if why:
        return payment._replace(state=PaymentState.CANCELLED, reason=why)
    return payment._replace(state=PaymentState.RESERVED)


async def _except(pay: PayDesk, tx: Tx, run: Run, dropped: list[Payment]) -> None:
    if not dropped:
        return
    exempt = [Exempt(one.order_id, one.id, one.amount_fen, one.county, tuple(one.reason.split(","))) for one in dropped]
    await runs.save_exceptions(tx, run.id, exempt, pay.desk.clock.now())
    await runs.save_run(tx, run._replace(dropped=run.dropped + len(dropped)))


async def cancel(tx: Tx, run_id: UUID, etag: str) -> Run:
    run = await in_hand(tx, run_id, etag, RunState.CANCELLED)
    await holding.refuse(tx)  # whatever is lost may have been a payment of it
    if run.sent_by is not None and not await files.untouched(tx, run_id):
        raise Refused(reason("RUN_QUEUED"))
    after = run._replace(state=RunState.CANCELLED, number=run.number + 1)
    await runs.save_run(tx, after)
    return after


async def cancel_chunk(pay: PayDesk, run: Run) -> None:
    lines = await payments.of_run(pay.database, run.id, UNSENT, 0, LINES_MAX)
    async with pay.database.transaction() as tx:
        orders, found = await lock_lines(tx, lines)
        changes: list[Change] = [
            (one, one._replace(state=PaymentState.CANCELLED, reason="RUN_CANCELLED"))
            for one in found
            if one.state in UNSENT
        ]
        await move(pay.desk, tx, changes, orders)


async def keep_chunk(pay: PayDesk, lines: list[Unlocked]) -> None:
    """What is kept whole is settled by that: there is nothing for the bank to pay."""
    today = pay.desk.clock.today()
    async with pay.database.transaction() as tx:
        orders, found = await lock_lines(tx, lines)
        changes: list[Change] = [
            (one, one._replace(state=PaymentState.RECONCILED, debited_on=today))
            for one in found
            if one.state == PaymentState.QUEUED and not one.net_fen
        ]
        await move(pay.desk, tx, changes, orders)
        await runs.settle_runs(tx)


async def lock_lines(
    tx: Tx, lines: Sequence[Unlocked | Payment], others: Collection[int] = ()
) -> tuple[dict[int, Order], list[Payment]]:
    """Orders in order of id, those of what is kept among them, then the payments: as everybody locks them."""
    offsets = await recoveries.offsets(tx, keeping) if (keeping := [one.id for one in lines if one.offset_fen]) else []
    wanted = {one.order_id for one in lines} | {one.order_id for one in offsets} | set(others)
    orders = await store.lock_orders(tx, sorted(wanted))
    return {one.id: one for one in orders}, await payments.lock(tx, [one.id for one in lines])
