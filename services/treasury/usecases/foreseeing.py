"""What a new run would plan: the chunks of a plan, each rolled back by itself.

So it locks no more and no longer than a plan does, and there is no second way to plan. What a payee owes back may be
kept in each chunk anew; that changes what the bank is to pay of a line, and no figure that is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from services.kit.db import Tx
from services.treasury.model import Order, Payee, Run, RunState
from services.treasury.model.listing import Sum
from services.treasury.rules.planning import Known
from services.treasury.store import payments, runs
from services.treasury.usecases import holding
from services.treasury.usecases.asking import foreseen
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.usecases.planning import ORDERS_MAX, plan


async def foresee(pay: PayDesk, run: Run, counties: Sequence[str] | None) -> tuple[Run, list[Sum]]:
    """The run as it would be planned, and the sums of its lines, of these counties."""
    many: Counter[tuple[str, str, str]] = Counter()
    fen: Counter[tuple[str, str, str]] = Counter()
    while run.state == RunState.PLANNING:
        orders = await payments.payable(pay.database, run.scope, run.mark, ORDERS_MAX)
        payees = await pay.known({order.payee for order in orders})
        run, sums = await _chunk(pay, run, orders, payees, counties)
        for one in sums:
            many[one[:3]] += one.payments
            fen[one[:3]] += one.amount_fen
    return run, [Sum(*of, many[of], fen[of]) for of in sorted(many)]


async def _chunk(
    pay: PayDesk,
    run: Run,
    orders: Sequence[Order],
    payees: Mapping[Payee, Known],
    counties: Sequence[str] | None,
) -> tuple[Run, list[Sum]]:
    async def act(tx: Tx) -> tuple[Run, list[Sum]]:
        await holding.refuse(tx)
        await runs.new_run(tx, run)
        return await plan(pay, tx, run, orders, payees), await runs.sums(tx, run.id, counties)

    return await foreseen(pay.database, act)
