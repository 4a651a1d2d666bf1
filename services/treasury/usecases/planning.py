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
from services.treasury.model import Account, Candidate, Mark, Order, Payee, Payment, PaymentState, Run, RunState
from services.treasury.model.recoveries import RecoveryMove
from services.treasury.rules.holding import subject
from services.treasury.rules.netting import Claimed, netted
from services.treasury.rules.planning import Known, Line, Plan, chained, planned
from services.treasury.rules.recovering import SYSTEM
from services.treasury.store import payments, recoveries, refused_accounts, runs
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
        await plan(pay, tx, now_run, orders, payees)


async def plan(pay: PayDesk, tx: Tx, run: Run, orders: Sequence[Order], payees: Mapping[Payee, Known]) -> Run:
    """Plan these orders, of whose payees this is known; answers how far the run is."""
    made = await _decide(pay, tx, run, orders, payees)
    after = await _save(pay, tx, run, made)
    if orders:
        last = orders[-1]
        after = after._replace(mark=Mark(last.budget_id, last.payable_on, last.id))
    if made.is_full or len(orders) < ORDERS_MAX:
        held = await runs.except_held(tx, after, pay.desk.clock.now())
        after = after._replace(state=RunState.PLANNED, number=after.number + 1, exceptions=after.exceptions + held)
    await runs.save_run(tx, after)
    return after


async def _decide(pay: PayDesk, tx: Tx, run: Run, orders: Sequence[Order], payees: Mapping[Payee, Known]) -> Plan:
    locked = {order.id: order for order in await store.lock_orders(tx, [order.id for order in orders])}
    now = [locked[order.id] for order in orders]
    found: list[Candidate] = await payments.candidates(tx, now) if now else []
    accounts = {
        (payee, known.version, pay.digest(known)): payee
        for payee, known in payees.items()
        if isinstance(known, Account)
    }
    refused = {accounts[key]: why for key, why in (await refused_accounts.of(tx, accounts)).items()}
    return planned(found, payees, pay.paying, run.scope, run.planned_fen, refused=refused)


async def _save(pay: PayDesk, tx: Tx, run: Run, plan: Plan) -> Run:
    made, now = [], pay.desk.clock.now()
    plan_hash = run.plan_hash
    kept = await _netted(pay, tx, plan.lines)
    for number, (line, keeps) in enumerate(zip(plan.lines, kept, strict=True), run.planned_count + 1):
        payment = _payment(pay, run.id, number, line)._replace(offset_fen=sum(fen for _, fen in keeps))
        plan_hash = chained(plan_hash, payment)
        made.append(payment)
    await payments.add(tx, made, now)
    await payments.take(tx, made)
    await _keep(pay, tx, made, kept)
    await refused_accounts.replace(tx, {refused_accounts.key_of(one) for one in made}, now)
    await runs.save_exceptions(tx, run.id, plan.exempt, now)
    return run._replace(
        planned_count=run.planned_count + len(made),
        planned_fen=run.planned_fen + sum(one.amount_fen for one in made),
        plan_hash=plan_hash,
        exceptions=run.exceptions + len(plan.exempt),
    )


Kept = list[tuple[UUID, int]]  # of a line: for which recovery, how much


async def _netted(pay: PayDesk, tx: Tx, lines: Sequence[Line]) -> list[Kept]:
    """What of each line is kept against what its payee owes back."""
    owing = await recoveries.claimable(tx, {line.order.payee for line in lines}) if lines else []
    if not owing:
        return [[] for _ in lines]
    pools = await recoveries.pools(tx, {line.order.budget_id for line in lines})
    claimed = [Claimed(line.order.payee, pools[line.order.budget_id], line.amount_fen, line.order.id) for line in lines]
    return netted(claimed, owing, pay.desk.clock.today())


async def _keep(pay: PayDesk, tx: Tx, made: Sequence[Payment], kept: Sequence[Kept]) -> None:
    rows = [(payment.id, *one) for payment, keeps in zip(made, kept, strict=True) for one in keeps]
    if not rows:
        return
    await recoveries.add_offsets(tx, rows)
    standing = await recoveries.lock(tx, (), {recovery_id for _, recovery_id, _ in rows})
    moves = []
    for before in standing.values():
        fen = sum(one for _, recovery_id, one in rows if recovery_id == before.id)
        after = before._replace(live_fen=before.live_fen + fen, number=before.number + 1)
        moves.append(RecoveryMove(before, after, "PLANNED", before.reason, SYSTEM))
    await recoveries.save(tx, moves, pay.desk.clock.now())


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
