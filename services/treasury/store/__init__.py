"""SQL of the treasury: `orders` and `budgets` are locked and written, `ledger` is appended to, the rest is read.

Locks are taken in one order by everybody: orders in order of id, then budgets in order of id.
"""

from services.treasury.store.budgets import (
    appropriated_before,
    fundable,
    lock_budgets,
    move_budgets,
    open_budget,
    open_pots,
    save_appropriation,
)
from services.treasury.store.ledger import append
from services.treasury.store.orders import (
    first_waiting,
    load_orders,
    lock_orders,
    new_ids,
    save_orders,
    save_refusals,
    save_revisions,
    told_of,
    unaware,
    waiting,
)
from services.treasury.store.reading import (
    list_budgets,
    list_orders,
    list_refusals,
    order_by_id,
    orders_held,
)
from services.treasury.store.reporting import (
    Scope,
    account_count,
    account_of,
    balances,
    imbalance,
    movements,
    transfers,
    unsummed,
)
from services.treasury.store.sealing import Look, block_count, look, seal, unsealed, verify

__all__ = [
    "Look",
    "Scope",
    "account_count",
    "account_of",
    "append",
    "appropriated_before",
    "balances",
    "block_count",
    "first_waiting",
    "fundable",
    "imbalance",
    "list_budgets",
    "list_orders",
    "list_refusals",
    "load_orders",
    "lock_budgets",
    "lock_orders",
    "look",
    "move_budgets",
    "movements",
    "new_ids",
    "open_budget",
    "open_pots",
    "order_by_id",
    "orders_held",
    "save_appropriation",
    "save_orders",
    "save_refusals",
    "save_revisions",
    "seal",
    "told_of",
    "transfers",
    "unaware",
    "unsealed",
    "unsummed",
    "verify",
    "waiting",
]
