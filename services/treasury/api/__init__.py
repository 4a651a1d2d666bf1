"""gRPC of the treasury: `treasury` for orders, budgets and the ledger, `runs` for payment runs and the bank's word."""

from services.treasury.api.runs import Runs
from services.treasury.api.treasury import Treasury

__all__ = ["Runs", "Treasury"]
