"""What was said of payments, whatever message said it; and what a payment that was lost is made of again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.db import Tx
from services.treasury.model import Entry, Payment, Said


class Debit(NamedTuple):
    """What the bank tells of a payment that the database does not know."""

    end_to_end_id: str
    account: str
    amount_fen: int


# What persons have ended otherwise (cancelled out, explained, a repayment) is not moved a second time.
_FREE: Final = """NOT EXISTS (SELECT FROM unmatched AS u
                            WHERE u.entry_id = e.id AND NOT u.is_open AND u.way <> 'HEALED')"""


async def debits(tx: Tx, references: Collection[str]) -> list[Debit]:
    """The first debit of each, in the order in which they were heard."""
    rows = await tx.fetch(
        f"""SELECT end_to_end_id, account, amount_fen FROM (
                SELECT DISTINCT ON (end_to_end_id) id, end_to_end_id, account, amount_fen FROM statement_entry AS e
                WHERE end_to_end_id = ANY($1) AND NOT is_credit AND {_FREE} ORDER BY end_to_end_id, id) AS first
            ORDER BY id""",
        list(references),
    )
    return [Debit(*row) for row in rows]


async def take(tx: Tx, lost: Sequence[Payment]) -> None:
    """What is reserved for these orders is on its way, and what was paid beyond it too."""
    await tx.execute(
        """UPDATE payment_order AS o
           SET live_fen = o.live_fen + mine.fen, reserved_fen = GREATEST(0, o.reserved_fen - mine.fen)
           FROM unnest($1::bigint[], $2::bigint[]) AS mine (id, fen) WHERE o.id = mine.id""",
        [one.order_id for one in lost],
        [one.amount_fen for one in lost],
    )


async def said_of(tx: Tx, references: Collection[str]) -> list[tuple[str, list[Said | Entry]]]:
    """Answers by the message that has them, then entries, each in the order in which they were heard. What is not
    worked yet is left out, and what was ended by persons.
    """
    answers = await tx.fetch(
        """SELECT a.message_id, a.number, a.end_to_end_id, a.outcome, a.reason, a.amount_fen, a.said_at
           FROM bank_answer AS a JOIN bank_message AS m ON m.id = a.message_id
           WHERE a.end_to_end_id = ANY($1) AND a.number <= m.applied ORDER BY a.message_id, a.number""",
        list(references),
    )
    entries = await tx.fetch(
        f"""SELECT e.id, e.number, e.is_statement, e.account, e.end_to_end_id, e.amount_fen, e.is_credit, e.is_reversal,
                   e.value_on, e.return_reason
            FROM statement_entry AS e JOIN bank_message AS m ON m.id = e.message_id
            WHERE e.end_to_end_id = ANY($1) AND e.number <= m.applied AND {_FREE} ORDER BY e.id""",
        list(references),
    )
    by_message = groupby(answers, lambda row: row["message_id"])
    said: list[tuple[str, list[Said | Entry]]] = [
        (f"{message}", [Said(*row[1:]) for row in some]) for message, some in by_message
    ]
    return [*said, ("", [Entry(*row) for row in entries])]


async def spoken_of(tx: Tx, run_id: UUID) -> list[str]:
    """References of a run's payments about which items are open."""
    rows = await tx.fetch(
        """SELECT DISTINCT u.end_to_end_id FROM unmatched AS u JOIN payment AS p ON p.id = u.payment_id
           WHERE u.is_open AND p.run_id = $1 AND u.end_to_end_id <> ''
             AND u.reasons::jsonb -> 0 ->> 0 IN ('ENTRY_NOT_SENT', 'ANSWER_NOT_SENT')""",
        run_id,
    )
    return [row["end_to_end_id"] for row in rows]
