"""The run itself, as a client of the system: records to the registry, submissions to Kafka, receipts from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from cradle.claims.v1 import claim_pb2, receipt_pb2
from cradle.ops.v1 import parked_pb2
from cradle.ops.v1.parked_pb2_grpc import ParkedServiceStub
from cradle.registry.v1.office_pb2_grpc import OfficeServiceStub
from cradle.registry.v1.service_pb2 import EmployerRecord, PersonRecord, ProviderRecord

from deploy.demo.account import Account, Position
from services.cli.offices import import_records
from services.kit import rpc, tls
from services.kit.tls import Identity

if TYPE_CHECKING:
    from cradle.ops.v1.parked_pb2_grpc import ParkedServiceAsyncStub

INTAKE: Final = "claims.intake.v1."
RECEIPT: Final = "claims.receipt.v1."
SILENCE_MAX_S: Final = 60.0  # nothing sent and nothing answered for so long: what is missing will not come
_REQUEST_TIMEOUT_MS: Final = 30_000
_CALL_TIMEOUT_S: Final = 30.0
_POLL_MS: Final = 200
_PARKED_EVERY_S: Final = 2.0
_PAGE: Final = 500


class RegistryRefusedError(Exception):
    """The registry did not take a record that the city had made sound."""


@dataclass(frozen=True, slots=True)
class Addresses:
    broker: str
    claims: str
    registry: str
    identity: Identity

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Addresses:
        return cls(
            environment["KAFKA_BOOTSTRAP_SERVERS"],
            environment["CRADLE_CLAIMS_TARGET"],
            environment["CRADLE_REGISTRY_TARGET"],
            tls.of_environment(environment),
        )


def fill_registry(
    addresses: Addresses,
    employers: Sequence[EmployerRecord],
    persons: Sequence[PersonRecord],
    providers: Sequence[ProviderRecord],
    on_progress: Callable[[int], object],
) -> None:
    with rpc.blocking_channel(addresses.registry, addresses.identity) as channel:
        stub = OfficeServiceStub(channel)
        done = import_records(stub, employers, persons, on_progress, providers=providers, timeout_s=_CALL_TIMEOUT_S)
    if done.rejected:
        first = done.rejected[0]
        raise RegistryRefusedError(f"the registry refused {len(done.rejected)} records; {first.kind}: {first.reason}")


async def stream(
    addresses: Addresses, account: Account, on_tick: Callable[[], object], silence_max_s: float = SILENCE_MAX_S
) -> None:
    """Send every submission as fast as the broker takes it and read the receipts meanwhile.

    Returns when each has its receipt or lies parked, or when nothing has moved for `silence_max_s`; the account then
    says what is missing. `on_tick` is called several times a second.
    """
    sources = sorted({submission.source for submission in account.submissions})
    async with (
        _receipts_from_now(addresses.broker, sources) as receipts,
        _producer(addresses.broker) as producer,
        rpc.channel(addresses.claims, addresses.identity) as channel,
    ):
        sending = asyncio.create_task(_send(producer, account))
        try:
            async for _ in _follow(receipts, ParkedServiceStub(channel), sending, account, silence_max_s):
                on_tick()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def late(
    addresses: Addresses, account: Account, report_them: Callable[[], None], silence_max_s: float = SILENCE_MAX_S
) -> None:
    """Let the office report those who were not known, and read what becomes of the claims that waited for it."""
    sources = sorted({submission.source for submission in account.submissions})
    async with _receipts_from_now(addresses.broker, sources) as receipts:
        await asyncio.to_thread(report_them)
        moved_s, known = time.perf_counter(), account.waiting_for_coverage()
        while known and time.perf_counter() - moved_s < silence_max_s:
            found = await receipts.getmany(timeout_ms=_POLL_MS)
            for record in (record for records in found.values() for record in records):
                account.read(receipt_pb2.ClaimReceipt.FromString(record.value), time.perf_counter())
            if found and known != (known := account.waiting_for_coverage()):
                moved_s = time.perf_counter()


async def paid_claims(
    addresses: Addresses, sources: Sequence[str], expected: int, silence_max_s: float = SILENCE_MAX_S
) -> set[str]:
    """The claims that their receipts call PAID, read from the first on until so many are, or nothing comes any more."""
    paid: dict[str, bool] = {}
    async with _receipts(addresses.broker, sources, "earliest") as receipts:
        moved_s = time.perf_counter()
        while sum(paid.values()) < expected and time.perf_counter() - moved_s < silence_max_s:
            found = await receipts.getmany(timeout_ms=_POLL_MS)
            moved_s = time.perf_counter() if found else moved_s
            for record in (record for records in found.values() for record in records):
                receipt = receipt_pb2.ClaimReceipt.FromString(record.value)
                if receipt.status == receipt_pb2.RECEIPT_STATUS_PAYMENT:
                    paid[receipt.claim.removeprefix("claims/")] = receipt.payment == claim_pb2.PAYMENT_STATE_PAID
    return {claim for claim, is_paid in paid.items() if is_paid}


async def _follow(
    receipts: AIOKafkaConsumer,
    parked: ParkedServiceAsyncStub,
    sending: asyncio.Task[None],
    account: Account,
    silence_max_s: float,
) -> AsyncIterator[None]:
    """Read what comes until all is known or nothing moves any more; yields after each look."""
    moved_s, parked_s, known = time.perf_counter(), time.perf_counter(), (0, 0, 0)
    while account.waiting or not sending.done():
        found = await receipts.getmany(timeout_ms=_POLL_MS)
        now_s = time.perf_counter()
        for record in (record for records in found.values() for record in records):
            account.read(receipt_pb2.ClaimReceipt.FromString(record.value), now_s)
        if sending.done():
            sending.result()  # raises what the producer raised
            if now_s - parked_s > _PARKED_EVERY_S:
                account.hold(await _parked(parked))
                parked_s = now_s
        yield
        if known != (known := (account.sent, account.answered, len(account.parked))):
            moved_s = now_s
        if now_s - moved_s > silence_max_s:
            return


async def _send(producer: AIOKafkaProducer, account: Account) -> None:
    """In order. Whatever the producer cannot deliver is raised."""
    answers: list[asyncio.Future[Any]] = []
    for index, submission in enumerate(account.submissions):
        account.hand_over(index, time.perf_counter())
        answer = await producer.send(INTAKE + submission.source, submission.value, key=submission.key)
        answer.add_done_callback(_confirming(account, index))
        answers.append(answer)
    await asyncio.gather(*answers)


def _confirming(account: Account, index: int) -> Callable[[asyncio.Future[Any]], None]:
    def confirm(answer: asyncio.Future[Any]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            place = answer.result()
            account.confirm(index, Position(place.topic, place.partition, place.offset))

    return confirm


async def _parked(stub: ParkedServiceAsyncStub) -> list[Position]:
    """Where every parked record lay, whoever sent it."""
    found: list[Position] = []
    request = parked_pb2.ListParkedRequest(page_size=_PAGE)
    while True:
        page = await stub.ListParked(request, timeout=_CALL_TIMEOUT_S)
        found += [Position(record.topic, record.partition, record.offset) for record in page.records]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


@asynccontextmanager
async def _producer(broker: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


def _receipts_from_now(broker: str, sources: Sequence[str]) -> AbstractAsyncContextManager[AIOKafkaConsumer]:
    """A reader of the receipts that come after this moment."""
    return _receipts(broker, sources, "latest")


@asynccontextmanager
async def _receipts(
    broker: str, sources: Sequence[str], since: Literal["earliest", "latest"]
) -> AsyncIterator[AIOKafkaConsumer]:
    topics = [RECEIPT + source for source in sources]
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=broker, request_timeout_ms=_REQUEST_TIMEOUT_MS, auto_offset_reset=since
    )
    await consumer.start()
    try:
        offsets_of = consumer.beginning_offsets if since == "earliest" else consumer.end_offsets
        for place, offset in (await offsets_of(consumer.assignment())).items():
            consumer.seek(place, offset)
        yield consumer
    finally:
        await consumer.stop()
