"""What the tests of the treasury share: orders as bytes, a treasury on a database of its own, and what always holds."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from cradle.treasury.v1 import money_pb2, order_pb2, payment_pb2

from deploy.local.stack import Stack
from services.kit import db
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.kit.dates import to_proto
from services.kit.db import Database
from services.kit.law import Law
from services.kit.parking import Message
from services.treasury import usecases
from services.treasury.model import Appropriation, Pot
from services.treasury.rules import LAW
from services.treasury.usecases import Desk
from services.treasury.wire import orders
from tests.kit.live import sealer_of

TODAY = date(2026, 11, 23)
FUND, COUNTY, AREA = "EMPLOYEE_INSURANCE", "610304", "610300"
MATERNITY = Pot(FUND, COUNTY, "MATERNITY", 2026)
PAYEE = "01930000-0000-7000-8000-000000000001"
_offsets = itertools.count()


def case() -> str:
    return str(uuid4())


def order(case_id: str = "", owed_fen: int = 100, revision: int = 1, **changed: Any) -> bytes:
    """An order as it is sent, its digest right whatever was changed."""
    return sealed(message(case_id, owed_fen, revision, **changed))


def message(case_id: str = "", owed_fen: int = 100, revision: int = 1, **changed: Any) -> order_pb2.OrderStated:
    payable_on = changed.pop("payable_on", TODAY)
    payee = changed.pop("payee", PAYEE)
    fields = {"fund": money_pb2.FUND_EMPLOYEE_INSURANCE, "county": COUNTY, "line": "ALLOWANCE/1", **changed}
    return order_pb2.OrderStated(
        programme=fields.pop("programme", money_pb2.PROGRAMME_MATERNITY),
        case_id=case_id or case(),
        revision=revision,
        owed_fen=owed_fen,
        payable_on=to_proto(payable_on),
        payee=money_pb2.Payee(kind=money_pb2.PAYEE_KIND_PERSON, reference=payee),
        law_digest="f" * 64,
        **fields,
    )


def sealed(stated: order_pb2.OrderStated) -> bytes:
    stated.content_hash = orders.content_hash(stated)
    return order_pb2.OrderEvent(stated=stated).SerializeToString()


def record(value: bytes) -> Message:
    return Message(orders.ORDERS, 0, next(_offsets), b"case", value, 1_764_000_000_000)


@dataclass(frozen=True)
class Counter:
    """A treasury on a database of its own, driven without a worker."""

    dsn: str
    database: Database
    desk: Desk

    async def take_in(self, *values: bytes) -> None:
        """One batch."""
        async with self.database.transaction() as tx:
            await usecases.take_in(self.desk, tx, [orders.read(record(value), 65_536) for value in values])

    async def give(self, amount_fen: int, pot: Pot = MATERNITY, request_id: UUID | None = None) -> bytes:
        given = Appropriation(
            request_id or uuid4(), b"%d" % amount_fen, pot, AREA, amount_fen, "宝财社〔2026〕1号", "person/li", TODAY
        )
        return await usecases.appropriate(self.desk, self.database, given)

    async def release(self) -> int:
        return await usecases.release(self.desk, self.database)

    async def order(self, case_id: str, line: str = "ALLOWANCE/1") -> asyncpg.Record:
        (found,) = await self.database.fetch(
            "SELECT * FROM payment_order WHERE case_id = $1 AND line = $2", UUID(case_id), line
        )
        return found

    async def figures(self, pot: Pot = MATERNITY) -> tuple[int, int, int, int]:
        """Available, reserved, and the orders that wait with their sum."""
        (found,) = await self.database.fetch(
            """SELECT available_fen, reserved_fen, waiting_orders, waiting_fen FROM budget
               WHERE (fund, county, programme, fiscal_year) = ($1, $2, $3, $4)""",
            *pot,
        )
        return tuple(found)

    async def told(self) -> list[tuple[str, str, int, tuple[str, ...]]]:
        """Every event in the outbox: case, kind, version, reasons."""
        rows = await self.database.fetch("SELECT payload FROM outbox ORDER BY id")
        return [_told(payment_pb2.PaymentEvent.FromString(row["payload"])) for row in rows]

    async def pay(self, case_id: str, *, live_fen: int = 0, settled_fen: int = 0) -> None:
        """As payment runs will: what was reserved is on its way, or settled. Budget and ledger move with it."""
        moved = live_fen + settled_fen
        await self.database.fetch(
            """WITH paid AS (
                   UPDATE payment_order SET reserved_fen = reserved_fen - $2 - $3, live_fen = live_fen + $2,
                          settled_fen = settled_fen + $3,
                          state = CASE WHEN settled_fen + $3 = owed_fen THEN 'SETTLED' ELSE state END
                   WHERE case_id = $1 RETURNING budget_id),
               moved AS (
                   UPDATE budget SET reserved_fen = reserved_fen - $2 - $3, committed_fen = committed_fen + $2,
                          spent_fen = spent_fen + $3 FROM paid WHERE id = paid.budget_id RETURNING id),
               booked AS (
                   INSERT INTO transfer (debit, credit, amount_fen, kind, effective_on, booked_on, booked_at)
                   SELECT there.id, here.id, one.fen, 'PAY', $4, $4, now()
                   FROM moved CROSS JOIN (VALUES ('COMMITTED', $2::bigint), ('SPENT', $3::bigint)) AS one (kind, fen)
                   JOIN account AS there ON there.budget_id = moved.id AND there.kind = one.kind
                   JOIN account AS here ON here.budget_id = moved.id AND here.kind = 'RESERVED'
                   WHERE one.fen > 0 RETURNING debit, credit, amount_fen)
               INSERT INTO account_day AS day (account_id, booked_on, effective_on, debit_fen, credit_fen)
               SELECT account, $4::date, $4::date, sum(d), sum(c) FROM (
                   SELECT debit AS account, amount_fen AS d, 0 AS c FROM booked
                   UNION ALL SELECT credit, 0, amount_fen FROM booked) AS side GROUP BY account
               ON CONFLICT (account_id, booked_on, effective_on) DO UPDATE
               SET debit_fen = day.debit_fen + EXCLUDED.debit_fen, credit_fen = day.credit_fen + EXCLUDED.credit_fen""",
            UUID(case_id),
            live_fen,
            settled_fen,
            TODAY,
        )
        assert moved

    async def empty(self) -> None:
        """Begin anew, as only a superuser with the triggers off can."""
        tables = "transfer, ledger_block, appropriation, order_revision, refusal"
        async with self.database.transaction() as tx:
            await tx.execute("SET LOCAL session_replication_role = replica")
            await tx.execute(f"TRUNCATE {tables}, account_day, account, budget, payment_order, outbox")

    async def holds(self) -> None:
        """What is always so, whatever happened: read from the tables, by other statements than the treasury's own."""
        await check(self.database)


