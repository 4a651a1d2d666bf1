"""Planning a run: in chunks, each in a transaction of its own, so that it goes on where it was after a crash.

A chunk looks for orders without a lock, asks the registry for their payees, and only then locks and decides: what has
changed in between is left for the next run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from services.kit.db import Tx
from services.kit.ids import new_id_about
from services.treasury import store
from services.treasury.bank import reference
from services.treasury.model import Candidate, Mark, Order, Payee, Payment, PaymentState, Run, RunState
from services.treasury.rules.holding import subject
from services.treasury.rules.planning import Known, Line, Plan, chained, planned
from services.treasury.store import payments, runs
from services.treasury.usecases.paydesk import PayDesk

ORDERS_MAX: Final = 500  # of a chunk


async def plan_chunk(pay: PayDesk, run: Run) -> None:
    """Plan the next orders; with the last of them the run is PLANNED."""
    orders = await payments.payable(pay.database, run.scope, run.mark, ORDERS_MAX)
    payees = await pay.known({order.payee for order in orders})
    async with pay.database.transaction() as tx:
        now_run = await runs.lock_run(tx, run.id)
        if now_run is None or now_run.state != RunState.PLANNING or now_run.mark != run.mark:
            return  # somebody else was faster
        plan = await _decide(pay, tx, now_run, orders, payees)
        after = await _save(pay, tx, now_run, plan)
        if orders:
            last = orders[-1]
            after = after._replace(mark=Mark(last.budget_id, last.payable_on, last.id))
        if plan.is_full or len(orders) < ORDERS_MAX:
            held = await runs.except_held(tx, after, pay.desk.clock.now())
            after = after._replace(state=RunState.PLANNED, number=after.number + 1, exceptions=after.exceptions + held)
        await runs.save_run(tx, after)


async def _decide(pay: PayDesk, tx: Tx, run: Run, orders: Sequence[Order], payees: Mapping[Payee, Known]) -> Plan:
    locked = {order.id: order for order in await store.lock_orders(tx, [order.id for order in orders])}
    now = [locked[order.id] for order in orders]
    found: list[Candidate] = await payments.candidates(tx, now) if now else []
    return planned(found, payees, pay.paying, run.scope, run.planned_fen)


async def _save(pay: PayDesk, tx: Tx, run: Run, plan: Plan) -> Run:
    made, now = [], pay.desk.clock.now()
    plan_hash = run.plan_hash
    for number, line in enumerate(plan.lines, run.planned_count + 1):
        payment = _payment(pay, run.id, number, line)
        plan_hash = chained(plan_hash, payment)
        made.append(payment)
    await payments.add(tx, made, now)
    await payments.take(tx, made)
    await runs.save_exceptions(tx, run.id, plan.exempt, now)
    return run._replace(
        planned_count=run.planned_count + len(made),
        planned_fen=run.planned_fen + sum(one.amount_fen for one in made),
        plan_hash=plan_hash,
        exceptions=run.exceptions + len(plan.exempt),
    )


def _payment(pay: PayDesk, run_id: UUID, number: int, line: Line) -> Payment:
    order = line.order
    payment_id = new_id_about(subject(order.key), number)
    return Payment(
        payment_id,
        run_id,
        number,
        order.id,
        order.revision,
        order.budget_id,
        line.amount_fen,
        PaymentState.CREATED,
        order.fund,
        order.county,
        order.payee,
        line.account.version,
        pay.digest(line.account),
        pay.seal(line.account, str(payment_id)),
        line.paying.code,
        reference.encode(payment_id),
        line.reissue_of,
        *_NOTHING,
    )


_NOTHING: Final[tuple[None, str, None, None, None, None, None, None, None]] = (
    None,
    "",
    None,
    None,
    None,
    None,
    None,
    None,
    None,
)
