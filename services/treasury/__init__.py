"""Money leaves here and only here: funds, budgets, orders, and the ledger in which every fen stands twice."""
