"""What banks say: kept once by content, then worked in order; and what fits no payment."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from services.kit.db import Database, Tx
from services.kit.messages import Reason, reason
from services.treasury.model import Entry, Said, Unmatched
from services.treasury.model.listing import ListedUnmatched
from services.treasury.store.breaks import SYSTEM

_ANSWER: Final = ("message_id", "number", "end_to_end_id", "outcome", "reason", "amount_fen", "said_at")
_ENTRY: Final = (
    "message_id",
    "number",
    "is_statement",
    "key",
    "account",
    "end_to_end_id",
    "amount_fen",
    "is_credit",
    "is_reversal",
    "value_on",
    "reference",
    "return_reason",
    "detail_sealed",
)
Kept = tuple[object, ...]  # a row of one of these


class Message(NamedTuple):
    id: int
    name: str
    kind: str
    records: int
    applied: int
    is_set_aside: bool


_MESSAGE: Final = "SELECT id, name, kind, records, applied, set_aside_at IS NOT NULL FROM bank_message"


async def known(source: Database | Tx, sha256: bytes) -> Message | None:
    rows = await source.fetch(f"{_MESSAGE} WHERE sha256 = $1", sha256)
    return Message(*rows[0]) if rows else None


async def last_received(database: Database) -> datetime | None:
    """When the last message that is known came."""
    at: datetime | None = (await database.fetch("SELECT max(received_at) AS at FROM bank_message"))[0]["at"]
    return at


async def new_message(tx: Tx, sha256: bytes, *, name: str, principal: str, kind: str, now: datetime) -> int:
    """Whoever brings the same bytes at the same time waits here, and is refused by the constraint."""
    rows = await tx.fetch(
        """INSERT INTO bank_message (sha256, name, kind, principal, received_at, records)
           VALUES ($1, $2, $3, $4, $5, 0) RETURNING id""",
        sha256,
        name,
        kind,
        principal,
        now,
    )
    return int(rows[0]["id"])


async def read_whole(tx: Tx, message_id: int, records: int) -> None:
    await tx.execute("UPDATE bank_message SET records = $2 WHERE id = $1", message_id, records)


async def add_answers(tx: Tx, answers: Sequence[Kept]) -> None:
    await tx.copy("bank_answer", _ANSWER, answers)


async def answers_of_file(
    tx: Tx, message_id: int, after: int, *, original: str, kind: str, said: tuple[str, str, datetime]
) -> int:
    """What is said of a whole file, or of one class of payee in it, is said of each payment; answers how many."""
    rows = await tx.fetch(
        """WITH made AS (
               INSERT INTO bank_answer (message_id, number, end_to_end_id, outcome, reason, said_at)
               SELECT $1, $2 + row_number() OVER (ORDER BY p.number), p.end_to_end_id, $5, $6, $7
               FROM bank_file AS f JOIN payment AS p ON p.run_id = f.run_id AND p.paying_account = f.paying_account
               WHERE f.message_id = $3 AND p.state <> 'CANCELLED' AND p.amount_fen > p.offset_fen
                 AND ($4 = '' OR p.payee_kind = $4)
               RETURNING 1)
           SELECT count(*) AS count FROM made""",
        message_id,
        after,
        original,
        kind,
        *said,
    )
    return int(rows[0]["count"])


async def add_entries(tx: Tx, entries: Sequence[Kept]) -> None:
    """Those that are not there yet, by the bank's reference."""
    found = dict(zip(_ENTRY, map(list, zip(*entries, strict=True)), strict=True))
    await tx.execute(
        f"""INSERT INTO statement_entry ({", ".join(_ENTRY)})
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::bytea[], $5::text[], $6::text[],
                                 $7::bigint[], $8::boolean[], $9::boolean[], $10::date[], $11::text[], $12::text[],
                                 $13::bytea[])
            ON CONFLICT (key) DO NOTHING""",
        *found.values(),
    )


