"""Money leaves here and only here: funds, budgets, orders, the ledger, payments."""
