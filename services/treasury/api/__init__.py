"""gRPC of the treasury: `treasury` for orders, budgets and the ledger, `runs` for payment runs and the bank's word,
`reconciliation` for what of both does not fit, `holds` for what stops it all, `recoveries` for what is asked back
and for orders that wait for a person.
"""

from services.treasury.api.holds import Holds
from services.treasury.api.reconciliation import Reconciliation
from services.treasury.api.recoveries import Recoveries
from services.treasury.api.runs import Runs
from services.treasury.api.treasury import Treasury

__all__ = ["Holds", "Reconciliation", "Recoveries", "Runs", "Treasury"]
