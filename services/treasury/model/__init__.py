"""Orders, budgets and the ledger: what they are made of, in the words of the office. Money is fen."""

from services.treasury.model.budgets import (
    Appropriation,
    Budget,
    BudgetMove,
    Pot,
)
from services.treasury.model.codes import (
    AccountKind,
    Fund,
    Hold,
    PayeeKind,
    Programme,
    State,
    TransferKind,
)
from services.treasury.model.ledger import (
    Balance,
    Moved,
    Movement,
    Transfer,
)
from services.treasury.model.orders import (
    Listed,
    Order,
    OrderKey,
    Payee,
    Place,
    Refusal,
    Stated,
    Unfit,
    Wanted,
)

__all__ = [
    "AccountKind",
    "Appropriation",
    "Balance",
    "Budget",
    "BudgetMove",
    "Fund",
    "Hold",
    "Listed",
    "Moved",
    "Movement",
    "Order",
    "OrderKey",
    "Payee",
    "PayeeKind",
    "Place",
    "Pot",
    "Programme",
    "Refusal",
    "State",
    "Stated",
    "Transfer",
    "TransferKind",
    "Unfit",
    "Wanted",
]
