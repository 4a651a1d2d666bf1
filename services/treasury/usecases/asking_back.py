"""What persons do about a recovery, and what its days do: each in one transaction, with its reason, on record.

Its order is locked first, as everywhere, for an event of the order is told of each move.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.calendar import CALENDAR
from services.kit.db import Database, Tx
from services.kit.errors import NotFound, Refused, Stale
from services.kit.messages import reason
from services.kit.timer import narrowed
from services.treasury import store
from services.treasury.model import Order
from services.treasury.model.recoveries import (
    Instalment,
    Recovery,
    RecoveryMove,
    RecoveryState,
    Repayment,
    refusal,
)
from services.treasury.rules import Case
from services.treasury.rules import recovering as rules
from services.treasury.store import breaks, payments, recoveries
from services.treasury.store.breaks import Step
from services.treasury.usecases import recovering
from services.treasury.usecases.desk import Desk
from services.treasury.usecases.moving import move
from services.treasury.usecases.settling import settle

TIMED_MAX: Final = 500  # each time
S: Final = RecoveryState


class Asked(NamedTuple):
    """Which recovery, as it was read, and who acts, within which counties; None is everywhere."""

    recovery_id: UUID
    etag: str
    actor: str
    counties: Collection[str] | None = None

    @property
    def unknown(self) -> NotFound:
        return NotFound(reason("NOT_FOUND", "name", name=f"recoveries/{self.recovery_id}"))


async def notify(desk: Desk, tx: Tx, asked: Asked, article: str, why: str) -> Recovery:
    order, before = await _in_hand(tx, asked, S.NOTIFIED)
    today = desk.clock.today()
    days = desk.law.on(decision=today)["recovery.answer_working_days"].count
    due = CALENDAR.add_working_days(today, days)
    after = before._replace(state=S.NOTIFIED, article=article, reason=why, notified_on=today, due_on=due)
    return await _save(desk, tx, order, _moved(before, after, "NOTIFIED", why, asked.actor))


async def dispute(desk: Desk, tx: Tx, asked: Asked, fen: int, *, ground: str, document: str) -> Recovery:
    """Until the last day to answer, of what is outstanding and not on its way."""
    order, before = await _in_hand(tx, asked, S.DISPUTED)
    if before.due_on is not None and desk.clock.today() > before.due_on:
        raise Refused(reason("DISPUTE_TOO_LATE", "name", due=before.due_on.isoformat()))
    if fen > (left := before.outstanding_fen - before.live_fen):
        raise Refused(reason("RECOVERY_TOO_MUCH", "amount_fen", left_fen=max(0, left)))
    after = before._replace(state=S.DISPUTED, disputed_fen=fen, reason=ground)
    now = desk.clock.now()
    await recoveries.open_dispute(tx, before, fen, ground=ground, document=document, actor=asked.actor, now=now)
    return await _save(desk, tx, order, _moved(before, after, "DISPUTED", ground, asked.actor))


async def resolve(desk: Desk, tx: Tx, asked: Asked, *, uphold: bool) -> Recovery:
    """What is upheld is given up, by two persons as everything that is: who has opened it, and who resolves it."""
    order, before = await _in_hand(tx, asked, None)
    opener = await recoveries.disputed_by(tx, before.id)
    if before.state != S.DISPUTED or not opener:
        raise Refused(reason("DISPUTE_MISSING", "name"))
    if opener == asked.actor:
        raise Refused(reason("RECOVERY_SECOND_PERSON"))
    today = desk.clock.today()
    await recoveries.resolve_dispute(tx, before.id, "UPHELD" if uphold else "REJECTED", asked.actor, desk.clock.now())
    after = rules.answered(before, today)
    if not uphold:
        why = "DISPUTE_REJECTED"
        return await _save(desk, tx, order, _moved(before, after._replace(reason=why), "RESOLVED", why, asked.actor))
    why = rules.DISPUTE_UPHELD
    given_up = rules.written_off(after, before.disputed_fen)._replace(reason=why)
    return await _give_up(desk, tx, order, _moved(before, given_up, "RESOLVED", why, asked.actor), before.disputed_fen)


async def instalments(desk: Desk, tx: Tx, asked: Asked, parts: Sequence[Instalment]) -> Recovery:
    order, before = await _in_hand(tx, asked, S.INSTALMENTS)
    if before.live_fen:
        raise Refused(reason("RECOVERY_PART_ON_ITS_WAY", "name", live_fen=before.live_fen))
    total = sum(one.amount_fen for one in parts)
    if total != before.outstanding_fen:
        raise Refused(reason("INSTALMENTS_SUM", "instalments", sum_fen=total, left_fen=before.outstanding_fen))
    days = [one.due_on for one in parts]
    if days != sorted(set(days)) or days[0] < desk.clock.today():
        raise Refused(reason("INSTALMENTS_ORDER", "instalments"))
    why = "IN_INSTALMENTS"
    after = before._replace(
        state=S.INSTALMENTS, reason=why, schedule=before.number, schedule_from_fen=before.repaid_fen
    )
    await recoveries.add_instalments(tx, before.id, after.schedule, parts)
    return await _save(desk, tx, order, _moved(before, after, "INSTALMENTS", why, asked.actor))


async def write_off(desk: Desk, tx: Tx, asked: Asked, fen: int, *, why: str, document: str) -> tuple[Recovery, str]:
    """The first person proposes, the second makes it so; of the recovery as both have seen it. Answers who proposed."""
    order, before = await _in_hand(tx, asked, None)
    if fen > (left := before.outstanding_fen - before.live_fen):
        raise Refused(reason("RECOVERY_TOO_MUCH", "amount_fen", left_fen=max(0, left)))
    limit = desk.law.on(decision=desk.clock.today())["recovery.write_off_limit_fen"]
    if limit.is_set and before.written_off_fen + fen > limit.count:
        raise Refused(reason("WRITE_OFF_ABOVE_LIMIT", "amount_fen", limit_fen=limit.count))
    now, proposed = desk.clock.now(), await recoveries.proposal(tx, before)
    is_his = proposed is not None and proposed[3] == asked.actor
    if proposed is None or (is_his and proposed[:3] != (fen, why, document)):
        await recoveries.propose(tx, before, fen, why=why, document=document, actor=asked.actor, now=now)
        return before, asked.actor
    if is_his:
        raise Refused(reason("RECOVERY_SECOND_PERSON"))
    if proposed[:3] != (fen, why, document):
        raise Refused(reason("WRITE_OFF_OTHER"))
    await recoveries.confirm(tx, before, asked.actor, now)
    after = rules.written_off(before, fen)
    if after.state == S.DISPUTED and not after.disputed_fen:
        after = rules.answered(after, desk.clock.today())
    moved = _moved(before, after._replace(reason=why), "WRITTEN_OFF", why, asked.actor)
    return await _give_up(desk, tx, order, moved, fen), ""


async def repaid(desk: Desk, tx: Tx, asked: Asked, item: int) -> Recovery:
    """A credit of the queue that named nothing is this recovery's."""
    # Breaks are locked before orders. What names nothing is of no county: who is bound to some does not see it.
    credit = await recoveries.credit_of_item(tx, item) if asked.counties is None else None
    order, before = await _in_hand(tx, asked, None)
    if credit is None:
        raise Refused(reason("REPAYMENT_NO_CREDIT", "item"))
    entry, fen, day = credit
    if fen > (left := before.outstanding_fen - before.live_fen):
        raise Refused(reason("RECOVERY_TOO_MUCH", "item", left_fen=max(0, left)))
    await breaks.repaid(tx, item, Step("ENDED", asked.actor, desk.clock.now()))
    await move(desk, tx, [], {order.id: order}, [Repayment(entry, before.id, fen, day, asked.actor)])
    return await recoveries.by_id(tx, before.id) or before


