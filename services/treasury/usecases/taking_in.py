"""Taking in a batch of the order topic: one transaction, one statement a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from services.kit.db import Tx
from services.treasury import rules, store
from services.treasury.model import Stated, Unfit
from services.treasury.rules import Known
from services.treasury.usecases.desk import Desk
from services.treasury.usecases.settling import count, settle
from services.treasury.wire import events


async def take_in(desk: Desk, tx: Tx, records: Sequence[Stated | Unfit]) -> None:
    """Orders are locked first and budgets last, so that budgets, which many want, are held the shortest."""
    now = desk.clock.now()
    keys = {record.key for record in records if record.key is not None}
    orders = await store.load_orders(tx, keys) if keys else {}
    strangers = keys - orders.keys()
    told = await store.told_of(tx, strangers) if strangers else {}
    ids = await store.new_ids(tx, len(strangers)) if strangers else []
    pots = {record.pot for record in records if isinstance(record, Stated)}
    budgets = await store.open_pots(tx, pots) if pots else {}
    batch = rules.taken_in(records, Known(orders, told, budgets, iter(ids)), now)
    await store.save_revisions(tx, batch.revisions)
    await store.save_refusals(tx, batch.refusals, desk.sealer)
    for refusal in batch.refusals:
        for event in events.of_refusal(refusal, now):
            tx.emit(event)
    causes = {order_id: stated.position for order_id, stated in batch.revisions}
    await settle(desk, tx, list(batch.cases.values()), causes)
    others = {"STALE": batch.stale, "REPEATED": batch.repeated, "REFUSED": len(batch.refusals)}
    tx.after_commit(partial(count, {outcome: times for outcome, times in others.items() if times}))