# Of a day of a statement, `d`: that it follows on the one before, or that persons know why it does not.
FOLLOWS: Final = """NOT EXISTS (SELECT FROM unmatched AS u WHERE u.is_open AND u.kind = 'BALANCE'
                                AND u.account = d.account AND u.value_on = d.day)"""


async def covered(
    source: Database | Tx, accounts: Collection[str], since: date, *, reconciled_only: bool = False
) -> dict[str, set[date]]:
    """The days that statements cover, by account, once all is worked about it that came before: pages come in several.
    A message that is not worked says something of an account if it moves it, or answers about a payment from it.

    A day proves nothing as long as its statement does not follow on the one before: what is between them may be what
    is asked for. `reconciled_only`: and whether it does was looked at.
    """
    rows = await source.fetch(
        f"""SELECT d.account, d.day FROM statement_day AS d
           WHERE d.account = ANY($1) AND d.day >= $2
             AND {FOLLOWS}
             AND NOT ($3 AND EXISTS (SELECT FROM bank_message AS m WHERE m.id = d.message_id AND NOT m.is_reconciled))
             AND NOT EXISTS (
                 SELECT FROM bank_message AS m
                 WHERE m.applied < m.records AND m.id <= d.message_id
                   AND (EXISTS (SELECT FROM statement_entry AS e WHERE e.message_id = m.id AND e.account = d.account)
                        OR EXISTS (SELECT FROM bank_answer AS a JOIN payment AS p ON p.end_to_end_id = a.end_to_end_id
                                   JOIN bank_file AS f ON f.id = p.file_id
                                   WHERE a.message_id = m.id AND f.debtor_known_as = d.account)))""",
        list(accounts),
        since,
        reconciled_only,
    )
    found: dict[str, set[date]] = {}
    for row in rows:
        found.setdefault(row["account"], set()).add(row["day"])
    return found


# --- working ----------------------------------------------------------------------------------------------------------


async def unapplied(database: Database) -> list[int]:
    """Messages that are on record, not worked, and wait for nobody."""
    rows = await database.fetch(
        "SELECT id FROM bank_message WHERE applied < records AND set_aside_at IS NULL ORDER BY id"
    )
    return [row["id"] for row in rows]


async def lock(tx: Tx, message_id: int) -> Message:
    rows = await tx.fetch(f"{_MESSAGE} WHERE id = $1 FOR UPDATE", message_id)
    return Message(*rows[0])


async def stop(tx: Tx, message: Message, why: Reason, now: datetime) -> None:
    """Work a message no further until a person says so, which is an item of the queue."""
    await tx.execute("UPDATE bank_message SET set_aside_at = $2 WHERE id = $1", message.id, now)
    await tx.execute(
        """INSERT INTO unmatched (file_name, source, kind, key, end_to_end_id, amount_fen, is_credit, reasons,
                                  received_at)
           VALUES ($1, 'FILE', 'FILE', $2, '', 0, false, $3, $4)
           ON CONFLICT (key) DO UPDATE SET is_open = true, way = NULL, ended_at = NULL, reasons = excluded.reasons,
                                           number = unmatched.number + 1""",
        message.name,
        stopped_key(message.id),
        orjson.dumps([(why.code, why.field, why.values)]).decode(),
        now,
    )


async def go_on(tx: Tx, message_id: int) -> None:
    await tx.execute("UPDATE bank_message SET set_aside_at = NULL WHERE id = $1", message_id)


def stopped_key(message_id: int) -> bytes:
    return hashlib.sha256(f"message/{message_id}".encode()).digest()


async def answers(tx: Tx, message_id: int, after: int, limit: int) -> list[Said]:
    rows = await tx.fetch(
        """SELECT number, end_to_end_id, outcome, reason, amount_fen, said_at FROM bank_answer
           WHERE message_id = $1 AND number > $2 AND number <= $2 + $3 ORDER BY number""",
        message_id,
        after,
        limit,
    )
    return [Said(*row) for row in rows]