async def remind(desk: Desk, database: Database) -> int:
    """Who has not answered in time is offset and demanded from; whoever has missed an instalment too."""

    async def some(ids: Sequence[UUID]) -> int:
        async with database.transaction() as tx:
            return await _remind(desk, tx, ids)

    return await narrowed(some, await recoveries.timed(database, desk.clock.today(), TIMED_MAX), str)


async def detect(desk: Desk, database: Database) -> int:
    """What was paid too much before anything was asked back at all."""

    async def some(ids: Sequence[int]) -> int:
        async with database.transaction() as tx:
            orders = await store.lock_orders(tx, ids)
            await settle(desk, tx, [Case(one, one) for one in orders], {})
        return len(ids)

    return await narrowed(some, await recoveries.overpaid(database, TIMED_MAX), lambda one: f"order {one}")


async def _remind(desk: Desk, tx: Tx, ids: Sequence[UUID]) -> int:
    if not ids:
        return 0
    found = await recoveries.orders_of(tx, ids)
    orders = await store.lock_orders(tx, sorted(set(found.values())))
    moves = []
    for before in (await recoveries.lock(tx, (), ids)).values():
        if why := await _is_due(tx, before, desk.clock.today()):
            after = before._replace(state=S.OFFSETTING, reason=why, schedule=0)
            moves.append(_moved(before, after, "DUE", why, rules.SYSTEM))
    await payments.raise_versions(tx, [one.after.order_id for one in moves])
    await recovering.save(desk, tx, moves, orders)
    return len(moves)


