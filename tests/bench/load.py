"""Claims of a fixed size for measuring: clean, 485 bytes on the wire."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from aiokafka import AIOKafkaProducer
from cradle.claims.v1 import claim_pb2, intake_pb2
from cradle.registry.v1 import service_pb2, service_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp
from stdnum.cn import ric

from services.kit import rpc
from services.kit.dates import from_proto, month_of, to_proto
from services.kit.tls import Identity

SIZE = 485
SOURCE = "hospitals"
USCC = "91610302MA6XA1B21P"
HOSPITAL = "H61030200123"
TODAY = date(2026, 11, 23)
_FIRST = date(2026, 1, 1)


def id_number(person: int) -> str:
    """A valid number of a woman; up to 5.5 million different ones."""
    day, serial = divmod(person, 500)
    born = date(1975, 1, 1) + timedelta(days=day)
    number = f"610302{born:%Y%m%d}{serial * 2 + 1:03d}"
    number = f"{number[:16]}{int(number[16]) // 2 * 2}"
    return number + str(ric.calc_check_digit(number + "0"))


def claim(person: int, number: str) -> bytes:
    """Her allowance."""
    return _sized(_asked(person, number))


def settlement(person: int, number: str) -> bytes:
    """The cost of the same birth, as the hospital has settled it: a stay, and three visits before it."""
    message = _asked(person, number)
    body = message.submit.claim
    body.kind = claim_pb2.CLAIM_KIND_PROVIDER_SETTLEMENT
    body.ClearField("own_monthly_wage_fen")
    born = from_proto(body.event.date)
    stay = body.stays.add(provider=HOSPITAL, charge=intake_pb2.Charge(policy_range_fen=480_000))
    stay.admission_date.CopyFrom(to_proto(born - timedelta(days=1)))
    stay.discharge_date.CopyFrom(to_proto(born + timedelta(days=3)))
    for month in (5, 3, 1):
        visit = body.visits.add(provider=HOSPITAL, charge=intake_pb2.Charge(policy_range_fen=21_000))
        visit.date.CopyFrom(to_proto(born - timedelta(days=30 * month)))
    return _sized(message)


def mixed(first: int, count: int, mark: str) -> list[tuple[bytes, bytes]]:
    """Of each woman the allowance, and then the settlement."""
    made = ((claim, ""), (settlement, "S"))
    return [(key(n), what(n, f"{mark}-{n}{kind}")) for n in range(first, first + count // 2) for what, kind in made]


def _asked(person: int, number: str) -> intake_pb2.ClaimIntake:
    message = intake_pb2.ClaimIntake()
    body = message.submit.claim
    body.claim_number = number
    body.person_id_number = id_number(person)
    body.employer_uscc = USCC
    body.county = "610302"
    body.kind = claim_pb2.CLAIM_KIND_ALLOWANCE
    body.event.type = claim_pb2.EVENT_TYPE_DELIVERY
    day = _FIRST + timedelta(days=person % 200)
    body.event.date.CopyFrom(to_proto(day))
    body.event.delivery_mode = claim_pb2.DELIVERY_MODE_CAESAREAN if person % 5 < 2 else claim_pb2.DELIVERY_MODE_VAGINAL
    body.event.infants = 1 + (person % 80 == 0)
    body.event.birth_order = 1 + person % 3
    body.event.prepregnancy_check = person % 2 == 0
    body.own_monthly_wage_fen = 810_000
    body.submit_time.CopyFrom(Timestamp(seconds=int(datetime(2026, 8, 20, tzinfo=UTC).timestamp())))
    return message


def _sized(message: intake_pb2.ClaimIntake) -> bytes:
    body = message.submit.claim
    body.remark = "x" * 200
    body.remark = "x" * (200 + SIZE - message.ByteSize())
    return message.SerializeToString()


def key(person: int) -> bytes:
    return hashlib.sha256(str(person).encode()).digest()[:16]


def chunks(count: int, size: int) -> Iterator[range]:
    for start in range(0, count, size):
        yield range(start, min(start + size, count))


async def fill_registry(target: str, identity: Identity, first: int, count: int) -> None:
    """One employer, one hospital, and `count` women insured through it for long enough."""
    paid = service_pb2.MonthSpan(first_month=month_of(date(2024, 1, 1)), last_month=month_of(date(2026, 10, 1)))
    async with rpc.channel(target, identity) as channel:
        registry = service_pb2_grpc.RegistryServiceStub(channel)
        employer = service_pb2.EmployerRecord(
            uscc=USCC, name="Bench", county="610302", average_monthly_wage_fen={2025: 600_000}
        )
        contract = service_pb2.ContractSpan(
            level=service_pb2.PROVIDER_LEVEL_TERTIARY, first_day=to_proto(date(2020, 1, 1))
        )
        hospital = service_pb2.ProviderRecord(code=HOSPITAL, name="Bench", county="610302", contracts=[contract])
        await registry.BatchRecordCoverage(
            service_pb2.BatchRecordCoverageRequest(employers=[employer], providers=[hospital])
        )
        for chunk in chunks(count, 500):
            persons = [
                service_pb2.PersonRecord(
                    person_id_number=id_number(first + n), name="Bench", category=service_pb2.CATEGORY_EMPLOYEE,
                    employer_uscc=USCC, paid_months=[paid],
                )
                for n in chunk
            ]  # fmt: skip
            await registry.BatchRecordCoverage(service_pb2.BatchRecordCoverageRequest(persons=persons))


async def send_all(producer: AIOKafkaProducer, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
    for chunk in chunks(len(records), 2_000):
        sent = [await producer.send(topic, records[n][1], key=records[n][0]) for n in chunk]
        await asyncio.gather(*sent)


async def produce(broker: str, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all", enable_idempotence=True, linger_ms=5)
    await producer.start()
    await send_all(producer, topic, records)
    await producer.stop()


async def send_open_loop(
    producer: AIOKafkaProducer, topic: str, records: Sequence[tuple[bytes, bytes]], per_s: float
) -> list[float]:
    """Send at a fixed rate whatever comes back; returns the instant each record was due."""
    begun = time.time()
    due = [begun + n / per_s for n in range(len(records))]
    for n, (record_key, value) in enumerate(records):
        if (early := due[n] - time.time()) > 0:
            await asyncio.sleep(early)
        await producer.send(topic, value, key=record_key)
    await producer.flush()
    return due
