"""The statement of an account for a day, what reconciliation rests on: camt.053.001.08 (BankToCustomerStatementV08).

A statement whose entries do not lead from its opening to its closing balance is read all the same: what it says
happened, and the difference is a break to be worked (`arithmetic`). One whose own counts and sums do not fit what is in
it is refused: it was damaged on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from services.kit.errors import Invalid
from services.kit.messages import Reason, reason
from services.treasury.bank import amounts, camt
from services.treasury.bank.camt import End, Entry, Report
from services.treasury.bank.reading import BYTES_MAX

MESSAGES: Final = ("camt.053.001.08",)


def read(source: BinaryIO, bytes_max: int = BYTES_MAX) -> Iterator[Report | Entry | End]:
    """Each statement, or page of one, its entries, its end."""
    for record in camt.read(source, MESSAGES, "BkToCstmrStmt", "Stmt", bytes_max):
        if isinstance(record, Report):
            _check_balances(record)
        yield record


def arithmetic(pages: Sequence[End]) -> tuple[Reason, ...]:
    """Opening + booked entries = closing, over all the pages of a statement in their order; a reason if not."""
    opening_fen, closing_fen = pages[0].report.opening_fen, pages[-1].report.closing_fen
    if opening_fen is None or closing_fen is None:
        return (reason("BANK_BALANCE_MISSING", pages[0].report.report_id),)
    booked_fen = sum(page.booked_fen for page in pages)
    difference_fen = closing_fen - opening_fen - booked_fen
    if not difference_fen:
        return ()
    sums = {"opening": opening_fen, "entries": booked_fen, "closing": closing_fen, "difference": difference_fen}
    said = {name: amounts.signed(amount_fen) for name, amount_fen in sums.items()}
    return (reason("BANK_STATEMENT_DIFFERENCE", pages[0].report.report_id, **said),)


def follows(before: Report, this: Report) -> tuple[Reason, ...]:
    """Whether a statement begins where the one before it ended; else a statement is missing, or one was changed."""
    reasons = []
    if before.sequence.isdigit() and this.sequence.isdigit() and int(this.sequence) != int(before.sequence) + 1:
        expected = int(before.sequence) + 1
        reasons.append(reason("BANK_STATEMENT_MISSING", this.report_id, expected=expected, found=this.sequence))
    if None not in {before.closing_fen, this.opening_fen} and before.closing_fen != this.opening_fen:
        closing, opening = amounts.signed(before.closing_fen or 0), amounts.signed(this.opening_fen or 0)
        reasons.append(reason("BANK_STATEMENT_OPENING", this.report_id, closing=closing, opening=opening))
    return tuple(reasons)


def _check_balances(report: Report) -> None:
    if (report.page == 1 and report.opening_fen is None) or (report.is_last_page and report.closing_fen is None):
        raise Invalid(reason("BANK_BALANCE_MISSING", report.report_id))
