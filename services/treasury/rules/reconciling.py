"""Breaks that nobody said and that follow from rows: what a statement should have and has not, what does not add up.

- BALANCE: opening + entries is not closing; a statement does not begin where the one before it ended, or one between
  them is missing. It heals when that comes.
- MISSING: accepted, paid or returned here, and not on the statements of its working day and of the next (`proving`). It
  heals when a statement has it, or when it has ended. So is a debit of which there is only the return.
- DATE: the ledger has it on another day than the statement. A person says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import Final

from services.kit.calendar import Calendar
from services.kit.messages import Reason, reason
from services.kit.money import yuan
from services.treasury.model import OUT
from services.treasury.model.breaks import BreakKind, Dated, Finding, Unproven, Whole
from services.treasury.rules.proving import is_proven, proof_days

_DIGITS_MAX: Final = 18  # of a statement's number


def balances(statements: Sequence[Whole]) -> list[Finding]:
    """Of whole statements in order of account and day."""
    found = [_balance(one, why) for one in statements for why in _arithmetic(one)]
    for _, of_account in groupby(statements, lambda one: one.account):
        for before, this in pairwise(of_account):
            if (before.day, before.report_id) != (this.day, this.report_id):
                found += [_balance(this, why) for why in _follows(before, this)]
    return found


def _arithmetic(one: Whole) -> Iterable[Reason]:
    difference_fen = one.closing_fen - one.opening_fen - one.booked_fen
    if difference_fen:
        sums = {
            "opening": one.opening_fen,
            "entries": one.booked_fen,
            "closing": one.closing_fen,
            "difference": difference_fen,
        }
        said = {name: yuan(amount_fen) for name, amount_fen in sums.items()}
        yield reason("BANK_STATEMENT_DIFFERENCE", one.report_id, **said)


def _follows(before: Whole, this: Whole) -> Iterable[Reason]:
    """A number that begins anew, as on the first of January, is none that is missing."""
    last, number = _number(before.sequence), _number(this.sequence)
    if last is not None and number is not None and number > last + 1:
        expected = last + 1
        yield reason("BANK_STATEMENT_MISSING", this.report_id, expected=expected, found=this.sequence)
    if before.closing_fen != this.opening_fen:
        closing, opening = yuan(before.closing_fen), yuan(this.opening_fen)
        yield reason("BANK_STATEMENT_OPENING", this.report_id, closing=closing, opening=opening)


def _number(sequence: str) -> int | None:
    """None for what is no number: a bank may write anything there."""
    is_number = sequence.isascii() and sequence.isdigit() and len(sequence) <= _DIGITS_MAX
    return int(sequence) if is_number else None


def _balance(one: Whole, why: Reason) -> Finding:
    """It is no movement, so no day's sums have it: what it is out by stands in its reason."""
    key = f"balance/{one.account}/{one.day}/{one.report_id}/{why.code}/{sorted(why.values)}"
    place = (one.file_name, None, None, "", one.account, one.day)
    return Finding(key, BreakKind.BALANCE, "STATEMENT", *place, 0, False, 0, 0, None, why)


def missing(payments: Sequence[Unproven], covered: Mapping[str, set[date]], calendar: Calendar) -> list[Finding]:
    """What is paid by an advice alone, the ledger has and the statement has not: by so much it has more."""
    found = []
    for one in payments:
        if not is_proven(proof_days(one.day, one.day, calendar), covered.get(one.account, set())):
            continue
        effect_fen = 0 if one.state in OUT else -one.amount_fen if one.is_credit else one.amount_fen
        place = ("", one.payment_id, one.order_id, one.end_to_end_id, one.account, one.day)
        sums = (one.amount_fen, one.is_credit, effect_fen, 0, None)
        told = f"/{one.advice}" if one.advice is not None else ""  # each return that was told is one of its own
        key = f"missing/{one.payment_id}/{effect_fen}{told}"
        found.append(Finding(key, BreakKind.MISSING, "LEDGER", *place, *sums, reason("BREAK_MISSING", state=one.state)))
    return found


def early(payments: Sequence[Unproven]) -> list[Finding]:
    """Money that came back, by a statement, of which none says that it left: the ledger waits for the debit."""
    found = []
    for one in payments:
        place = ("", one.payment_id, one.order_id, one.end_to_end_id, one.account, one.day)
        sums = (one.amount_fen, True, one.amount_fen, 0, None)
        key = f"early/{one.payment_id}"
        found.append(Finding(key, BreakKind.MISSING, "LEDGER", *place, *sums, reason("BREAK_RETURN_EARLY")))
    return found


def dates(payments: Sequence[Dated]) -> list[Finding]:
    """The statement has it on its day, the ledger on another; over both days they come to the same."""
    found = []
    for one in payments:
        effect_fen = one.amount_fen if one.is_credit else -one.amount_fen
        why = reason("BREAK_DATE", ledger=one.ledger_on.isoformat(), statement=one.statement_on.isoformat())
        place = (one.file_name, one.payment_id, one.order_id, one.end_to_end_id, one.account, one.statement_on)
        sums = (one.amount_fen, one.is_credit, effect_fen, -effect_fen, one.ledger_on)
        key = f"date/{one.payment_id}/{one.is_credit}/{one.statement_on}"
        found.append(Finding(key, BreakKind.DATE, "LEDGER", *place, *sums, why))
    return found
