"""Appropriations: who is allowed to gives money to a budget, once for each request."""

from __future__ import annotations

from services.kit.db import Database
from services.kit.errors import Invalid, Refused
from services.kit.messages import Reason, reason
from services.treasury import rules, store
from services.treasury.model import Appropriation, Budget, Pot
from services.treasury.rules.booking import appropriation
from services.treasury.usecases.desk import Desk
from services.treasury.wire import answers


async def appropriate(desk: Desk, database: Database, given: Appropriation) -> bytes:
    """The budget as it is then; for a request that was made before, the answer that was given then."""
    now, today = desk.clock.now(), desk.clock.today()
    async with database.transaction() as tx:
        (budget_id,) = (await store.open_pots(tx, [given.pot])).values()
        budget = (await store.lock_budgets(tx, [budget_id]))[budget_id]
        if before := await store.appropriated_before(tx, given):
            content_hash, answer = before
            if content_hash != given.content_hash:
                raise Invalid(reason("REQUEST_ID_REUSED", "request_id"))
            return answer
        after = _after(budget, given)
        answer = answers.budget(after).SerializeToString()
        await store.save_appropriation(tx, budget.id, given, answer, now)
        await store.open_budget(tx, budget.id, given, now)
        await store.append(tx, [appropriation(given, budget.accounts)], today, now)
        return answer


async def foresee(database: Database, given: Appropriation) -> Budget:
    """What the budget would be; nothing is written."""
    found = await store.list_budgets(database, given.pot)
    return _after(found[0] if found else _unopened(given.pot), given)


def _after(budget: Budget, given: Appropriation) -> Budget:
    after = rules.appropriated(budget, given)
    if isinstance(after, Reason):
        raise Refused(after)
    return after


def _unopened(pot: Pot) -> Budget:
    return Budget(0, pot, None, 0, 0, 0, 0, 0, 0, {})