async def check(database: Database, county: str = "") -> None:
    """Of every budget, or of one county's; none of their orders is in a payment run."""
    ledger = """(SELECT COALESCE(sum(t.amount_fen), 0) FROM transfer AS t JOIN account AS a ON a.id = t.debit
                 WHERE a.budget_id = b.id AND a.kind = '{kind}')
              - (SELECT COALESCE(sum(t.amount_fen), 0) FROM transfer AS t JOIN account AS a ON a.id = t.credit
                 WHERE a.budget_id = b.id AND a.kind = '{kind}')"""
    kinds = ("available", "reserved", "committed", "spent")
    budgets = await database.fetch(
        f"""SELECT b.*, {", ".join(f"{ledger.format(kind=kind.upper())} AS ledger_{kind}" for kind in kinds)},
                   {ledger.format(kind="APPROPRIATED")} AS ledger_appropriated,
                   (SELECT COALESCE(sum(amount_fen), 0) FROM appropriation AS p WHERE p.budget_id = b.id) AS given,
                   (SELECT COALESCE(sum(reserved_fen), 0) FROM payment_order AS o WHERE o.budget_id = b.id) AS orders,
                   (SELECT count(*) FROM payment_order AS o WHERE o.budget_id = b.id AND o.waiting) AS waiting,
                   (SELECT COALESCE(sum(owed_fen - settled_fen - live_fen - reserved_fen), 0) FROM payment_order AS o
                    WHERE o.budget_id = b.id AND o.waiting) AS held
            FROM budget AS b WHERE $1 IN ('', b.county)""",
        county,
    )
    for budget in budgets:
        figures = [budget[f"{kind}_fen"] for kind in kinds]
        assert figures == [budget[f"ledger_{kind}"] for kind in kinds]
        assert min(figures) >= 0
        assert sum(figures) == budget["given"] == -budget["ledger_appropriated"]
        assert budget["reserved_fen"] == budget["orders"]
        assert (budget["waiting_orders"], budget["waiting_fen"]) == (budget["waiting"], budget["held"])
    found = await database.fetch(
        """SELECT o.*, (SELECT COALESCE(sum(CASE kind WHEN 'RESERVE' THEN amount_fen ELSE -amount_fen END), 0)
                        FROM transfer AS t WHERE t.order_id = o.id) AS booked,
                  (SELECT max(revision) FROM order_revision AS r WHERE r.order_id = o.id) AS last
           FROM payment_order AS o WHERE $1 IN ('', o.county)""",
        county,
    )
    for one in found:
        held = one["owed_fen"] - one["settled_fen"] - one["live_fen"] - one["reserved_fen"]
        assert (held < 0) == (one["state"] == "OVERPAID")
        assert held <= 0 or one["state"] == "HELD"
        assert one["revision"] == one["last"]
        assert one["booked"] == one["reserved_fen"] + one["live_fen"] + one["settled_fen"]
        assert one["waiting"] == bool({"BUDGET_HELD", "BUDGET_MISSING"} & set(one["reasons"]))
    (row,) = await database.fetch("SELECT COALESCE(sum(debit_fen) - sum(credit_fen), 0) AS fen FROM account_day")
    assert row["fen"] == 0


def _told(event: payment_pb2.PaymentEvent) -> tuple[str, str, int, tuple[str, ...]]:
    kind = event.WhichOneof("event") or ""
    inside = getattr(event, kind)
    return event.case_id, kind, event.version, tuple(getattr(inside, "reasons", ()))


@asynccontextmanager
async def counter(stack: Stack, dsn: str, law: Law = LAW, connections_max: int = 8) -> AsyncIterator[Counter]:
    async with db.connect(dsn, connections_max=connections_max) as database:
        yield Counter(dsn, database, Desk(Clock(TODAY), law, sealer_of(stack)))


def bound_to(county: str) -> Principal:
    """Somebody of one county's office."""
    return Principal("person", "qian", "county-treasury", "610300", frozenset(), counties=frozenset({county}))


def with_limit(limit_fen: int) -> Law:
    return LAW.given({"order.limit_fen": str(limit_fen)})
