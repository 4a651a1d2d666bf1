"""What is told of an employer's allowances over a period: counts and money, nobody in particular."""

from __future__ import annotations

from typing import NamedTuple


class EmployerFacts(NamedTuple):
    """By the names of the contract (`protos/cradle/claims/v1/employer.proto`)."""

    # Claims of events in the period.
    claims: int = 0
    approved: int = 0
    denied: int = 0
    pending: int = 0
    uninsured: int = 0
    employer_liability_fen: int = 0
    # Leaves with an allowance whose last day lies in it.
    leaves_ended: int = 0
    maternity_leaves_ended: int = 0
    women: int = 0
    days_entitled: int = 0
    fund_days: int = 0
    allowance_fen: int = 0
    paid_to_employer: int = 0
    paid_to_employer_fen: int = 0
    below_pay: int = 0
    topup_fen: int = 0
    pay_unknown: int = 0
    employer_leave_fen: int = 0
