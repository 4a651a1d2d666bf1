"""gRPC of the treasury: `treasury` for orders, budgets and the ledger, `runs` for payment runs and the bank's word,
`recoveries` for what is asked back and for orders that wait for a person.
"""

from services.treasury.api.recoveries import Recoveries
from services.treasury.api.runs import Runs
from services.treasury.api.treasury import Treasury

__all__ = ["Recoveries", "Runs", "Treasury"]
