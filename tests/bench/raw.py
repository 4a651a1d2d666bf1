"""The raw ceiling: what the same machine does with the same claims when nothing is decided.

One process consumes claims of 485 bytes, parses them, writes each with an outbox row of 300 bytes in one unnest
transaction a batch, produces the outbox rows and commits the offsets. No look-up, no rules, no dedupe, no fence.

    python -m tests.bench.raw BROKER DATABASE_URL RECORDS
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from cradle.claims.v1 import intake_pb2

TOPIC_IN, TOPIC_OUT, BATCH = "bench.raw.in", "bench.raw.out", 500
_OUTBOX = b"o" * 300
_SCHEMA = """
CREATE TABLE IF NOT EXISTS raw_claim (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text, person text, employer text, county text, kind int, event_date text, mode int, infants int,
    birth_order int, wage bigint, topic text, part int, record_offset bigint);
CREATE TABLE IF NOT EXISTS raw_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text, key bytea, payload bytea);
"""
_CLAIMS = """INSERT INTO raw_claim (number, person, employer, county, kind, event_date, mode, infants, birth_order,
                                    wage, topic, part, record_offset)
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[],
                                  $7::int[], $8::int[], $9::int[], $10::bigint[], $11::text[], $12::int[],
                                  $13::bigint[])"""
_ROWS = """INSERT INTO raw_outbox (topic, key, payload)
           SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[])"""


async def run(broker: str, dsn: str, records: int) -> float:
    """Records a second, from the first batch to the last commit."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(_SCHEMA)
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        TOPIC_IN, bootstrap_servers=broker, group_id="bench-raw", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    done, begun = 0, 0.0
    while done < records:
        batch = [r for rs in (await consumer.getmany(timeout_ms=200, max_records=BATCH)).values() for r in rs]
        if not batch:
            continue
        begun = begun or time.perf_counter()
        claims = [intake_pb2.ClaimIntake.FromString(record.value).submit.claim for record in batch]
        columns = zip(
            *[
                (
                    c.claim_number, c.person_id_number, c.employer_uscc, c.county, c.kind,
                    f"{c.event.date.year}-{c.event.date.month}-{c.event.date.day}", c.event.delivery_mode,
                    c.event.infants, c.event.birth_order, c.own_monthly_wage_fen, r.topic, r.partition, r.offset,
                )
                for c, r in zip(claims, batch, strict=True)
            ],
            strict=True,
        )  # fmt: skip
        async with connection.transaction():
            await connection.execute(_CLAIMS, *map(list, columns))
            await connection.execute(_ROWS, [TOPIC_OUT] * len(batch), [r.key for r in batch], [_OUTBOX] * len(batch))
        sent = [await producer.send(TOPIC_OUT, _OUTBOX, key=record.key) for record in batch]
        await asyncio.gather(*sent)
        await consumer.commit()
        done += len(batch)
    elapsed = time.perf_counter() - begun
    await consumer.stop()
    await producer.stop()
    await connection.close()
    return done / elapsed


if __name__ == "__main__":
    print(json.dumps({"raw_per_s": round(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]))))}))  # noqa: T201
