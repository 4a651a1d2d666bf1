"""What banks say against the ledger: breaks that follow from rows come to be, and heal when a later message has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from services.kit.calendar import CALENDAR
from services.kit.timer import narrowed
from services.treasury.rules.reconciling import balances, dates, early, missing
from services.treasury.store import breaks, days, heard
from services.treasury.usecases.paydesk import PayDesk

_DAYS_BACK: Final = timedelta(days=62)
_HEALS_FROM: Final = timedelta(days=31)  # of those: what is older is not looked at with all that was before it


async def reconcile(pay: PayDesk) -> int:
    """Look at the days anew, if messages were worked since the last time; answers how many. An account that a bug is
    about stops no other: what is said of it is looked at again the next time.
    """
    now, today = pay.desk.clock.now(), pay.desk.clock.today()
    async with pay.database.transaction() as tx:
        messages = await days.unreconciled(tx)
        if not messages:
            return 0
        since = today - _DAYS_BACK
        unproven, back = await days.unproven(tx), await days.early(tx)
        whole, dated = await days.wholes(tx, since), await days.dated(tx, messages)
        earliest = min((one.day for one in unproven), default=today)
        covered = await heard.covered(tx, {one.account for one in unproven}, earliest)
        unseen = {one.account for rows in (unproven, back, whole, dated) for one in rows}
        out_of_balance: list[str] = []

        async def look(some: Sequence[str]) -> int:
            out = balances([one for one in whole if one.account in some])
            found = [
                *out,
                *missing([one for one in unproven if one.account in some], covered, CALENDAR),
                *early([one for one in back if one.account in some]),
                *dates([one for one in dated if one.account in some]),
            ]
            async with tx.part():
                await breaks.find(tx, found, now)
            out_of_balance.extend(one.key for one in out)
            unseen.difference_update(some)
            return len(some)

        await narrowed(look, sorted(unseen), lambda account: f"account {account}")
        await breaks.heal_balances(tx, since + _HEALS_FROM, out_of_balance, unseen, now)
        await breaks.heal_missing(tx, now)
        await breaks.heal_answers(tx, now)
        return await days.reconciled(tx, messages, unseen)