async def _is_due(tx: Tx, recovery: Recovery, today: date) -> str:
    if recovery.state == S.NOTIFIED and recovery.due_on is not None and recovery.due_on < today:
        return rules.NOT_ANSWERED
    if recovery.state == S.INSTALMENTS and rules.is_missed(recovery, await recoveries.instalments(tx, recovery), today):
        return rules.INSTALMENT_MISSED
    return ""


async def _in_hand(tx: Tx, asked: Asked, to: RecoveryState | None) -> tuple[Order, Recovery]:
    """A recovery and its order, locked, as it was read, that may move there (None: it stays or ends)."""
    found = await recoveries.orders_of(tx, [asked.recovery_id])
    if not found:
        raise asked.unknown
    (order,) = await store.lock_orders(tx, list(found.values()))
    recovery = (await recoveries.lock(tx, [order.id]))[asked.recovery_id]
    if asked.counties is not None and recovery.county not in asked.counties:
        raise asked.unknown
    if to is not None and (why := refusal(recovery.state, to)):
        raise Refused(why)
    if asked.etag != str(recovery.number):
        raise Stale(reason("RECOVERY_CHANGED", "etag", state=recovery.state, etag=recovery.number))
    return order, recovery


def _moved(before: Recovery, after: Recovery, kind: str, why: str, actor: str) -> RecoveryMove:
    return RecoveryMove(before, after._replace(number=before.number + 1), kind, why, actor)


async def _save(desk: Desk, tx: Tx, order: Order, moved: RecoveryMove) -> Recovery:
    await payments.raise_versions(tx, [order.id])
    await recovering.save(desk, tx, [moved], [order])
    return moved.after


async def _give_up(desk: Desk, tx: Tx, order: Order, moved: RecoveryMove, fen: int) -> Recovery:
    """What is given up is spent after all."""
    today, now = desk.clock.today(), desk.clock.now()
    budgets = await store.lock_budgets(tx, [moved.after.budget_id])
    transfer, shift = rules.write_off_booked(moved.after, fen, rules.Books(budgets, today))
    await store.append(tx, [transfer], today, now)
    await payments.shift(tx, [shift])
    return await _save(desk, tx, order, moved)
