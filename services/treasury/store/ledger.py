"""Appending to the ledger: transfers, and their sums by account and day. Nothing of it is ever changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from services.kit.db import Tx
from services.treasury.model import Transfer
from services.treasury.rules import sums

TRANSFER: Final = (
    "debit",
    "credit",
    "amount_fen",
    "kind",
    "order_id",
    "effective_on",
    "payment_id",
    "booked_on",
    "booked_at",
)


async def append(tx: Tx, transfers: Sequence[Transfer], booked_on: date, now: datetime) -> None:
    """Book these. The budgets of their accounts are locked by now, so nobody waits for a sum."""
    if not transfers:
        return
    await tx.copy("transfer", TRANSFER, [(*one, booked_on, now) for one in transfers])
    days = sums(transfers)
    await tx.execute(
        """INSERT INTO account_day AS day (account_id, booked_on, effective_on, debit_fen, credit_fen)
           SELECT account_id, $2, effective_on, debit_fen, credit_fen
           FROM unnest($1::bigint[], $3::date[], $4::bigint[], $5::bigint[])
                AS mine (account_id, effective_on, debit_fen, credit_fen)
           ON CONFLICT (account_id, booked_on, effective_on)
           DO UPDATE SET debit_fen = day.debit_fen + EXCLUDED.debit_fen,
                         credit_fen = day.credit_fen + EXCLUDED.credit_fen""",
        [one.account_id for one in days],
        booked_on,
        [one.effective_on for one in days],
        [one.debit_fen for one in days],
        [one.credit_fen for one in days],
    )
