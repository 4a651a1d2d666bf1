"""What the worker does every so often: seal the ledger, and tell operators how the money stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from services.kit import telemetry
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from services.kit.db import Database
from services.treasury import store
from services.treasury.model import Hold
from services.treasury.model.recoveries import CLOSED, RecoveryState
from services.treasury.store import files, holding, recovery_figures, refused_accounts
from services.treasury.usecases.desk import Desk

BLOCKS_MAX: Final = 100  # each time
LIMITS: Final = ("order.limit_fen", "recovery.write_off_limit_fen")
_WAITS_FOR_US: Final = (RecoveryState.DETECTED, RecoveryState.DISPUTED)


@dataclass(slots=True)
class Sealing:
    """Seals transfers in blocks. `upto` and `closes_at` are the last id and the running transactions of the last look:
    once none of those runs any more, no smaller id can appear (a transaction has its number before it takes an id).
    """

    database: Database
    clock: Clock
    upto: int = 0
    closes_at: int = 0

    async def seal(self) -> int:
        """Seal what was there at the last look, if all of it is there by now; answers how many blocks were made."""
        look = await store.look(self.database)
        made = 0
        if self.upto and look.xmin >= self.closes_at:
            while made < BLOCKS_MAX and await store.seal(self.database, self.upto, self.clock.now()):
                made += 1
            self.upto = 0
        if not self.upto:
            self.upto, self.closes_at = look.last_transfer, look.xmax
        return made


def unlimited(desk: Desk) -> list[str]:
    """The limits that the city may set and has not: of these sums there is none."""
    law = desk.law.on(decision=desk.clock.today())
    return [one for one in LIMITS if not law[one].is_set]


async def watch(desk: Desk, database: Database) -> None:
    """Limits that are not set, budgets by fund, county and year, orders that are held or wait for another account, what
    is asked back, and what the ledger is out of balance by, which is 0.
    """
    clock, unset = desk.clock, unlimited(desk)
    for limit in LIMITS:
        telemetry.LIMIT_UNSET.labels(limit).set(limit in unset)
    available, appropriated = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for budget in await store.list_budgets(database):
        if budget.is_open:
            labels = budget.pot.fund, budget.pot.county, str(budget.pot.fiscal_year)
            available[labels] += budget.available_fen
            appropriated[labels] += budget.appropriated_fen
    for labels, appropriated_fen in appropriated.items():
        telemetry.BUDGET_AVAILABLE_FEN.labels(*labels).set(available[labels])
        telemetry.BUDGET_APPROPRIATED_FEN.labels(*labels).set(appropriated_fen)
    held = await store.orders_held(database)
    for reason in Hold:
        telemetry.ORDERS_HELD.labels(reason).set(held.get(reason, 0))
    telemetry.HOLD.set(await holding.is_held(database))
    telemetry.LEDGER_IMBALANCE_FEN.set(await store.imbalance(database))
    await _watch_recoveries(database, clock)
    for account, day in (await files.oldest_without_statement(database)).items():
        telemetry.STATEMENT_DAYS.labels(account).set(CALENDAR.gone_by(day, clock.today()) if day else 0)
    orders, since = await refused_accounts.figures(database)
    telemetry.REFUSED_ACCOUNT_ORDERS.set(orders)
    telemetry.REFUSED_ACCOUNT_AGE_S.set((clock.now() - since).total_seconds() if since else 0)


async def _watch_recoveries(database: Database, clock: Clock) -> None:
    found = await recovery_figures.by_state(database, clock.today())
    for state in RecoveryState:
        if state not in CLOSED:
            telemetry.RECOVERIES_FEN.labels(state).set(found[state].outstanding_fen if state in found else 0)
    for state in _WAITS_FOR_US:
        waited = (clock.now() - found[state].since).total_seconds() if state in found else 0
        telemetry.RECOVERY_AGE_S.labels(state).set(waited)
    telemetry.RECOVERIES_OVERDUE.set(sum(one.overdue for one in found.values()))
