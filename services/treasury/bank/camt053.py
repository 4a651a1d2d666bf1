"""The statement of an account for a day, what reconciliation rests on: camt.053.001.08 (BankToCustomerStatementV08).

A statement whose entries do not lead from its opening to its closing balance is read all the same: what it says
happened, and the difference is a break to be worked (`rules.reconciling`). One whose own counts and sums do not fit
what is in it is refused: it was damaged on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank import camt
from services.treasury.bank.camt import End, Entry, Report
from services.treasury.bank.reading import BYTES_MAX

MESSAGES: Final = ("camt.053.001.08",)


def read(source: BinaryIO, bytes_max: int = BYTES_MAX) -> Iterator[Report | Entry | End]:
    """Each statement, or page of one, its entries, its end."""
    for record in camt.read(source, MESSAGES, "BkToCstmrStmt", "Stmt", bytes_max):
        if isinstance(record, Report):
            _check_balances(record)
        yield record


def _check_balances(report: Report) -> None:
    if (report.page == 1 and report.opening_fen is None) or (report.is_last_page and report.closing_fen is None):
        raise Invalid(reason("BANK_BALANCE_MISSING", report.report_id))
