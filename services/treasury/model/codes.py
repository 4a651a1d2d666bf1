"""Codes: whose money, for what, to whom, and how an order stands."""

from __future__ import annotations

from enum import StrEnum


class Fund(StrEnum):
    EMPLOYEE_INSURANCE = "EMPLOYEE_INSURANCE"
    RESIDENT_INSURANCE = "RESIDENT_INSURANCE"
    UNEMPLOYMENT = "UNEMPLOYMENT"
    FISCAL = "FISCAL"


class Programme(StrEnum):
    MATERNITY = "MATERNITY"
    NURSERY = "NURSERY"


class PayeeKind(StrEnum):
    PERSON = "PERSON"
    EMPLOYER = "EMPLOYER"
    PROVIDER = "PROVIDER"
    NURSERY = "NURSERY"


class State(StrEnum):
    """Of an order. It follows from the figures: see `rules.settling`."""

    RESERVED = "RESERVED"  # all that is owed and not settled is reserved or on its way
    HELD = "HELD"
    SETTLED = "SETTLED"
    OVERPAID = "OVERPAID"


class Hold(StrEnum):
    """Why an order waits: for money, which comes by itself, or for a person."""

    BUDGET_HELD = "BUDGET_HELD"
    BUDGET_MISSING = "BUDGET_MISSING"
    PAYEE_CHANGED = "PAYEE_CHANGED"
    BUDGET_CHANGED = "BUDGET_CHANGED"
    ORDER_ABOVE_LIMIT = "ORDER_ABOVE_LIMIT"
    RELEASE_REFUSED = "RELEASE_REFUSED"


class AccountKind(StrEnum):
    """The accounts of a budget. What was appropriated is a credit balance, where it is now are debit balances."""

    APPROPRIATED = "APPROPRIATED"
    AVAILABLE = "AVAILABLE"
    RESERVED = "RESERVED"
    COMMITTED = "COMMITTED"
    SPENT = "SPENT"
    RECEIVABLE = "RECEIVABLE"  # what payees owe back
    RECOVERED = "RECOVERED"  # what they have given back: the fund's, until it is appropriated anew


class TransferKind(StrEnum):
    APPROPRIATE = "APPROPRIATE"
    TAKE_BACK = "TAKE_BACK"
    RESERVE = "RESERVE"
    RELEASE = "RELEASE"
    COMMIT = "COMMIT"  # a payment is approved
    FREE = "FREE"  # it never left
    SPEND = "SPEND"  # the bank has paid it
    RETURN = "RETURN"  # it came back
    DEMAND = "DEMAND"  # more was paid than is owed
    WITHDRAW = "WITHDRAW"  # it is owed again
    OFFSET = "OFFSET"  # kept from a payment that was made
    UNDO_OFFSET = "UNDO_OFFSET"  # which came back
    REPAY = "REPAY"
    WRITE_OFF = "WRITE_OFF"
