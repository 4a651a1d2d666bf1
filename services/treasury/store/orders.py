"""Orders, their revisions and refusals: read under their locks, and written. Sets, never rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import orjson
from asyncpg import Record

from services.kit.db import Database, Tx
from services.kit.messages import Reason
from services.kit.seal import Sealer
from services.treasury.model import Order, OrderKey, Payee, Place, Refusal, Stated
from services.treasury.rules import Settled

COLUMNS: Final = (
    "id",
    "programme",
    "case_id",
    "period",
    "line",
    "revision",
    "version",
    "content_hash",
    "state",
    "reasons",
    "owed_fen",
    "reserved_fen",
    "live_fen",
    "settled_fen",
    "fund",
    "county",
    "budget_id",
    "payable_on",
    "payee_kind",
    "payee",
    "paid_to",
    "paid_from",
    "waiting",
    "law_digest",
    "updated_at",
    "released_revision",
    "refused_revision",
)
_REVISION: Final = (
    "order_id",
    "revision",
    "content_hash",
    "owed_fen",
    "payable_on",
    "payee_kind",
    "payee",
    "law_digest",
    "position",
    "received_at",
)
_REFUSAL: Final = (
    "position",
    "programme",
    "case_id",
    "period",
    "line",
    "county",
    "revision",
    "version",
    "reasons",
    "sealed",
    "received_at",
)


async def load_orders(tx: Tx, keys: Collection[OrderKey]) -> dict[OrderKey, Order]:
    """The orders of these keys, locked in order of id."""
    rows = await tx.fetch(
        f"""SELECT {", ".join(f"o.{name}" for name in COLUMNS)}
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS wanted (case_id, line, period, programme)
            JOIN payment_order AS o USING (case_id, line, period, programme)
            ORDER BY o.id FOR UPDATE OF o""",
        *_columns(keys),
    )
    return {order.key: order for order in map(order_of, rows)}


async def lock_orders(tx: Tx, ids: Sequence[int]) -> list[Order]:
    """These orders, locked in order of id."""
    rows = await tx.fetch(
        f"SELECT {', '.join(COLUMNS)} FROM payment_order WHERE id = ANY($1) ORDER BY id FOR UPDATE", ids
    )
    return [order_of(row) for row in rows]


async def told_of(tx: Tx, keys: Collection[OrderKey]) -> dict[OrderKey, int]:
    """The last version that was told of orders of which nothing was ever taken."""
    rows = await tx.fetch(
        """SELECT case_id::uuid AS case_id, line, period, programme, max(version) AS version
           FROM refusal WHERE case_id = ANY($1) AND version > 0 GROUP BY 1, 2, 3, 4""",
        [str(key.case_id) for key in keys],
    )
    return {OrderKey(row["case_id"], row["line"], row["period"], row["programme"]): row["version"] for row in rows}


async def new_ids(tx: Tx, count: int) -> list[int]:
    """Ids for new orders, smallest first: what is booked for them names them before their rows are there."""
    rows = await tx.fetch("SELECT nextval('payment_order_id_seq') AS id FROM generate_series(1, $1)", count)
    return sorted(row["id"] for row in rows)


async def first_waiting(tx: Tx, budgets: Sequence[int], but: Collection[int]) -> dict[int, Place]:
    """Of each of these budgets, whose rows are locked, the first order that waits for money and is none of these."""
    rows = await tx.fetch(
        """SELECT one.budget_id, first.payable_on, first.id FROM unnest($1::bigint[]) AS one (budget_id)
           CROSS JOIN LATERAL (
               SELECT payable_on, id FROM payment_order AS o
               WHERE o.budget_id = one.budget_id AND o.waiting AND o.id <> ALL($2::bigint[])
               ORDER BY payable_on, id LIMIT 1) AS first""",
        budgets,
        list(but),
    )
    return {row["budget_id"]: Place(row["payable_on"], row["id"]) for row in rows}


async def waiting(database: Database, budget_id: int, limit: int) -> list[int]:
    """The first orders that wait for this budget's money."""
    rows = await database.fetch(
        "SELECT id FROM payment_order WHERE budget_id = $1 AND waiting ORDER BY payable_on, id LIMIT $2",
        budget_id,
        limit,
    )
    return [row["id"] for row in rows]


async def unaware(database: Database, budget_id: int, limit: int) -> list[int]:
    """Orders that were told that there is no budget, which there is by now."""
    rows = await database.fetch(
        """SELECT id FROM payment_order WHERE budget_id = $1 AND waiting AND 'BUDGET_MISSING' = ANY(reasons)
           ORDER BY payable_on, id LIMIT $2""",
        budget_id,
        limit,
    )
    return [row["id"] for row in rows]