async def entries(tx: Tx, message_id: int, after: int, limit: int) -> list[Entry]:
    rows = await tx.fetch(
        """SELECT id, number, is_statement, account, end_to_end_id, amount_fen, is_credit, is_reversal, value_on,
                  return_reason FROM statement_entry
           WHERE message_id = $1 AND number > $2 AND number <= $2 + $3 ORDER BY number""",
        message_id,
        after,
        limit,
    )
    return [Entry(*row) for row in rows]


async def applied(tx: Tx, message_id: int, until: int) -> None:
    await tx.execute("UPDATE bank_message SET applied = LEAST($2, records) WHERE id = $1", message_id, until)


# --- what fits no payment ---------------------------------------------------------------------------------------------


async def set_aside(tx: Tx, name: str, items: Sequence[Unmatched], now: datetime) -> None:
    """Each once, by its key; one that was healed, and fits nothing all the same, is open again."""
    if not items:
        return
    rows = [(one.source, *one[1:8], orjson.dumps([(one.code, "", [])]).decode(), *one[9:]) for one in items]
    await tx.execute(
        """WITH found AS (
               INSERT INTO unmatched (file_name, source, key, end_to_end_id, payment_id, order_id, amount_fen,
                                      is_credit, value_on, reasons, kind, account, entry_id, effect_fen, received_at)
               SELECT $14, mine.*, $15
               FROM unnest($1::text[], $2::bytea[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::boolean[],
                           $8::date[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[]) AS mine
               ON CONFLICT (key) DO UPDATE SET is_open = true, way = NULL, ended_at = NULL,
                                               number = unmatched.number + 1
                   WHERE unmatched.way = 'HEALED'
               RETURNING id, number)
           INSERT INTO unmatched_step (break_id, number, step, way, why, note, actor, at)
           SELECT id, (SELECT count(*) FROM unmatched_step AS s WHERE s.break_id = found.id) + 1, 'OPENED', '', '', '',
                  $16, $15
           FROM found WHERE number > 1""",
        *map(list, zip(*rows, strict=True)),
        name,
        now,
        SYSTEM,
    )


async def refuse_file(tx: Tx, name: str, sha256: bytes, reasons: Sequence[Reason], now: datetime) -> None:
    """A file that cannot be taken is an item of the queue, once by its content."""
    coded = orjson.dumps([(one.code, one.field, one.values) for one in reasons]).decode()
    await tx.execute(
        """INSERT INTO unmatched (file_name, source, kind, key, end_to_end_id, amount_fen, is_credit, reasons,
                                  received_at)
           VALUES ($1, 'FILE', 'FILE', $2, '', 0, false, $3, $4) ON CONFLICT (key) DO NOTHING""",
        name,
        sha256,
        coded,
        now,
    )


async def open_questions(database: Database) -> tuple[int, int]:
    """How many payments are UNKNOWN, and how many items wait for a person."""
    rows = await database.fetch(
        """SELECT (SELECT count(*) FROM payment WHERE is_unknown) AS unknown,
                  (SELECT count(*) FROM unmatched WHERE is_open) AS unmatched"""
    )
    return rows[0]["unknown"], rows[0]["unmatched"]


async def count_unmatched(database: Database, name: str) -> int:
    rows = await database.fetch(
        """SELECT count(*) AS count FROM unmatched
           WHERE is_open AND file_name = $1 AND source IN ('FILE', 'ANSWER', 'ENTRY', 'RETURN')""",
        name,
    )
    return int(rows[0]["count"])


async def disputed(tx: Tx, run_id: UUID) -> int:
    """How many open items name a payment of this run."""
    rows = await tx.fetch(
        """SELECT count(*) AS count FROM unmatched AS u JOIN payment AS p ON p.id = u.payment_id
           WHERE u.is_open AND p.run_id = $1""",
        run_id,
    )
    return int(rows[0]["count"])


