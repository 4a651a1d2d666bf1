"""Orders: from a backlog on the topic to durable reserved postings, against COPY of the very rows they produced.

The rows are read back and copied into tables made like those of the treasury, with the same indexes and checks, in the
same database and the same run: one COPY a table, in one transaction, from records that are ready in memory. That is
the ceiling of whoever would only write. `python -m tests.bench.orders` measures this alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID, uuid4

import asyncpg
from cradle.treasury.v1 import money_pb2, order_pb2, service_pb2
from cradle.treasury.v1.service_pb2_grpc import TreasuryServiceStub
from rich.console import Console

from deploy.local.stack import Stack
from services.kit import rpc
from services.kit.dates import to_proto
from services.treasury.wire.orders import content_hash
from tests.bench import load

RECORDS = 50_000
TOPIC, WORKER = "treasury.order.v1", "treasury-worker"
COUNTIES = tuple(f"6103{number:02d}" for number in range(2, 14))
TABLES = ("payment_order", "order_revision", "transfer", "account_day")
_FIRST = date(2026, 11, 1)
# What PostgreSQL makes by itself is not copied.
_COPIED = """SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0
             AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""


def order(number: int) -> tuple[bytes, bytes]:
    """The case's id and the order, as claims send it."""
    case_id = str(UUID(int=number + (7 << 76) + (2 << 62) + (1 << 120)))
    stated = order_pb2.OrderStated(
        programme=money_pb2.PROGRAMME_MATERNITY,
        case_id=case_id,
        line="ALLOWANCE/1",
        revision=1,
        owed_fen=1_000_000 + number,
        fund=money_pb2.FUND_EMPLOYEE_INSURANCE,
        county=COUNTIES[number % len(COUNTIES)],
        payable_on=to_proto(_FIRST + timedelta(days=number % 30)),
        payee=money_pb2.Payee(kind=money_pb2.PAYEE_KIND_PERSON, reference=case_id),
        law_digest="f" * 64,
    )
    stated.content_hash = content_hash(stated)
    return case_id.encode(), order_pb2.OrderEvent(stated=stated).SerializeToString()


def appropriate(stack: Stack) -> None:
    """More than enough for every county."""
    with rpc.blocking_channel(stack.environment["CRADLE_TREASURY_TARGET"], stack.operator) as channel:
        for county in COUNTIES:
            key = service_pb2.BudgetKey(
                fund=money_pb2.FUND_EMPLOYEE_INSURANCE,
                pooling_area="610300",
                county=county,
                programme=money_pb2.PROGRAMME_MATERNITY,
                fiscal_year=2026,
            )
            TreasuryServiceStub(channel).AppropriateBudget(
                service_pb2.AppropriateBudgetRequest(
                    key=key, amount_fen=10**12, document="bench", request_id=str(uuid4())
                ),
                timeout=10,
            )


async def backlog(stack: Stack, connection: asyncpg.Connection[asyncpg.Record], records: int) -> float:
    """Orders a second, over a backlog that waits when the worker starts; from its first commit to its last."""
    stack.stop_role(WORKER)
    before = await taken(connection)
    await load.produce(
        stack.environment["KAFKA_BOOTSTRAP_SERVERS"], TOPIC, [order(number) for number in range(records)]
    )
    starting = asyncio.create_task(asyncio.to_thread(stack.start_role, WORKER))
    first: tuple[float, int] | None = None
    while (seen := await taken(connection) - before) < records:
        if seen and first is None:
            first = (time.perf_counter(), seen)
        await asyncio.sleep(0.05)
    elapsed = time.perf_counter() - first[0] if first else 0.0
    await starting
    return (records - first[1]) / elapsed if first else 0.0


async def taken(connection: asyncpg.Connection[asyncpg.Record]) -> int:
    sql = "SELECT COALESCE(sum(next_offset), 0)::bigint FROM consumed WHERE consumer = 'treasury'"
    return int(await connection.fetchval(sql))


async def copied(connection: asyncpg.Connection[asyncpg.Record], orders: int) -> float:
    """Orders a second, if all there were to do were to copy their rows."""
    rows: dict[str, tuple[Sequence[str], list[tuple[object, ...]]]] = {}
    await connection.execute("CREATE SCHEMA raw")
    for table in TABLES:
        columns = [row["attname"] for row in await connection.fetch(_COPIED, table)]
        found = await connection.fetch(f"SELECT {', '.join(columns)} FROM {table}")
        rows[table] = columns, [tuple(row) for row in found]
        await connection.execute(f"CREATE TABLE raw.{table} (LIKE {table} INCLUDING ALL)")
    assert len(rows["payment_order"][1]) == orders
    begun = time.perf_counter()
    async with connection.transaction():
        for table, (names, records) in rows.items():
            await connection.copy_records_to_table(table, schema_name="raw", columns=names, records=records)
    elapsed = time.perf_counter() - begun
    await connection.execute("DROP SCHEMA raw CASCADE")
    return orders / elapsed


async def measure(stack: Stack, records: int = RECORDS) -> dict[str, float]:
    """On a treasury that has seen no order yet."""
    await asyncio.to_thread(appropriate, stack)
    connection = await asyncpg.connect(f"{stack.environment['DATABASE_URL']}/cradle_treasury")
    per_s = await backlog(stack, connection, records)
    raw_per_s = await copied(connection, records)
    held = await connection.fetchval("SELECT count(*) FROM payment_order WHERE state <> 'RESERVED'")
    await connection.close()
    assert not held
    return {
        "orders_per_s": round(per_s),
        "orders_copy_per_s": round(raw_per_s),
        "orders_vs_copy": round(per_s / raw_per_s, 3),
    }


def main() -> None:
    with Stack("bench-orders", settings={"CRADLE_TODAY": load.TODAY.isoformat()}) as stack:
        for name, value in asyncio.run(measure(stack)).items():
            Console().print(f"{name}: {value:,}")


if __name__ == "__main__":
    main()