async def save_orders(tx: Tx, orders: Sequence[Settled]) -> None:
    """Insert what is new, update what has changed. A key that somebody else has inserted meanwhile is a conflict."""
    await tx.copy("payment_order", COLUMNS, [_row(one.after) for one in orders if one.before is None])
    if changed := [_row(one.after) for one in orders if one.before is not None and one.changed]:
        await _update(tx, changed)


async def save_revisions(tx: Tx, revisions: Sequence[tuple[int, Stated]]) -> None:
    await tx.copy(
        "order_revision",
        _REVISION,
        [
            (
                order_id,
                stated.revision,
                stated.content_hash,
                stated.owed_fen,
                stated.payable_on,
                stated.payee.kind,
                stated.payee.reference,
                stated.law_digest,
                stated.position,
                stated.received_at,
            )
            for order_id, stated in revisions
        ],
    )


async def save_refusals(tx: Tx, refusals: Sequence[Refusal], sealer: Sealer) -> None:
    await tx.copy("refusal", _REFUSAL, [_refused(one, sealer) for one in refusals])


def reasons_of(text: str) -> list[Reason]:
    return [
        Reason(code, field, tuple((name, value) for name, value in values))
        for code, field, values in orjson.loads(text)
    ]


def _refused(refusal: Refusal, sealer: Sealer) -> tuple[object, ...]:
    unfit = refusal.unfit
    key = unfit.key
    return (
        unfit.position,
        key.programme if key else "",
        str(key.case_id) if key else "",
        key.period if key else "",
        key.line if key else "",
        unfit.county,
        unfit.revision,
        refusal.version,
        orjson.dumps([(one.code, one.field, one.values) for one in unfit.reasons]).decode(),
        sealer.seal(unfit.record, f"refusal/{unfit.position}".encode()),
        unfit.received_at,
    )


def order_of(row: Record) -> Order:
    """Of a row that begins with COLUMNS. By place, not by name: a run reads each of its orders five times."""
    values = tuple(row)
    number, programme, case_id, period, line = values[:5]
    key, payee = OrderKey(case_id, line, period, programme), Payee(*values[18:20])
    return Order._make((number, key, *values[5:9], tuple(values[9]), *values[10:18], payee, *values[20 : len(COLUMNS)]))


def _row(order: Order) -> tuple[object, ...]:
    case_id, line, period, programme = order.key
    kind, payee = order.payee
    return (
        order.id,
        programme,
        case_id,
        period,
        line,
        order.revision,
        order.version,
        order.content_hash,
        order.state,
        order.reasons,
        order.owed_fen,
        order.reserved_fen,
        order.live_fen,
        order.settled_fen,
        order.fund,
        order.county,
        order.budget_id,
        order.payable_on,
        kind,
        payee,
        order.paid_to,
        order.paid_from,
        order.waiting,
        order.law_digest,
        order.updated_at,
        order.released_revision,
        order.refused_revision,
    )


async def _update(tx: Tx, rows: Sequence[tuple[object, ...]]) -> None:
    # What is live or settled is not written: it moves with payments only. Reasons go as one text a row, for an array of
    # arrays does not unnest by row.
    found = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    await tx.execute(
        """UPDATE payment_order AS o
           SET revision = mine.revision, version = mine.version, content_hash = mine.content_hash, state = mine.state,
               reasons = string_to_array(mine.reasons, ','), owed_fen = mine.owed_fen,
               reserved_fen = mine.reserved_fen, fund = mine.fund, county = mine.county, budget_id = mine.budget_id,
               payable_on = mine.payable_on, payee_kind = mine.payee_kind, payee = mine.payee,
               paid_to = mine.paid_to, paid_from = mine.paid_from, waiting = mine.waiting,
               law_digest = mine.law_digest, updated_at = mine.updated_at,
               released_revision = mine.released_revision, refused_revision = mine.refused_revision
           FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::bigint[],
                       $8::bigint[], $9::text[], $10::text[], $11::bigint[], $12::date[], $13::text[], $14::text[],
                       $15::text[], $16::text[], $17::boolean[], $18::text[], $19::timestamptz[],
                       $20::bigint[], $21::bigint[])
                AS mine (id, revision, version, content_hash, state, reasons, owed_fen, reserved_fen, fund, county,
                         budget_id, payable_on, payee_kind, payee, paid_to, paid_from, waiting, law_digest, updated_at,
                         released_revision, refused_revision)
           WHERE o.id = mine.id""",
        *(
            [",".join(one) for one in found[name]] if name == "reasons" else list(found[name])
            for name in COLUMNS
            if name not in {"programme", "case_id", "period", "line", "live_fen", "settled_fen"}
        ),
    )


def _columns(keys: Collection[OrderKey]) -> tuple[list[Any], ...]:
    return (
        [key.case_id for key in keys],
        [key.line for key in keys],
        [key.period for key in keys],
        [key.programme for key in keys],
    )
