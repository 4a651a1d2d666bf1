"""gRPC of the treasury: `treasury` for orders, budgets and the ledger, `runs` for payment runs and the bank's word.

`holds` for what stops it all.
"""

from services.treasury.api.holds import Holds
from services.treasury.api.runs import Runs
from services.treasury.api.treasury import Treasury

__all__ = ["Holds", "Runs", "Treasury"]