async def disputed_orders(source: Database | Tx, orders: Collection[int]) -> set[int]:
    """Those of these orders that an open break names. Under the order's lock nobody can name it meanwhile."""
    rows = await source.fetch(
        "SELECT DISTINCT order_id FROM unmatched WHERE is_open AND order_id = ANY($1)", list(orders)
    )
    return {row["order_id"] for row in rows}


async def is_disputed(source: Database | Tx, run_id: UUID) -> bool:
    """Whether an open break names an order that this run is still to pay."""
    rows = await source.fetch(
        """SELECT EXISTS (SELECT FROM unmatched AS u JOIN payment AS p ON p.order_id = u.order_id
                          WHERE u.is_open AND p.run_id = $1 AND p.state IN ('RESERVED', 'QUEUED')) AS it""",
        run_id,
    )
    return bool(rows[0]["it"])


async def unproven(tx: Tx, run_id: UUID) -> int:
    """How many payments of this run have moved money that no statement has, and no break explains it."""
    rows = await tx.fetch(
        """SELECT count(*) AS count FROM payment AS p
           WHERE p.run_id = $1 AND p.amount_fen > p.offset_fen
             AND ((p.phase = 'MOVED' AND p.debit_statement IS NULL)
                  OR (p.state = 'RETURNED' AND p.return_statement IS NULL))
             AND NOT EXISTS (SELECT FROM unmatched AS u WHERE u.payment_id = p.id AND u.kind = 'MISSING'
                             AND u.way = 'EXPLAINED' AND NOT u.is_open)""",
        run_id,
    )
    return int(rows[0]["count"])


async def list_unmatched(
    database: Database, counties: Sequence[str] | None, after: int | None, limit: int
) -> list[ListedUnmatched]:
    """Open ones, oldest first; who is bound to counties sees those about their payments."""
    rows = await database.fetch(
        """SELECT id, file_name, source, end_to_end_id, payment_id, amount_fen, is_credit, value_on, reasons,
                  received_at
           FROM unmatched WHERE is_open AND source IN ('FILE', 'ANSWER', 'ENTRY', 'RETURN')
             AND ($1::bigint IS NULL OR id > $1)
             AND ($2::text[] IS NULL OR payment_id IN (SELECT p.id FROM payment AS p WHERE p.county = ANY($2)))
           ORDER BY id LIMIT $3""",
        after,
        counties,
        limit,
    )
    return [_listed(row) for row in rows]


def _listed(row: Mapping[str, Any]) -> ListedUnmatched:
    found = {**row, "reasons": _reasons_of(row["reasons"])}
    return ListedUnmatched(*(found[name] for name in ListedUnmatched._fields))


def _reasons_of(text: str) -> list[Reason]:
    return [reason(code, field, **dict(values)) for code, field, values in orjson.loads(text)]


# --- two persons ------------------------------------------------------------------------------------------------------


async def proposal(source: Database | Tx, payment_id: UUID) -> tuple[str, str] | None:
    """Who has said of a payment that it was not made, by which document."""
    rows = await source.fetch("SELECT proposed_by, document FROM unknown_resolution WHERE payment_id = $1", payment_id)
    return (rows[0]["proposed_by"], rows[0]["document"]) if rows else None


async def propose(tx: Tx, payment_id: UUID, document: str, actor: str, now: datetime) -> None:
    await tx.execute(
        """INSERT INTO unknown_resolution (payment_id, document, proposed_by, proposed_at) VALUES ($1, $2, $3, $4)""",
        payment_id,
        document,
        actor,
        now,
    )


async def confirm(tx: Tx, payment_id: UUID, actor: str, now: datetime) -> None:
    await tx.execute(
        "UPDATE unknown_resolution SET confirmed_by = $2, confirmed_at = $3 WHERE payment_id = $1",
        payment_id,
        actor,
        now,
    )
