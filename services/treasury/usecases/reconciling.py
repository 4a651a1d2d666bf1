"""What banks say against the ledger: breaks that follow from rows come to be, and heal when a later message has it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from services.kit.calendar import CALENDAR
from services.treasury.rules.reconciling import balances, dates, early, missing
from services.treasury.store import breaks, days, heard
from services.treasury.usecases.paydesk import PayDesk

_DAYS_BACK: Final = timedelta(days=62)
_HEALS_FROM: Final = timedelta(days=31)  # of those: what is older is not looked at with all that was before it


async def reconcile(pay: PayDesk) -> int:
    """Look at the days anew, if messages were worked since the last time; answers how many."""
    now, today = pay.desk.clock.now(), pay.desk.clock.today()
    async with pay.database.transaction() as tx:
        messages = await days.unreconciled(tx)
        if not messages:
            return 0
        since = today - _DAYS_BACK
        unproven = await days.unproven(tx)
        earliest = min((one.day for one in unproven), default=today)
        covered = await heard.covered(tx, {one.account for one in unproven}, earliest)
        out = balances(await days.wholes(tx, since))
        lost = [*missing(unproven, covered, CALENDAR), *early(await days.early(tx))]
        found = [*out, *lost, *dates(await days.dated(tx, messages))]
        await breaks.find(tx, found, now)
        await breaks.heal_balances(tx, since + _HEALS_FROM, [one.key for one in out], now)
        await breaks.heal_missing(tx, now)
        await breaks.heal_answers(tx, now)
        await days.reconciled(tx, messages)
        return len(messages)
